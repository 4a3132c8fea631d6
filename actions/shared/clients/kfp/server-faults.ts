import type { PackageFault } from "../../domain/pipeline/package.ts";
import { ReleaseError } from "../../lib/error.ts";
import { findExperiment } from "./experiments.ts";
import type { Names } from "./names.ts";
import { findPipeline } from "./pipelines.ts";
import type { Server } from "./server.ts";
import type { Upload } from "./upload.ts";
import { changedVersion, decideVersion } from "./versions.ts";

export type ServerWish = {
  readonly names: Names;
  readonly upload: Upload;
  readonly onChanged: "error" | "suffix";
  readonly experiment: string;
  readonly namespace: string | undefined;
};

/** The namespace that this server wants: none where it has none. Throws `INPUT` where it needs one. */
export function namespaceOn(server: Server, namespace: string | undefined): string | undefined {
  if (!server.multiUser) return undefined;
  if (namespace !== undefined) return namespace;
  throw new ReleaseError("INPUT", {
    rule: "Kubeflow Pipelines with several users needs to know in which namespace",
    where: { input: "namespace" },
    saw: "nothing",
    allowed: "the name of a profile, such as team-a",
    hint: "set `namespace`",
  });
}

/** What is wrong with this run on this server, found without changing anything. What the account may not read is thrown as `AUTH`. */
export async function serverFaults(server: Server, wish: ServerWish): Promise<readonly PackageFault[]> {
  const namespace = namespaceOn(server, wish.namespace);
  await findExperiment(server, wish.experiment, namespace);
  return [
    ...(namespace === undefined ? unusedNamespace(wish.namespace) : await memberFaults(server, namespace)),
    ...(await versionFaults(server, wish, namespace)),
  ];
}

function unusedNamespace(namespace: string | undefined): readonly PackageFault[] {
  if (namespace === undefined) return [];
  return [
    {
      level: "notice",
      path: [0],
      rule: "the server has no namespaces, so that `namespace` does nothing",
      saw: namespace,
    },
  ];
}

/** The server's own test of a member's rights. It speaks of viewers only, so that a refusal is a hint and no more. */
async function memberFaults(server: Server, namespace: string): Promise<readonly PackageFault[]> {
  const answer = await server.call({
    path: "/apis/v2beta1/auth",
    query: { namespace, resources: "VIEWERS", verb: "GET" },
  });
  const isRefused = answer.state === "refused" && (answer.status === 403 || answer.error.code === 7);
  if (!isRefused) return [];
  return [
    {
      level: "warning",
      path: [0],
      rule: `the account is no full member of the namespace ${namespace}`,
      saw: answer.error.message,
      hint: "bind it to the ClusterRole kubeflow-edit there",
    },
  ];
}

async function versionFaults(
  server: Server,
  { names, upload, onChanged }: ServerWish,
  namespace: string | undefined,
): Promise<readonly PackageFault[]> {
  const pipeline = await findPipeline(server, names, namespace);
  if (pipeline === undefined) return [];
  const decision = await decideVersion(server, pipeline.pipeline_id, { names, upload, onChanged });
  if (decision.do === "conflict") return [{ level: "error", path: [0], ...changedVersion(decision) }];
  if (decision.names.version === names.version) return [];
  return [
    {
      level: "warning",
      path: [0],
      rule: `the version ${names.versionTitle} is there already with another content: this one is ${decision.names.versionTitle}`,
    },
  ];
}
