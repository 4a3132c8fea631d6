import type { Place, Problem } from "../domain/problem.ts";
import type { ExpectedTraffic } from "../domain/rollout/forecast.ts";
import type { ServedModel } from "../domain/rollout/journal-entry.ts";
import type { Payload } from "../domain/rollout/payload.ts";
import type { TrafficPlan } from "../domain/rollout/traffic-plan.ts";
import type { TrafficMemory } from "../domain/traffic/memory.ts";
import type { MetricsFile } from "../domain/traffic/queries.ts";
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
  /** `local`, `kserve/digits in prod`: names it in journals, logs and records. */
  readonly address: string;
  readonly serving: Serving;
  readonly lease: Lease;
  readonly journal: Journal;
  /** `memory`: where a process before this one had come to. */
  traffic(payloads: readonly Payload[], plan: TrafficPlan, memory?: TrafficMemory): Traffic;
  /** Whether the traffic can be judged, before anything is changed; absent where it is ours. Reads only. */
  readonly tryMetrics?: (plan: TrafficPlan) => Promise<MetricCheck>;
  /** Never throws: an event that cannot be written is a line of the log. */
  readonly events?: (event: RolloutEvent) => Promise<void>;
};

/** What a target's metrics say now. */
export type MetricCheck = {
  readonly problems: readonly Problem[];
  /** Sentences for the plan. */
  readonly notes: readonly string[];
  /** What stable gets now, for the forecast; absent where nothing was counted. */
  readonly traffic?: ExpectedTraffic;
};

/** `metrics` of the rollout file, and where a key of it was written. */
export type MetricsRequest = {
  readonly file: MetricsFile;
  readonly placeOf: (path: readonly string[]) => Place;
};

export type TargetRequest = {
  /** The model's name. */
  readonly name: string;
  /** The version of this release, which is served as the inputs say; absent in modes that start nothing. */
  readonly version?: string;
  readonly image?: { readonly ref: string; readonly digest: ServedModel["digest"] } | undefined;
  readonly command?: readonly string[] | undefined;
  readonly plan?: Pick<TrafficPlan, "requestTimeoutMs" | "latencyBoundMs">;
  readonly metrics?: MetricsRequest;
};
