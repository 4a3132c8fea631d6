import type { AdderModels } from "./adder-models.ts";
import type { Served } from "./adder-users.ts";
import type { Cluster } from "./cluster/cluster.ts";

/** An object of a cluster that serves `adder` 1.0.0 in a namespace of its own. */
export type AdderTarget = Served & {
  /** The input `target`. */
  readonly target: `${"deployment" | "kserve" | "rollout"}/adder`;
  /** The file of the role that is shipped for it. */
  readonly role: string;
  /** What a rollout made, or set, and did not take away. */
  leftovers(): Promise<readonly string[]>;
  stop(): Promise<void>;
};

export type TargetWish = {
  readonly cluster: Cluster;
  readonly models: AdderModels;
  readonly versions: readonly string[];
  /** Where this machine answers for all pods. */
  readonly port: number;
};
