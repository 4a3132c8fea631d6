import { bad, type Checked, ok, type Problem } from "../problem.ts";
import { formatDuration, formatPercent, parseFraction } from "../quantity.ts";
import type { DuelBounds } from "./duel.ts";
import { type JudgePolicy, SERIES, type SeriesName, type SeriesPolicy } from "./judge.ts";
import {
  PLAN_DEFAULTS,
  type PlanDefaults,
  type PlanOptions,
  type SeriesOptions,
  withoutUndefined,
} from "./plan-options.ts";
import {
  breakerProblems,
  duelProblems,
  idleProblem,
  type PlaceOf,
  rangeProblems,
  seriesProblems,
  stepProblems,
} from "./plan-problems.ts";
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
  /** What must hold of the answers to the same payloads before any traffic; absent where nothing was declared. */
  readonly duel?: DuelBounds;
};

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
  placeOf: PlaceOf,
): Checked<TrafficPlan> {
  const said = { ...PLAN_DEFAULTS, ...withoutUndefined(options) };
  const shares = said.steps.map((step) => parseFraction(step));
  const breaker = { ...PLAN_DEFAULTS.breaker, ...withoutUndefined(said.breaker) };
  const duel = said.duel === undefined ? undefined : withoutUndefined(said.duel);
  const names = SERIES.filter((name) => isGated(name, options, hasExpectations));
  const series = names.map((name) => seriesOf(name, said, options.series?.[name]));
  const idle = SERIES.filter((name) => options.series?.[name] !== undefined && !names.includes(name));
  const watched = hasStable && !names.includes("rejected") ? [seriesOf("rejected", said)] : [];
  const problems = [
    ...stepProblems(said.steps, shares, placeOf("steps")),
    ...eachOnce(series.flatMap((one) => seriesProblems(one, options.series?.[one.name] ?? {}, placeOf))),
    ...idle.map((name) => idleProblem(name, placeOf)),
    ...rangeProblems(said, placeOf),
    ...breakerProblems(breaker, placeOf),
    ...duelProblems(duel ?? {}, placeOf),
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
    judge: {
      against: hasStable ? "stable" : "ceiling",
      alpha: said.alpha,
      series,
      ...(watched.length === 0 ? {} : { watched }),
      breaker,
      ...(said.maxFailedRequests === undefined ? {} : { maxFailed: said.maxFailedRequests }),
    },
    rate: said.rate,
    requestTimeoutMs: said.requestTimeoutMs,
    ...(said.latencyBoundMs === undefined ? {} : { latencyBoundMs: said.latencyBoundMs }),
    ...(duel === undefined ? {} : { duel }),
  });
}

/** `10 % → 25 % → 50 % → all, a look each 1s, 1m a step`. */
export function formatPlan({ rollout }: TrafficPlan): string {
  const shares = rollout.shares.map((share) => (share === 1 ? "all" : formatPercent(share)));
  const steps = shares.at(-1) === "all" ? shares : [...shares, "all"];
  return `${steps.join(" → ")}, a look each ${formatDuration(rollout.lookMs)}, ${formatDuration(rollout.stepMs)} a step at most, ${formatDuration(rollout.maxStepMs)} where proof is missing, then ${formatDuration(rollout.bakeMs)} of bake`;
}

/** What is said for all series is wrong in each of them. */
function eachOnce(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [problem.rule, problem])).values()];
}

/** A series is part of the gate where there is something to count; refused requests only where rules for them are written. */
function isGated(name: SeriesName, options: PlanOptions, hasExpectations: boolean): boolean {
  switch (name) {
    case "errors":
      return true;
    case "slow":
      return options.latencyBoundMs !== undefined;
    case "wrong":
      return hasExpectations;
    case "rejected":
      return options.series?.rejected !== undefined;
  }
}

function seriesOf(
  name: SeriesName,
  said: Pick<PlanDefaults, "margin" | "maxRatio" | "maxErrorRate">,
  own?: SeriesOptions,
): SeriesPolicy {
  return {
    name,
    margin: own?.margin ?? said.margin,
    maxRatio: own?.maxRatio ?? said.maxRatio,
    ceiling: own?.maxRate ?? said.maxErrorRate,
  };
}
