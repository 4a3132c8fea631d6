import * as v from "valibot";
import { parseDuration, parseFraction } from "../quantity.ts";
import { MetricsSchema } from "../traffic/queries.ts";
import { SERIES } from "./judge.ts";
import type { PlanOptions } from "./plan-options.ts";

const Duration = v.pipe(
  v.string(),
  v.regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, "must be a duration such as 90s, 15m or 6h"),
);
const PART = "must be a part such as 5% or 0.05";
const Fraction = v.union(
  [v.pipe(v.number(), v.minValue(0, PART), v.maxValue(1, PART)), v.pipe(v.string(), v.regex(/^\d+(\.\d+)?%$/, PART))],
  PART,
);
const Count = v.pipe(v.number(), v.integer(), v.minValue(1));
const OnDoubt = v.picklist(["hold", "rollback"], "must be hold or rollback");
const SeriesRules = v.strictObject({
  margin: v.optional(v.number()),
  "max-ratio": v.optional(v.number()),
  "max-rate": v.optional(Fraction),
});

/** The rollout file: the inputs of the same names, and what is too long for an input. */
export const RolloutFileSchema = v.strictObject({
  strategy: v.optional(v.picklist(["canary"], "must be canary: for the others there is the input `strategy`")),
  steps: v.optional(v.union([v.string(), v.array(Fraction)], "must be shares such as 5%, 25%, 50%")),
  look: v.optional(Duration),
  "step-duration": v.optional(Duration),
  "max-step-duration": v.optional(Duration),
  bake: v.optional(Duration),
  alpha: v.optional(Fraction),
  margin: v.optional(v.number()),
  "max-ratio": v.optional(v.number()),
  "max-error-rate": v.optional(Fraction),
  "min-requests": v.optional(Count),
  "max-failed-requests": v.optional(Count),
  "on-no-data": v.optional(OnDoubt),
  "on-inconclusive": v.optional(OnDoubt),
  rate: v.optional(v.number()),
  "request-timeout": v.optional(Duration),
  "latency-bound": v.optional(Duration),
  breaker: v.optional(v.strictObject({ rate: v.optional(Fraction), "min-requests": v.optional(Count) })),
  duel: v.optional(
    v.strictObject({
      "min-agreement": v.optional(Fraction),
      "max-difference": v.optional(v.pipe(v.number(), v.minValue(0))),
    }),
  ),
  metrics: v.optional(MetricsSchema),
  series: v.optional(
    v.strictObject({
      errors: v.optional(SeriesRules),
      slow: v.optional(SeriesRules),
      wrong: v.optional(SeriesRules),
      /** What is written here becomes part of the gate; without it, refused requests are only told. */
      rejected: v.optional(SeriesRules),
    }),
  ),
});

export type RolloutFile = v.InferOutput<typeof RolloutFileSchema>;

export function optionsOfFile(file: RolloutFile): PlanOptions {
  const series = SERIES.flatMap((name) => {
    const rules = file.series?.[name];
    if (rules === undefined) return [];
    const { margin, "max-ratio": maxRatio, "max-rate": maxRate } = rules;
    return [[name, { margin, maxRatio, maxRate: fraction(maxRate) }] as const];
  });
  return {
    steps: typeof file.steps === "string" ? file.steps.split(",").map((step) => step.trim()) : file.steps?.map(String),
    lookMs: duration(file.look),
    stepMs: duration(file["step-duration"]),
    maxStepMs: duration(file["max-step-duration"]),
    bakeMs: duration(file.bake),
    alpha: fraction(file.alpha),
    margin: file.margin,
    maxRatio: file["max-ratio"],
    maxErrorRate: fraction(file["max-error-rate"]),
    minRequests: file["min-requests"],
    maxFailedRequests: file["max-failed-requests"],
    onNoData: file["on-no-data"],
    onInconclusive: file["on-inconclusive"],
    rate: file.rate,
    requestTimeoutMs: duration(file["request-timeout"]),
    latencyBoundMs: duration(file["latency-bound"]),
    breaker: { rate: fraction(file.breaker?.rate), minRequests: file.breaker?.["min-requests"] },
    duel:
      file.duel === undefined
        ? undefined
        : { minAgreement: fraction(file.duel["min-agreement"]), maxDifference: file.duel["max-difference"] },
    series: Object.fromEntries(series),
  };
}

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function fraction(value: string | number | undefined): number | undefined {
  return typeof value === "string" ? parseFraction(value) : value;
}
