import { connectCluster, type KubeConnection } from "../../../actions/shared/clients/kubernetes/connection.ts";
import { systemClock } from "../../../actions/shared/lib/clock.ts";
import { silentLog } from "../logs.ts";
import type { Cluster } from "./cluster.ts";

/** The client's own way to a cluster of the tests, in a namespace, as one of its users. */
export function connectionTo(
  cluster: Pick<Cluster, "kubeconfig">,
  namespace: string,
  login: Parameters<Cluster["kubeconfig"]>[0] = "admin",
): Promise<KubeConnection> {
  return connectCluster({
    kubeconfig: cluster.kubeconfig(login, namespace),
    cwd: "/",
    env: {},
    mask: () => {},
    clock: systemClock,
    log: silentLog,
  });
}
