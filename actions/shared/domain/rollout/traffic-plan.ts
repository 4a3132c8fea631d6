import * as v from "valibot";
import { bad, type Checked, ok, type Place, type Problem } from "../problem.ts";
import { formatDuration, formatPercent, parseDuration, parseFraction } from "../quantity.ts";
import type { JudgePolicy, SeriesName, SeriesPolicy } from "./judge.ts";
import { SERIES } from "./judge.ts";
import type { RolloutPolicy } from "./rollout.ts";

/** How a candidate comes into service, complete: what a rollout is run, forecast, resumed and replayed by. */
export type TrafficPlan = {
  readonly rollout: RolloutPolicy;
  readonly judge: JudgePolicy;
  /** Requests per second that are sent where the traffic is ours. */
  readonly rate: number;
  /** An answer that takes longer is none. */
  readonly requestTimeoutMs: number;
  /** An answer that takes longer is slow; without it nothing is. */
  readonly latencyBoundMs?: number;
};

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
  readonly onNoData?: "hold" | "rollback" | undefined;
  readonly onInconclusive?: "hold" | "rollback" | undefined;
  readonly rate?: number | undefined;
  readonly requestTimeoutMs?: number | undefined;
  readonly latencyBoundMs?: number | undefined;
  readonly breaker?: { readonly rate?: number | undefined; readonly minRequests?: number | undefined } | undefined;
  readonly series?: { readonly [name in SeriesName]?: SeriesOptions | undefined } | undefined;
};

type SeriesOptions = {
  readonly margin?: number | undefined;
  readonly maxRatio?: number | undefined;
  readonly maxRate?: number | undefined;
};

type Defaults = {
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

export const PLAN_DEFAULTS: Defaults = {
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

const Duration = v.pipe(
  v.string(),
  v.regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, "must be a duration such as 90s, 15m or 6h"),
);
const Fraction = v.union(
  [v.pipe(v.number(), v.minValue(0), v.maxValue(1)), v.pipe(v.string(), v.regex(/^\d+(\.\d+)?%$/))],
  "must be a part such as 5% or 0.05",
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
  strategy: v.optional(v.picklist(["canary"], "must be canary")),
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
  "on-no-data": v.optional(OnDoubt),
  "on-inconclusive": v.optional(OnDoubt),
  rate: v.optional(v.number()),
  "request-timeout": v.optional(Duration),
  "latency-bound": v.optional(Duration),
  breaker: v.optional(v.strictObject({ rate: v.optional(Fraction), "min-requests": v.optional(Count) })),
  series: v.optional(
    v.strictObject({ errors: v.optional(SeriesRules), slow: v.optional(SeriesRules), wrong: v.optional(SeriesRules) }),
  ),
});

export type RolloutFile = v.InferOutput<typeof RolloutFileSchema>;

export function optionsOfFile(file: RolloutFile): PlanOptions {
  const series = SERIES.map((name) => {
    const rules = file.series?.[name];
    return [
      name,
      { margin: rules?.margin, maxRatio: rules?.["max-ratio"], maxRate: fraction(rules?.["max-rate"]) },
    ] as const;
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
    onNoData: file["on-no-data"],
    onInconclusive: file["on-inconclusive"],
    rate: file.rate,
    requestTimeoutMs: duration(file["request-timeout"]),
    latencyBoundMs: duration(file["latency-bound"]),
    breaker: { rate: fraction(file.breaker?.rate), minRequests: file.breaker?.["min-requests"] },
    series: Object.fromEntries(series),
  };
}

/** What was said first wins, member by member. */
export function mergeOptions(first: PlanOptions, second: PlanOptions): PlanOptions {
  return { ...second, ...withoutUndefined(first) };
}

export type Subject = {
  /** Without a stable version there is nothing to compare with and nothing to split. */
  readonly hasStable: boolean;
  /** Whether payloads carry expected answers: else there is no series `wrong`. */
  readonly hasExpectations: boolean;
};

/** The whole plan, or everything that is wrong with it. `placeOf` says where an option was written. */
export function planOf(
  options: PlanOptions,
  { hasStable, hasExpectations }: Subject,
  placeOf: (option: string) => Place,
): Checked<TrafficPlan> {
  const said = { ...PLAN_DEFAULTS, ...withoutUndefined(options) };
  const shares = said.steps.map((step) => parseFraction(step));
  const breaker = { ...PLAN_DEFAULTS.breaker, ...withoutUndefined(said.breaker) };
  const names = SERIES.filter(
    (name) => name === "errors" || (name === "slow" ? said.latencyBoundMs !== undefined : hasExpectations),
  );
  const series = names.map((name) => seriesOf(name, said, options.series?.[name]));
  const problems = [
    ...stepProblems(said.steps, shares, placeOf("steps")),
    ...series.flatMap((one) => seriesProblems(one, placeOf)),
    ...rangeProblems(said, placeOf),
    ...(breaker.rate > 0 && breaker.rate < 1
      ? []
      : [outOf("breaker.rate", breaker.rate, { allowed: "above 0%, below 100%", where: placeOf("breaker") })]),
  ];
  if (problems.length > 0) return bad(...problems);
  return ok({
    rollout: {
      shares: hasStable ? shares.flatMap((share) => share ?? []) : [1],
      lookMs: said.lookMs,
      stepMs: said.stepMs,
      maxStepMs: Math.max(said.maxStepMs, said.stepMs),
      bakeMs: said.bakeMs,
      minRequests: said.minRequests,
      onNoData: said.onNoData,
      onInconclusive: said.onInconclusive,
    },
    judge: { against: hasStable ? "stable" : "ceiling", alpha: said.alpha, series, breaker },
    rate: said.rate,
    requestTimeoutMs: said.requestTimeoutMs,
    ...(said.latencyBoundMs === undefined ? {} : { latencyBoundMs: said.latencyBoundMs }),
  });
}

/** `10 % → 25 % → 50 % → all, a look each 1s, 1m a step`. */
export function formatPlan({ rollout }: TrafficPlan): string {
  const shares = rollout.shares.map((share) => (share === 1 ? "all" : formatPercent(share)));
  const steps = shares.at(-1) === "all" ? shares : [...shares, "all"];
  return `${steps.join(" → ")}, a look each ${formatDuration(rollout.lookMs)}, ${formatDuration(rollout.stepMs)} a step at most, ${formatDuration(rollout.maxStepMs)} where proof is missing, then ${formatDuration(rollout.bakeMs)} of bake`;
}

function seriesOf(
  name: SeriesName,
  said: Pick<Defaults, "margin" | "maxRatio" | "maxErrorRate">,
  own?: SeriesOptions,
): SeriesPolicy {
  return {
    name,
    margin: own?.margin ?? said.margin,
    maxRatio: own?.maxRatio ?? said.maxRatio,
    ceiling: own?.maxRate ?? said.maxErrorRate,
  };
}

function stepProblems(
  written: readonly string[],
  shares: readonly (number | undefined)[],
  where: Place,
): readonly Problem[] {
  if (shares.length === 0)
    return [{ rule: "steps must name at least one share", where, allowed: "such as 5%, 25%, 50%" }];
  return shares.flatMap((share, i): readonly Problem[] => {
    const saw = written[i] ?? "";
    if (share === undefined || share <= 0 || share >= 1)
      return [{ rule: `steps[${i}] must be a part of the traffic`, where, saw, allowed: "above 0%, below 100%" }];
    const before = shares[i - 1];
    if (before === undefined || share > before) return [];
    return [
      {
        rule: `steps[${i}] must be larger than steps[${i - 1}]`,
        where,
        saw: `${saw} after ${written[i - 1]}`,
        hint: "order them",
      },
    ];
  });
}

function seriesProblems(series: SeriesPolicy, placeOf: (option: string) => Place): readonly Problem[] {
  const of = series.name === "errors" ? "" : ` (series ${series.name})`;
  return [
    ...(series.margin >= 1
      ? []
      : [outOf(`margin${of}`, series.margin, { allowed: "from 1", where: placeOf("margin") })]),
    ...(series.maxRatio > 1
      ? []
      : [outOf(`max-ratio${of}`, series.maxRatio, { allowed: "above 1", where: placeOf("max-ratio") })]),
    ...(series.margin < series.maxRatio || series.maxRatio <= 1
      ? []
      : [
          {
            rule: `margin${of} must be smaller than max-ratio`,
            where: placeOf("margin"),
            saw: `${series.margin} and ${series.maxRatio}`,
            hint: "what may be promoted must not be an alarm",
          },
        ]),
    ...(series.ceiling > 0 && series.ceiling < 1
      ? []
      : [
          outOf(`max-error-rate${of}`, series.ceiling, {
            allowed: "above 0%, below 100%",
            where: placeOf("max-error-rate"),
          }),
        ]),
  ];
}

function rangeProblems(
  said: { readonly lookMs: number; readonly stepMs: number; readonly alpha: number; readonly rate: number },
  placeOf: (option: string) => Place,
): readonly Problem[] {
  return [
    ...(said.lookMs >= 100 ? [] : [outOf("look", said.lookMs, { allowed: "from 100ms", where: placeOf("look") })]),
    ...(said.alpha > 0 && said.alpha <= 0.5
      ? []
      : [outOf("alpha", said.alpha, { allowed: "above 0, up to 0.5", where: placeOf("alpha") })]),
    ...(said.rate > 0 && said.rate <= 2_000
      ? []
      : [outOf("rate", said.rate, { allowed: "above 0, up to 2000 requests per second", where: placeOf("rate") })]),
    ...(said.stepMs >= said.lookMs
      ? []
      : [
          {
            rule: "step-duration must not be shorter than look",
            where: placeOf("step-duration"),
            saw: `${formatDuration(said.stepMs)} and ${formatDuration(said.lookMs)}`,
          },
        ]),
  ];
}

function outOf(name: string, saw: number, rest: { readonly allowed: string; readonly where: Place }): Problem {
  return { rule: `${name} is out of range`, saw: String(saw), ...rest };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function fraction(value: string | number | undefined): number | undefined {
  return typeof value === "string" ? parseFraction(value) : value;
}
