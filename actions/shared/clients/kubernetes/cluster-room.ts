import type { ClusterRoom } from "../../domain/capacity/capacity.ts";
import type { Access } from "../../domain/manifest/access.ts";
import type { KubeConnection } from "./connection.ts";
import { listIfAllowed } from "./pods.ts";

export const CAPACITY_ACCESS: readonly Access[] = [
  {
    group: "",
    resource: "resourcequotas",
    verbs: ["list"],
    scope: "namespace",
    need: "optional",
    purpose: "check that the namespace may have the pods of a candidate",
    loss: "the namespace's quota is not checked",
  },
  {
    group: "",
    resource: "nodes",
    verbs: ["list"],
    scope: "cluster",
    need: "optional",
    purpose: "check that nodes have room for a candidate",
    loss: "room on nodes is not checked",
  },
  {
    group: "",
    resource: "pods",
    verbs: ["list"],
    scope: "cluster",
    need: "optional",
    purpose: "see what the pods of all namespaces hold of the nodes",
    loss: "room on nodes is not checked",
  },
];

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
