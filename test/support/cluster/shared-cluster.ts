import { inject } from "vitest";
import type { Cluster } from "./cluster.ts";
import { clusterAt } from "./cluster-at.ts";

/** The cluster that set-up-suite.ts started: not to be stopped, and without nodes of one's own. */
export function sharedCluster(): Cluster {
  const address = inject("sharedCluster");
  if (address === undefined) throw new Error("the suite has no cluster");
  return clusterAt(address);
}
