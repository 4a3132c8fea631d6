import { ReleaseError } from "../../lib/error.ts";
import { readCluster } from "./kubeconfig-cluster.ts";
import { entries, listOf, pick } from "./kubeconfig-entry.ts";
import { findSources, type Source, type SourceOptions } from "./kubeconfig-source.ts";
import { readUser } from "./kubeconfig-user.ts";
import type { KubeTarget } from "./target.ts";

export type KubeconfigOptions = SourceOptions & {
  /** Default: the kubeconfig's current one. */
  readonly context?: string;
  /** Default: the context's. */
  readonly namespace?: string;
  readonly mask: (secret: string) => void;
};

/** The cluster and the user that a kubeconfig means; undefined where nothing is given and kubectl would find none either. */
export async function readKubeconfig(options: KubeconfigOptions): Promise<KubeTarget | undefined> {
  const sources = await findSources(options);
  return sources.length === 0 ? undefined : await chooseTarget(sources, options);
}

async function chooseTarget(sources: readonly Source[], options: KubeconfigOptions): Promise<KubeTarget> {
  const contexts = entries(sources, "contexts");
  const named = options.context || sources.map(({ config }) => config["current-context"]).find(Boolean);
  const first = sources[0];
  if (!named)
    throw new ReleaseError("CONFIG", {
      rule: "the kubeconfig names no current context",
      where: first?.placeOf([]) ?? {},
      saw: listOf("contexts", [...contexts.keys()]),
      hint: contexts.size === 0 ? "it has no context at all: make it again" : "set the input context to one of them",
    });
  const context = pick(contexts, named, { kind: "context", where: first?.placeOf(["current-context"]) ?? {} });
  const { cluster, user, namespace } = context.value.context;
  const found = pick(entries(sources, "clusters"), cluster, { kind: "cluster", where: context.where, context: named });
  const who =
    user === ""
      ? undefined
      : pick(entries(sources, "users"), user, { kind: "user", where: context.where, context: named });
  return {
    from: context.source.name,
    context: named,
    namespace: options.namespace || namespace || "default",
    cluster: await readCluster(found.value.name, found.value.cluster, found),
    user: who?.value.user
      ? await readUser(who.value.name, who.value.user, { ...who, mask: options.mask })
      : { name: user === "" ? "no user" : user, impersonation: {}, proof: { kind: "none" } },
  };
}
