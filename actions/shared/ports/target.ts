import type { ServedModel } from "../domain/rollout/journal-entry.ts";
import type { Payload } from "../domain/rollout/payload.ts";
import type { TrafficPlan } from "../domain/rollout/traffic-plan.ts";
import type { Journal } from "./journal.ts";
import type { Lease } from "./lease.ts";
import type { Serving } from "./serving.ts";
import type { Traffic } from "./traffic.ts";

/** What people who look at the target itself should see of a rollout. */
export type RolloutEvent = {
  readonly reason: "CanaryStep" | "CanaryRolledBack" | "CanaryHeld" | "Promoted";
  /** One sentence. */
  readonly note: string;
};

/** One place where a model serves, with what guards it. */
export type Target = {
  readonly serving: Serving;
  readonly lease: Lease;
  readonly journal: Journal;
  traffic(payloads: readonly Payload[], plan: TrafficPlan): Traffic;
  /** Never throws: an event that cannot be written is a line of the log. */
  readonly events?: (event: RolloutEvent) => Promise<void>;
};

export type TargetRequest = {
  /** The model's name. */
  readonly name: string;
  /** The version of this release, which is served as the inputs say; absent in modes that start nothing. */
  readonly version?: string;
  readonly image?: { readonly ref: string; readonly digest: ServedModel["digest"] } | undefined;
  readonly command?: readonly string[] | undefined;
  readonly plan?: Pick<TrafficPlan, "requestTimeoutMs" | "latencyBoundMs">;
};
