import * as v from "valibot";
import { DigestSchema } from "../digest.ts";
import { type DeepReadonly, ROLLOUT_DECISIONS } from "../release.ts";
import { type TrafficMemory, TrafficMemorySchema } from "../traffic/memory.ts";
import { DuelSchema } from "./duel.ts";
import { SERIES } from "./judge.ts";
import type { TrafficPlan } from "./traffic-plan.ts";

/** The schema number of journals and evidence that this code writes. A higher one is refused. */
export const JOURNAL_SCHEMA = 1;

/**
 * Where a rollout stands. Written before what it names is done, so that whoever comes after a killed process knows what may have
 * happened: `promoting` may have sent everything to the candidate, `recording` has been decided for good.
 */
export const ROLLOUT_PHASES = ["staging", "canary", "promoting", "baking", "recording", "lowering", "ended"] as const;

const TallySchema = v.object({ n: v.number(), bad: v.number() });
const ArmSchema = v.object({
  started: v.number(),
  requests: v.number(),
  rejected: v.optional(v.number()),
  series: v.object({
    errors: v.optional(TallySchema),
    slow: v.optional(TallySchema),
    wrong: v.optional(TallySchema),
  }),
});
/** Beside stable with a share of the traffic; pod by pod; after stable has ended. */
export const STRATEGIES = ["canary", "rolling", "recreate"] as const;
export type Strategy = (typeof STRATEGIES)[number];

const ModelSchema = v.object({ name: v.string(), version: v.string(), digest: DigestSchema });

/** One look: what was counted since the one before, where the rollout stood, and what was concluded. Times in milliseconds. */
export const LookSchema = v.object({
  atMs: v.number(),
  phase: v.picklist(["canary", "baking"]),
  step: v.number(),
  share: v.number(),
  waitedMs: v.number(),
  counts: v.object({ candidate: ArmSchema, stable: ArmSchema }),
  /** All requests of this step so far, by the arm that they were sent to. */
  exposure: v.object({ candidate: v.number(), stable: v.number() }),
  /** The candidate was started again since the look before: what was proved for it is void. */
  restarted: v.optional(v.literal(true)),
  verdict: v.picklist(["continue", "pass", "fail", "no-data", "inconclusive"]),
  next: v.picklist(["wait", "shift", "promote", "finish", "rollback", "hold"]),
  /** By series: evidence of failing, of passing by ratio, of lying under the ceiling; natural logarithms. */
  evidence: v.record(v.string(), v.object({ fail: v.number(), pass: v.number(), ceiling: v.number() })),
});

const SeriesPolicySchema = v.object({
  name: v.picklist(SERIES),
  margin: v.number(),
  maxRatio: v.number(),
  ceiling: v.number(),
});

export const TrafficPlanSchema = v.object({
  rollout: v.object({
    shares: v.array(v.number()),
    lookMs: v.number(),
    stepMs: v.number(),
    maxStepMs: v.number(),
    bakeMs: v.number(),
    minRequests: v.number(),
    onNoData: v.picklist(["hold", "rollback"]),
    onInconclusive: v.picklist(["hold", "rollback"]),
  }),
  judge: v.object({
    against: v.picklist(["stable", "ceiling"]),
    alpha: v.number(),
    series: v.array(SeriesPolicySchema),
    watched: v.optional(v.array(SeriesPolicySchema)),
    breaker: v.object({ rate: v.number(), minRequests: v.number() }),
    maxFailed: v.optional(v.number()),
  }),
  rate: v.number(),
  requestTimeoutMs: v.number(),
  latencyBoundMs: v.optional(v.number()),
  duel: v.optional(v.object({ minAgreement: v.optional(v.number()), maxDifference: v.optional(v.number()) })),
});

export const JournalEntrySchema = v.object({
  schema: v.literal(JOURNAL_SCHEMA),
  /** Of target and candidate: the same for a re-run of the same release. */
  rollout: v.string(),
  target: v.string(),
  release: v.string(),
  /** The commit of the release. */
  commit: v.optional(v.string()),
  by: v.string(),
  startedAtMs: v.number(),
  candidate: ModelSchema,
  stable: v.optional(ModelSchema),
  /** How the candidate comes into service. Default: `canary`. */
  strategy: v.optional(v.picklist(STRATEGIES)),
  /** The candidate has the room of pods of stable, which had so many when the rollout began, where that was known. */
  borrow: v.optional(v.object({ pods: v.optional(v.number()) })),
  /** Who carried a rollout on that had been held, when, and why it had been. */
  carriedOn: v.optional(v.object({ by: v.string(), atMs: v.number(), held: v.string() })),
  plan: TrafficPlanSchema,
  phase: v.picklist(ROLLOUT_PHASES),
  step: v.number(),
  /** The candidate's share that this entry allows; what is in force is never above it. */
  share: v.number(),
  /** When the step or the bake began. */
  sinceMs: v.number(),
  /** What the payloads came to on both versions before any traffic, where they were asked. */
  duel: v.optional(DuelSchema),
  looks: v.array(LookSchema),
  /** The raw counters of a metrics server at the last look, and every query that they were asked by. */
  counters: v.optional(TrafficMemorySchema),
  queries: v.optional(
    v.array(v.object({ arm: v.picklist(["candidate", "stable"]), counter: v.string(), query: v.string() })),
  ),
  decision: v.optional(v.picklist(ROLLOUT_DECISIONS)),
  reason: v.optional(v.string()),
  endedAtMs: v.optional(v.number()),
});

export type Look = DeepReadonly<v.InferOutput<typeof LookSchema>>;
export type ServedModel = DeepReadonly<v.InferOutput<typeof ModelSchema>>;
export type JournalEntry = Omit<DeepReadonly<v.InferOutput<typeof JournalEntrySchema>>, "plan" | "counters"> & {
  readonly plan: TrafficPlan;
  readonly counters?: TrafficMemory;
};

export function isUnfinished(entry: JournalEntry | undefined): entry is JournalEntry {
  return entry !== undefined && entry.phase !== "ended";
}
