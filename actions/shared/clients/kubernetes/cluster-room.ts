import type { ClusterRoom } from "../../domain/capacity/capacity.ts";
import type { KubeConnection } from "./connection.ts";
import { listIfAllowed } from "./pods.ts";

/** What is known of the cluster's room now: what the account may not list is undefined. */
export async function readClusterRoom(connection: KubeConnection, namespace: string): Promise<ClusterRoom> {
  const core = { group: "", version: "v1" } as const;
  const [nodes, pods, quotas] = await Promise.all([
    listIfAllowed(connection, { ...core, plural: "nodes" }, {}),
    listIfAllowed(connection, { ...core, plural: "pods" }, { fields: "status.phase!=Succeeded,status.phase!=Failed" }),
    listIfAllowed(connection, { ...core, plural: "resourcequotas", namespace }, {}),
  ]);
  return { nodes, pods, quotas };
}
