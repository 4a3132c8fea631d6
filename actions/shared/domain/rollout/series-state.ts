import {
  addPairs,
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
} from "./e-process.ts";
import { isIncident } from "./incident.ts";
import type { JudgePolicy, SeriesPolicy, SeriesVerdict } from "./judge.ts";

/** What is known of one series after some looks. */
export type SeriesState = {
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
  /** The windows that were no incident. */
  readonly calm: Pair;
  readonly breaker: Breaker;
};

/** Of the last full window. `incident`: stable is as bad, or far worse than it was, so it is not the candidate's fault. */
type Breaker =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly window: Pair }
  | { readonly state: "incident"; readonly window: Pair; readonly before: Pair };

const NO_PAIR: Pair = { candidate: NOTHING, stable: NOTHING };

const NO_PROOF = {
  pass: noEvidence(PASS_RATIOS),
  ceiling: noEvidence(CEILING_PARTS),
  highestPass: 0,
  highestCeiling: 0,
} as const;

export function newSeries(policy: SeriesPolicy): SeriesState {
  return {
    policy,
    total: NO_PAIR,
    pending: NO_PAIR,
    fail: noEvidence(FAIL_RATIOS),
    ...NO_PROOF,
    window: NO_PAIR,
    calm: NO_PAIR,
    breaker: { state: "closed" },
  };
}

export function withoutProof(state: SeriesState): SeriesState {
  return { ...state, ...NO_PROOF };
}

export function observeSeries(state: SeriesState, look: Pair, policy: JudgePolicy): SeriesState {
  const { margin, maxRatio, ceiling } = state.policy;
  const interval = addPairs(state.pending, look);
  const isWhole = interval.candidate.n > 0 && interval.stable.n > 0;
  const fail = isWhole ? observeRatio(state.fail, interval, { margin, ratios: FAIL_RATIOS }) : state.fail;
  const pass = isWhole ? observeRatio(state.pass, interval, { margin: maxRatio, ratios: PASS_RATIOS }) : state.pass;
  const below = observeCeiling(state.ceiling, look.candidate, { ceiling, parts: CEILING_PARTS });
  return {
    ...state,
    total: addPairs(state.total, look),
    pending: isWhole ? NO_PAIR : interval,
    fail,
    pass,
    ceiling: below,
    highestPass: pass === state.pass ? state.highestPass : Math.max(state.highestPass, logEvidence(pass)),
    highestCeiling: below === state.ceiling ? state.highestCeiling : Math.max(state.highestCeiling, logEvidence(below)),
    ...windowAfter(state, addPairs(state.window, look), policy),
  };
}

type Windowed = Pick<SeriesState, "window" | "calm" | "breaker">;

function windowAfter({ policy, calm, breaker }: SeriesState, window: Pair, judge: JudgePolicy): Windowed {
  if (window.candidate.n < judge.breaker.minRequests) return { window, calm, breaker };
  const next = breakerOf(window, { before: calm, ceiling: policy.ceiling, limit: judge.breaker.rate });
  return { window: NO_PAIR, calm: next.state === "incident" ? calm : addPairs(calm, window), breaker: next };
}

type Limits = { readonly before: Pair; readonly ceiling: number; readonly limit: number };

function breakerOf(window: Pair, { before, ceiling, limit }: Limits): Breaker {
  if (isIncident(window, before, ceiling)) return { state: "incident", window, before };
  if (rateOf(window.candidate) <= limit) return { state: "closed" };
  return rateOf(window.stable) > limit ? { state: "incident", window, before } : { state: "open", window };
}

/** The numbers of a series. Alarms of `sharing` series share the rate of false alarms. */
export function seriesVerdict(state: SeriesState, policy: JudgePolicy, sharing: number): SeriesVerdict {
  const comparesRatio = policy.against === "stable";
  const neededToFail = Math.log(sharing / policy.alpha);
  // Promotion needs evidence on each series, so each has the whole of alpha, which its two roads share where both are open.
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
