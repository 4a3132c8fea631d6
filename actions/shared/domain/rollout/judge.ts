import {
  addPairs,
  addTallies,
  CEILING_PARTS,
  type EProcess,
  FAIL_RATIOS,
  logEvidence,
  NOTHING,
  noEvidence,
  observeCeiling,
  observeRatio,
  PASS_RATIOS,
  type Pair,
  rateOf,
  type Tally,
} from "./e-process.ts";
import type { Reason } from "./reason.ts";

/** What can be bad about an answer: none or none of the protocol's shape, over the latency bound, not the expected one. */
export const SERIES = ["errors", "slow", "wrong"] as const;
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
  readonly series: readonly SeriesPolicy[];
  /** A rate that rolls back by itself, beside the comparison. */
  readonly breaker: { readonly rate: number; readonly minRequests: number };
};

/** What one arm saw. `requests` have ended, `started` may not have; `rejected` ones (4xx) are counted apart. */
export type ArmCounts = {
  readonly started: number;
  readonly requests: number;
  readonly rejected: number;
  readonly series: { readonly [name in SeriesName]?: Tally | undefined };
};

export type Counts = { readonly candidate: ArmCounts; readonly stable: ArmCounts };

export type LookState = "continue" | "pass" | "fail" | "no-data" | "inconclusive";

export type Verdict = {
  readonly state: LookState;
  readonly reasons: readonly Reason[];
  readonly series: readonly SeriesVerdict[];
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
  readonly lastLook: Counts | undefined;
};

type SeriesState = {
  readonly policy: SeriesPolicy;
  readonly total: Pair;
  /** What is not yet an interval with requests on both arms. */
  readonly pending: Pair;
  readonly fail: EProcess;
  readonly pass: EProcess;
  readonly ceiling: EProcess;
  readonly highestPass: number;
  readonly highestCeiling: number;
  readonly window: Pair;
  readonly breaker: Breaker;
};

/** `incident`: stable is over the limit too, so it is not the candidate's fault. */
type Breaker =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly window: Pair }
  | { readonly state: "incident"; readonly window: Pair };

const NO_PAIR: Pair = { candidate: NOTHING, stable: NOTHING };

export function newJudge(policy: JudgePolicy): Judge {
  const series = policy.series.map((one) => ({
    policy: one,
    total: NO_PAIR,
    pending: NO_PAIR,
    fail: noEvidence(FAIL_RATIOS),
    pass: noEvidence(PASS_RATIOS),
    ceiling: noEvidence(CEILING_PARTS),
    highestPass: 0,
    highestCeiling: 0,
    window: NO_PAIR,
    breaker: { state: "closed" } as const,
  }));
  return { policy, series, lastLook: undefined };
}

/** The judge after one more look; `counts` are what came since the look before. */
export function observe(judge: Judge, counts: Counts): Judge {
  const series = judge.series.map((state) => {
    const candidate = counts.candidate.series[state.policy.name] ?? NOTHING;
    const stable = counts.stable.series[state.policy.name] ?? NOTHING;
    return observeSeries(state, { candidate, stable }, judge.policy);
  });
  return { ...judge, series, lastLook: counts };
}

/** What was proved for promotion is void when the candidate was started again; what speaks against it stays. */
export function forgetProof(judge: Judge): Judge {
  const series = judge.series.map((state) => ({
    ...state,
    pass: noEvidence(PASS_RATIOS),
    ceiling: noEvidence(CEILING_PARTS),
    highestPass: 0,
    highestCeiling: 0,
  }));
  return { ...judge, series };
}

/** An alarm on any series fails; evidence on every series passes; missing data is never a pass. */
export function verdictOf(judge: Judge): Verdict {
  const series = judge.series.map((state) => seriesVerdict(state, judge.policy));
  const failures = judge.series.flatMap((state, i) => failureOf(state, series[i], judge.policy));
  if (failures.length > 0) return { state: "fail", reasons: failures, series };
  const missing = missingOf(judge);
  if (missing.length > 0) return { state: "no-data", reasons: missing, series };
  const incidents = judge.series.flatMap((state) => incidentOf(state, judge.policy));
  if (incidents.length > 0) return { state: "inconclusive", reasons: incidents, series };
  const isProved = series.length > 0 && series.every((one) => one.proof !== undefined);
  return { state: isProved ? "pass" : "continue", reasons: [], series };
}

function observeSeries(state: SeriesState, look: Pair, policy: JudgePolicy): SeriesState {
  const { margin, maxRatio, ceiling } = state.policy;
  const interval = addPairs(state.pending, look);
  const isWhole = interval.candidate.n > 0 && interval.stable.n > 0;
  const fail = isWhole ? observeRatio(state.fail, interval, { margin, ratios: FAIL_RATIOS }) : state.fail;
  const pass = isWhole ? observeRatio(state.pass, interval, { margin: maxRatio, ratios: PASS_RATIOS }) : state.pass;
  const below = observeCeiling(state.ceiling, look.candidate, { ceiling, parts: CEILING_PARTS });
  const window = addPairs(state.window, look);
  const isFull = window.candidate.n >= policy.breaker.minRequests;
  return {
    policy: state.policy,
    total: addPairs(state.total, look),
    pending: isWhole ? NO_PAIR : interval,
    fail,
    pass,
    ceiling: below,
    highestPass: pass === state.pass ? state.highestPass : Math.max(state.highestPass, logEvidence(pass)),
    highestCeiling: below === state.ceiling ? state.highestCeiling : Math.max(state.highestCeiling, logEvidence(below)),
    window: isFull ? NO_PAIR : window,
    breaker: isFull ? breakerOf(window, policy) : state.breaker,
  };
}

function breakerOf(window: Pair, { breaker }: JudgePolicy): Breaker {
  if (rateOf(window.candidate) <= breaker.rate) return { state: "closed" };
  const isShared = window.stable.n > 0 && rateOf(window.stable) > breaker.rate;
  return { state: isShared ? "incident" : "open", window };
}

function seriesVerdict(state: SeriesState, policy: JudgePolicy): SeriesVerdict {
  const comparesRatio = policy.against === "stable";
  // Alarms on any of the series roll back, so they share alpha. Promotion needs evidence on each, so each has the whole of it,
  // which its two roads share where both are open.
  const neededToFail = Math.log(policy.series.length / policy.alpha);
  const neededToPass = Math.log((comparesRatio ? 2 : 1) / policy.alpha);
  const proof =
    state.highestCeiling >= neededToPass
      ? "ceiling"
      : comparesRatio && state.highestPass >= neededToPass
        ? "ratio"
        : undefined;
  return {
    name: state.policy.name,
    counts: state.total,
    fail: logEvidence(state.fail),
    pass: state.highestPass,
    ceiling: state.highestCeiling,
    neededToFail,
    neededToPass,
    ...(proof === undefined ? {} : { proof }),
  };
}

function failureOf(state: SeriesState, verdict: SeriesVerdict | undefined, policy: JudgePolicy): readonly Reason[] {
  if (verdict && policy.against === "stable" && verdict.fail >= verdict.neededToFail)
    return [
      { why: "alarm", series: verdict.name, logE: verdict.fail, needed: verdict.neededToFail, counts: verdict.counts },
    ];
  if (state.breaker.state !== "open") return [];
  return [
    { why: "breaker", series: state.policy.name, limit: policy.breaker.rate, counts: state.breaker.window.candidate },
  ];
}

function incidentOf(state: SeriesState, policy: JudgePolicy): readonly Reason[] {
  if (state.breaker.state !== "incident") return [];
  return [{ why: "incident", series: state.policy.name, limit: policy.breaker.rate, counts: state.breaker.window }];
}

function missingOf({ lastLook, policy }: Judge): readonly Reason[] {
  if (lastLook === undefined) return [{ why: "no-requests", arms: ["candidate", "stable"] }];
  const arms = (["candidate", "stable"] as const).filter(
    (arm) => lastLook[arm].requests === 0 && (arm === "candidate" || policy.against === "stable"),
  );
  return arms.length === 0 ? [] : [{ why: "no-requests", arms }];
}

/** What came between two readings of counters that only grow. */
export function countsSince(before: Counts, after: Counts): Counts {
  return { candidate: since(before.candidate, after.candidate), stable: since(before.stable, after.stable) };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { candidate: sum(a.candidate, b.candidate), stable: sum(a.stable, b.stable) };
}

export const NO_COUNTS: Counts = {
  candidate: { started: 0, requests: 0, rejected: 0, series: {} },
  stable: { started: 0, requests: 0, rejected: 0, series: {} },
};

function since(before: ArmCounts, after: ArmCounts): ArmCounts {
  const names = SERIES.filter((name) => after.series[name] !== undefined);
  return {
    started: after.started - before.started,
    requests: after.requests - before.requests,
    rejected: after.rejected - before.rejected,
    series: Object.fromEntries(
      names.map((name) => {
        const [was, is] = [before.series[name] ?? NOTHING, after.series[name] ?? NOTHING];
        return [name, { n: is.n - was.n, bad: is.bad - was.bad }];
      }),
    ),
  };
}

function sum(a: ArmCounts, b: ArmCounts): ArmCounts {
  const names = SERIES.filter((name) => a.series[name] !== undefined || b.series[name] !== undefined);
  return {
    started: a.started + b.started,
    requests: a.requests + b.requests,
    rejected: a.rejected + b.rejected,
    series: Object.fromEntries(
      names.map((name) => [name, addTallies(a.series[name] ?? NOTHING, b.series[name] ?? NOTHING)]),
    ),
  };
}
