import { formatPercent } from "../quantity.ts";

/** Predictions by bin in one stretch of time, with the same bins on both arms. */
export type PredictionCounts = { readonly candidate: readonly number[]; readonly stable: readonly number[] };

export type DriftMeasure = "psi" | "js";

export type DriftPolicy = {
  /** Population stability index, or Jensen-Shannon divergence in nats. */
  readonly measure: DriftMeasure;
  /** How far apart distributions must be to matter. */
  readonly limit: number;
  /** How often distributions that are the same may seem to differ. */
  readonly alpha: number;
  /** Whether drift rolls back; else it is told. */
  readonly gate: boolean;
};

export const DRIFT_DEFAULTS: Readonly<Record<DriftMeasure, DriftPolicy>> = {
  psi: { measure: "psi", limit: 0.25, alpha: 0.01, gate: false },
  js: { measure: "js", limit: 0.03, alpha: 0.01, gate: false },
};

export function driftPolicyOf(
  written: { readonly [name in keyof DriftPolicy]?: DriftPolicy[name] | undefined } = {},
): DriftPolicy {
  const defaults = DRIFT_DEFAULTS[written.measure ?? "psi"];
  return {
    measure: defaults.measure,
    limit: written.limit ?? defaults.limit,
    alpha: written.alpha ?? defaults.alpha,
    gate: written.gate ?? defaults.gate,
  };
}

export type Drift =
  /** Fewer than two bins, or one arm predicted nothing: nothing can be said. */
  | { readonly state: "no-data"; readonly candidate: number; readonly stable: number }
  | ({ readonly state: "none" | "noise" | "small" | "drifted" } & DriftNumbers);

type DriftNumbers = {
  readonly measure: DriftMeasure;
  readonly value: number;
  /** What distributions that are the same reach with a probability of alpha only, at these numbers. */
  readonly noise: number;
  readonly limit: number;
  readonly candidate: number;
  readonly stable: number;
  readonly bins: number;
};

/** A bin that holds fewer expected predictions than this on either arm makes the noise floor wrong, and is put to its neighbour. */
const LEAST_EXPECTED = 5;

/**
 * How far the candidate's predictions lie from stable's. Each stretch is compared with stable's predictions of the same stretch, so that
 * neither what is asked over the day nor a share that rises looks like drift. Drifted only where the distance is over what chance alone
 * makes of these numbers and over what matters: the usual limits of 0.1 and 0.25 say nothing at a hundred predictions, and chance alone
 * nothing at a million.
 */
export function driftOf(stretches: readonly PredictionCounts[], policy: DriftPolicy): Drift {
  const usable = stretches.filter(({ candidate, stable }) => sum(candidate) > 0 && sum(stable) > 0);
  const observed = addBins(usable.map(({ candidate }) => candidate));
  const n = sum(observed);
  // stable's predictions, as if stretch by stretch it had been asked as often as the candidate
  const expected = addBins(
    usable.map(({ candidate, stable }) => stable.map((count) => (count * sum(candidate)) / sum(stable))),
  );
  const m = (n * n) / usable.reduce((total, one) => total + sum(one.candidate) ** 2 / sum(one.stable), 0);
  const bins = mergeBins(observed, expected, Math.min(1, m / Math.max(1, n)));
  const counts = { candidate: n, stable: sum(usable.map(({ stable }) => sum(stable))) };
  if (n === 0 || bins.length < 2) return { state: "no-data", ...counts };
  const value = policy.measure === "psi" ? psi(bins) : jensenShannon(bins);
  const spread = (1 / n + 1 / m) * chiSquareQuantile(1 - policy.alpha, bins.length - 1);
  // near equality the divergence of Jensen and Shannon is an eighth of the index
  const noise = policy.measure === "psi" ? spread : spread / 8;
  const state = value > noise ? (value > policy.limit ? "drifted" : "small") : value > policy.limit ? "noise" : "none";
  return { state, measure: policy.measure, value, noise, limit: policy.limit, ...counts, bins: bins.length };
}

/** A sentence without its full stop. */
export function formatDrift(drift: Drift): string {
  if (drift.state === "no-data")
    return `predictions cannot be compared: ${drift.candidate} of the candidate's and ${drift.stable} of the champion's were counted`;
  const { measure, value, noise, limit, candidate, stable, bins } = drift;
  const numbers = `${NAMES[measure]} ${value.toPrecision(3)} over ${bins} bins, ${candidate} against ${stable} predictions of the same minutes; chance alone reaches ${noise.toPrecision(3)}, what matters begins at ${limit}`;
  return `${SAID[drift.state]}: ${numbers}`;
}

const NAMES = { psi: "stability index", js: "Jensen-Shannon divergence" } as const;
const SAID = {
  none: "predictions are distributed as the champion's are",
  noise: "predictions seem to differ from the champion's, no more than chance does at these numbers",
  small: "predictions differ from the champion's, by too little to matter",
  drifted: "predictions differ from the champion's",
} as const;

/** The parts of the predictions that moved most, for a finding: `class 3: 12 % against 9 %`. */
export function formatShifts(names: readonly string[], { candidate, stable }: PredictionCounts): readonly string[] {
  const [n, m] = [Math.max(1, sum(candidate)), Math.max(1, sum(stable))];
  return names
    .map((name, i) => ({ name, is: (candidate[i] ?? 0) / n, was: (stable[i] ?? 0) / m }))
    .sort((a, b) => Math.abs(b.is - b.was) - Math.abs(a.is - a.was))
    .slice(0, 3)
    .map(({ name, is, was }) => `${name}: ${formatPercent(is)} against ${formatPercent(was)}`);
}

type Bin = { readonly p: number; readonly q: number };

/** Parts by bin on both arms; an empty one is given half an event, or one prediction that only one arm makes would be infinitely far. */
function mergeBins(observed: readonly number[], expected: readonly number[], scale: number): readonly Bin[] {
  const merged: { o: number; e: number }[] = [];
  let open = { o: 0, e: 0 };
  const n = sum(observed);
  for (const [i, o] of observed.entries()) {
    open = { o: open.o + o, e: open.e + (expected[i] ?? 0) };
    // as if both arms were one: what either holds by itself may be zero
    if ((open.o + open.e) / 2 >= LEAST_EXPECTED && ((open.o + open.e) / 2) * scale >= LEAST_EXPECTED) {
      merged.push(open);
      open = { o: 0, e: 0 };
    }
  }
  const last = merged.at(-1);
  if (last !== undefined) merged[merged.length - 1] = { o: last.o + open.o, e: last.e + open.e };
  const total = n + HALF * merged.length;
  return merged.map(({ o, e }) => ({ p: (o + HALF) / total, q: (e + HALF) / total }));
}

const HALF = 0.5;

function psi(bins: readonly Bin[]): number {
  return sum(bins.map(({ p, q }) => (p - q) * Math.log(p / q)));
}

function jensenShannon(bins: readonly Bin[]): number {
  return sum(
    bins.map(({ p, q }) => {
      const middle = (p + q) / 2;
      return (p * Math.log(p / middle) + q * Math.log(q / middle)) / 2;
    }),
  );
}

function addBins(all: readonly (readonly number[])[]): readonly number[] {
  const width = Math.max(0, ...all.map((bins) => bins.length));
  return Array.from({ length: width }, (_, i) => sum(all.map((bins) => bins[i] ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The value that a chi-square variable stays under with this probability: by halving, on the series of the incomplete gamma function. */
export function chiSquareQuantile(probability: number, degrees: number): number {
  let low = 0;
  let high = degrees + 100 + 20 * Math.sqrt(degrees);
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (lowerGamma(degrees / 2, middle / 2) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularized lower incomplete gamma function. */
function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  let term = 1 / a;
  let total = term;
  for (let i = 1; i < 10_000 && term > total * 1e-15; i++) {
    term *= x / (a + i);
    total += term;
  }
  return total * Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** Of whole and half numbers from 1/2, by the recurrence. */
function logGamma(a: number): number {
  let result = Number.isInteger(a) ? 0 : Math.log(Math.sqrt(Math.PI));
  for (let k = Number.isInteger(a) ? 1 : 0.5; k < a; k++) result += Math.log(k);
  return result;
}
