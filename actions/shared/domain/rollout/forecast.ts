import { formatDuration, formatPercent } from "../quantity.ts";
import { checkExposure } from "./exposure.ts";
import { type ArmCounts, type JudgePolicy, newJudge, observe, type SeriesName, verdictOf } from "./judge.ts";
import { binomial, poisson, type Random, seededRandom } from "./random.ts";
import { nextStep, type RolloutPolicy } from "./rollout.ts";
import type { TrafficPlan } from "./traffic-plan.ts";

/** The traffic to be expected: requests per second, and how often stable's answers are bad. */
export type ExpectedTraffic = {
  readonly rate: number;
  readonly bad: { readonly [name in SeriesName]?: number };
};

export type Forecast = {
  /** Median time to promotion of a candidate that is as good as stable; undefined where fewer than half of them are promoted. */
  readonly promotedMs?: number;
  /** Which part of such candidates is promoted at all. */
  readonly promoted: number;
  /** The smallest of the tried ratios that is rolled back in at least 90 % of the runs; undefined where none is. */
  readonly smallestRatio?: number;
};

export type Trial = {
  readonly judge: JudgePolicy;
  readonly rollout: RolloutPolicy;
  readonly traffic: ExpectedTraffic;
  readonly seed: number;
  readonly runs: number;
};

/** Ratios that are tried for `smallestRatio`. */
export const TRIED_RATIOS: readonly number[] = [1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100];

/** Plays a few hundred rollouts with the very code that will judge, so that there is no second formula to keep true. */
export function forecast(trial: Trial): Forecast {
  const equal = play(trial, 1);
  const promoted = equal.filter((run) => run.do === "promote");
  const times = promoted.map((run) => run.ms).sort((a, b) => a - b);
  const median = times[Math.floor((equal.length - 1) / 2)];
  const smallestRatio = smallestFound(trial);
  return {
    promoted: promoted.length / equal.length,
    ...(median === undefined ? {} : { promotedMs: median }),
    ...(smallestRatio === undefined ? {} : { smallestRatio }),
  };
}

/** Of a whole plan, at the traffic of now where it is known; else stable's rates are assumed, which is said. */
export function forecastPlan(plan: TrafficPlan, seed: number, now?: ExpectedTraffic): Forecast {
  const { judge, rollout } = plan;
  return forecast({ judge, rollout, traffic: now ?? assumedTraffic(plan), seed, runs: 200 });
}

/** What stable's rates will be is not known before: a fifth of each ceiling. */
function assumedTraffic(plan: TrafficPlan): ExpectedTraffic {
  return { rate: plan.rate, bad: Object.fromEntries(assumedRates(plan)) };
}

function assumedRates({ judge }: TrafficPlan): readonly (readonly [SeriesName, number])[] {
  return judge.series.map(({ name, ceiling }) => [name, ceiling / 5]);
}

/** One sentence without its full stop; what was assumed stands at its head. */
export function formatForecast(
  { promotedMs, promoted, smallestRatio }: Forecast,
  plan: TrafficPlan,
  now?: ExpectedTraffic,
): string {
  const rates = now === undefined ? assumedRates(plan) : Object.entries(now.bad);
  const bad = rates.map(([name, rate]) => `${formatPercent(rate)} ${name}`).join(", ");
  const decision =
    promotedMs === undefined
      ? `most candidates as good as stable are not decided (${formatPercent(promoted)} are promoted): more traffic or longer steps are needed`
      : `a candidate as good as stable is promoted after ${formatDuration(promotedMs)} (median; ${formatPercent(promoted)} of them)`;
  const found =
    plan.judge.against === "ceiling"
      ? ""
      : smallestRatio === undefined
        ? "; no difference is found with 90 % probability"
        : `; one ${smallestRatio} times as bad is found with 90 % probability`;
  const at =
    now === undefined
      ? `at ${plan.rate} requests/s, if stable has ${bad}`
      : `at the ${Number(now.rate.toPrecision(3))} requests/s of now, of which stable has ${bad}`;
  return `${at}: ${decision}${found}`;
}

/** By halving: a larger ratio is never found less often. */
function smallestFound(trial: Trial): number | undefined {
  if (trial.judge.against === "ceiling") return undefined;
  let low = 0;
  let high = TRIED_RATIOS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const runs = play(trial, TRIED_RATIOS[middle] ?? 1);
    const found = runs.filter((run) => run.do === "rollback").length / runs.length;
    if (found >= 0.9) high = middle;
    else low = middle + 1;
  }
  return TRIED_RATIOS[low];
}

type Ended = { readonly do: "promote" | "rollback" | "hold"; readonly ms: number };

function play(trial: Trial, ratio: number): readonly Ended[] {
  return Array.from({ length: trial.runs }, (_, run) =>
    playOnce(trial, ratio, seededRandom(trial.seed + run * 7_919 + Math.round(ratio * 104_729))),
  );
}

/** One rollout on made-up traffic, until it is decided. */
export function playOnce(trial: Trial, ratio: number, random: Random): Ended {
  const { judge: policy, rollout: plan, traffic } = trial;
  let judge = newJudge(policy);
  let step = 0;
  let sinceMs = 0;
  let requests = 0;
  for (let nowMs = plan.lookMs; ; nowMs += plan.lookMs) {
    const share = plan.shares[step] ?? 1;
    const mean = (traffic.rate * plan.lookMs) / 1_000;
    const candidate = armCounts(random, { n: poisson(random, mean * share), ratio }, trial);
    const stable = armCounts(random, { n: poisson(random, mean * (1 - share)), ratio: 1 }, trial);
    judge = observe(judge, { candidate, stable });
    requests += candidate.requests;
    const exposure = checkExposure(share, { candidate: 0, stable: 0 });
    const next = nextStep(
      { phase: "canary", step, waitedMs: nowMs - sinceMs, requests, exposure },
      verdictOf(judge),
      plan,
    );
    if (next.do === "promote" || next.do === "rollback" || next.do === "hold") return { do: next.do, ms: nowMs };
    if (next.do === "shift") {
      step = next.step;
      sinceMs = nowMs;
      requests = 0;
    }
  }
}

function armCounts(
  random: Random,
  { n, ratio }: { readonly n: number; readonly ratio: number },
  { judge, traffic }: Trial,
): ArmCounts {
  const series = judge.series.map(({ name }) => {
    const bad = binomial(random, n, Math.min(1, (traffic.bad[name] ?? 0) * ratio));
    return [name, { n, bad }] as const;
  });
  const { rejected, ...tallies } = Object.fromEntries(series);
  return { started: n, requests: n, rejected: rejected?.bad ?? 0, series: tallies };
}
