import { failedOf, TALLIED, tallyOf } from "./counts.ts";
import { NOTHING, type Pair, type Tally } from "./e-process.ts";
import type { Reason } from "./reason.ts";
import { newSeries, observeSeries, type SeriesState, seriesVerdict, withoutProof } from "./series-state.ts";

/** What can be bad about an answer, or about a request that was refused (4xx): a new input schema makes clients fail while no server does. */
export const SERIES = [...TALLIED, "rejected"] as const;
export type SeriesName = (typeof SERIES)[number];

export type SeriesPolicy = {
  readonly name: SeriesName;
  /** How many times as bad as stable is not yet an alarm: pods differ. At least 1. */
  readonly margin: number;
  /** A candidate this many times as bad is not promoted. Above 1. */
  readonly maxRatio: number;
  /** A candidate whose rate is proved to lie below this may be promoted, where bad events are too rare for a ratio. */
  readonly ceiling: number;
};

export type JudgePolicy = {
  /** `ceiling` where there is no stable version to compare with. */
  readonly against: "stable" | "ceiling";
  /** The rate of false alarms, however often one looks; and of false promotions. */
  readonly alpha: number;
  /** The gate: alarms on one of them roll back, promotion needs proof on all. */
  readonly series: readonly SeriesPolicy[];
  /** Compared as well; alarms on them are only told. */
  readonly watched?: readonly SeriesPolicy[];
  /** A rate that rolls back by itself, beside the comparison. */
  readonly breaker: { readonly rate: number; readonly minRequests: number };
  /** Bad answers that a rollout may cost users, whatever stable's are. */
  readonly maxFailed?: number;
};

/** What one arm saw. `requests` have ended, `started` may not have. */
export type ArmCounts = {
  readonly started: number;
  readonly requests: number;
  /** Those of them that were refused (4xx), which are counted apart; absent where nobody counts them. */
  readonly rejected?: number | undefined;
  readonly series: { readonly [name in (typeof TALLIED)[number]]?: Tally | undefined };
};

export type Counts = { readonly candidate: ArmCounts; readonly stable: ArmCounts };

export type LookState = "continue" | "pass" | "fail" | "no-data" | "inconclusive";

export type Verdict = {
  readonly state: LookState;
  readonly reasons: readonly Reason[];
  readonly series: readonly SeriesVerdict[];
  readonly watched: readonly SeriesVerdict[];
  /** Alarms on series that are only watched. */
  readonly warnings: readonly Reason[];
};

/** All numbers of one series so far; evidence as natural logarithms, to be compared with what is needed. */
export type SeriesVerdict = {
  readonly name: SeriesName;
  readonly counts: Pair;
  readonly fail: number;
  readonly pass: number;
  readonly ceiling: number;
  readonly neededToFail: number;
  readonly neededToPass: number;
  /** How the evidence for promotion was found. */
  readonly proof?: "ratio" | "ceiling";
};

/** The judge after some looks. Everything is derived from the looks: the same looks give the same judge. */
export type Judge = {
  readonly policy: JudgePolicy;
  readonly series: readonly SeriesState[];
  readonly watched: readonly SeriesState[];
  readonly lastLook: Counts | undefined;
  /** Bad answers that the candidate gave since the rollout began. */
  readonly failed: number;
};

/** A judge that has seen nothing; `failed` is what the candidate's bad answers came to before it. */
export function newJudge(policy: JudgePolicy, failed = 0): Judge {
  const watched = policy.watched ?? [];
  return { policy, series: policy.series.map(newSeries), watched: watched.map(newSeries), lastLook: undefined, failed };
}

/** The judge after one more look; `counts` are what came since the look before. */
export function observe(judge: Judge, counts: Counts): Judge {
  const after = (state: SeriesState) => {
    const candidate = tallyOf(counts.candidate, state.policy.name) ?? NOTHING;
    const stable = tallyOf(counts.stable, state.policy.name) ?? NOTHING;
    return observeSeries(state, { candidate, stable }, judge.policy);
  };
  return {
    ...judge,
    series: judge.series.map(after),
    watched: judge.watched.map(after),
    lastLook: counts,
    failed: judge.failed + failedOf(counts.candidate),
  };
}

/** What was proved for promotion is void when the candidate was started again; what speaks against it stays. */
export function forgetProof(judge: Judge): Judge {
  return { ...judge, series: judge.series.map(withoutProof), watched: judge.watched.map(withoutProof) };
}

/**
 * An alarm on any series fails; evidence on every series passes; missing data, be it of a single series in the last look, is never a
 * pass. Alarms on any of the gated series roll back, so they share alpha.
 */
export function verdictOf(judge: Judge): Verdict {
  const { policy } = judge;
  const verdicts = (states: readonly SeriesState[]) =>
    states.map((state) => seriesVerdict(state, policy, states.length));
  const series = verdicts(judge.series);
  const watched = verdicts(judge.watched);
  const seen = { series, watched, warnings: watched.flatMap((one) => alarmOf(one, policy)) };
  const failures = [...judge.series.flatMap((state, i) => failureOf(state, series[i], policy)), ...budgetOf(judge)];
  if (failures.length > 0) return { state: "fail", reasons: failures, ...seen };
  const missing = missingOf(judge);
  if (missing.length > 0) return { state: "no-data", reasons: missing, ...seen };
  const incidents = judge.series.flatMap(incidentOf);
  if (incidents.length > 0) return { state: "inconclusive", reasons: incidents, ...seen };
  const isProved = series.length > 0 && series.every((one) => one.proof !== undefined);
  return { state: isProved ? "pass" : "continue", reasons: [], ...seen };
}

function failureOf(state: SeriesState, verdict: SeriesVerdict | undefined, policy: JudgePolicy): readonly Reason[] {
  const alarms = verdict === undefined ? [] : alarmOf(verdict, policy);
  return alarms.length > 0 ? alarms : breakerOf(state, policy);
}

function alarmOf({ name, fail, neededToFail, counts }: SeriesVerdict, policy: JudgePolicy): readonly Reason[] {
  if (policy.against !== "stable" || fail < neededToFail) return [];
  return [{ why: "alarm", series: name, logE: fail, needed: neededToFail, counts }];
}

function breakerOf({ breaker, policy }: SeriesState, judge: JudgePolicy): readonly Reason[] {
  if (breaker.state !== "open") return [];
  return [{ why: "breaker", series: policy.name, limit: judge.breaker.rate, counts: breaker.window.candidate }];
}

function budgetOf({ policy, failed }: Judge): readonly Reason[] {
  if (policy.maxFailed === undefined || failed < policy.maxFailed) return [];
  return [{ why: "budget", failed, allowed: policy.maxFailed }];
}

function incidentOf({ breaker, policy }: SeriesState): readonly Reason[] {
  if (breaker.state !== "incident") return [];
  return [{ why: "incident", series: policy.name, counts: breaker.window, before: breaker.before.stable }];
}

const BOTH = ["candidate", "stable"] as const;

function missingOf({ lastLook, policy }: Judge): readonly Reason[] {
  if (lastLook === undefined) return [{ why: "no-requests", arms: BOTH }];
  const needed = policy.against === "stable" ? BOTH : (["candidate"] as const);
  const silent = needed.filter((arm) => lastLook[arm].requests === 0);
  if (silent.length > 0) return [{ why: "no-requests", arms: silent }];
  return policy.series.flatMap(({ name }): readonly Reason[] => {
    const arms = needed.filter((arm) => (tallyOf(lastLook[arm], name)?.n ?? 0) === 0);
    return arms.length === 0 ? [] : [{ why: "no-samples", series: name, arms }];
  });
}
