import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReleaseError } from "../../lib/error.ts";
import { exists } from "../../lib/exists.ts";
import type { KubeTarget } from "./target.ts";

/** Where Kubernetes puts a pod's own account. */
const ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The cluster that this pod runs in, as the pod's service account; undefined outside of one. */
export async function readInCluster(
  env: Readonly<Record<string, string | undefined>>,
  namespace?: string,
  folder: string = ACCOUNT_FOLDER,
): Promise<KubeTarget | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) return undefined;
  const path = join(folder, "token");
  if (!(await exists(path)))
    throw new ReleaseError("CONFIG", {
      rule: "this pod has no service account token",
      where: { file: path },
      saw: "a pod (KUBERNETES_SERVICE_HOST is set) without one",
      hint: "let the runner's pod mount it (automountServiceAccountToken: true), or give a kubeconfig",
    });
  const authority = await textOf(join(folder, "ca.crt"));
  const own = (await textOf(join(folder, "namespace")))?.trim();
  return {
    from: "the service account of this pod",
    namespace: namespace || own || "default",
    cluster: {
      name: "in-cluster",
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      isUnchecked: false,
      ...(authority === undefined ? {} : { authority }),
    },
    user: { name: "the pod's service account", impersonation: {}, proof: { kind: "token-file", path } },
  };
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
