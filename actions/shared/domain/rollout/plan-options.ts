import type { JudgePolicy, SeriesName } from "./judge.ts";

/** What a user said, by inputs or in the rollout file; the rest is defaults. */
export type PlanOptions = {
  readonly steps?: readonly string[] | undefined;
  readonly lookMs?: number | undefined;
  readonly stepMs?: number | undefined;
  readonly maxStepMs?: number | undefined;
  readonly bakeMs?: number | undefined;
  readonly alpha?: number | undefined;
  readonly margin?: number | undefined;
  readonly maxRatio?: number | undefined;
  readonly maxErrorRate?: number | undefined;
  readonly minRequests?: number | undefined;
  readonly maxFailedRequests?: number | undefined;
  readonly onNoData?: "hold" | "rollback" | undefined;
  readonly onInconclusive?: "hold" | "rollback" | undefined;
  readonly rate?: number | undefined;
  readonly requestTimeoutMs?: number | undefined;
  readonly latencyBoundMs?: number | undefined;
  readonly breaker?: { readonly rate?: number | undefined; readonly minRequests?: number | undefined } | undefined;
  readonly duel?:
    | { readonly minAgreement?: number | undefined; readonly maxDifference?: number | undefined }
    | undefined;
  readonly series?: { readonly [name in SeriesName]?: SeriesOptions | undefined } | undefined;
};

export type SeriesOptions = {
  readonly margin?: number | undefined;
  readonly maxRatio?: number | undefined;
  readonly maxRate?: number | undefined;
};

export type PlanDefaults = {
  readonly steps: readonly string[];
  readonly lookMs: number;
  readonly stepMs: number;
  readonly maxStepMs: number;
  readonly bakeMs: number;
  readonly alpha: number;
  readonly margin: number;
  readonly maxRatio: number;
  readonly maxErrorRate: number;
  readonly minRequests: number;
  readonly onNoData: "hold" | "rollback";
  readonly onInconclusive: "hold" | "rollback";
  readonly rate: number;
  readonly requestTimeoutMs: number;
  readonly breaker: JudgePolicy["breaker"];
};

export const PLAN_DEFAULTS: PlanDefaults = {
  steps: ["5%", "25%", "50%"],
  lookMs: 10_000,
  stepMs: 120_000,
  maxStepMs: 600_000,
  bakeMs: 60_000,
  alpha: 0.05,
  margin: 1.25,
  maxRatio: 2,
  maxErrorRate: 0.01,
  minRequests: 100,
  onNoData: "hold",
  onInconclusive: "hold",
  rate: 50,
  requestTimeoutMs: 10_000,
  breaker: { rate: 0.25, minRequests: 50 },
};

/** What was said first wins, member by member. */
export function mergeOptions(first: PlanOptions, second: PlanOptions): PlanOptions {
  return { ...second, ...withoutUndefined(first) };
}

/** Only the members that have a value, so that they may be spread over defaults. */
export function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
