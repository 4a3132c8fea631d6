/** Requests, and those among them that were bad. */
export type Tally = { readonly n: number; readonly bad: number };

/** What both arms saw in the same interval. */
export type Pair = { readonly candidate: Tally; readonly stable: Tally };

/**
 * Evidence against a null hypothesis that may be looked at any time: one log likelihood ratio per alternative. Its mean is a
 * non-negative supermartingale from 1 while the null holds, so it ever reaches 1/alpha with a probability of alpha at most (Ville).
 */
export type EProcess = readonly number[];

/** How many times as bad a candidate may be that the fail test has in mind, over the margin. */
export const FAIL_RATIOS: readonly number[] = [1.25, 1.5, 2, 3, 5, 10, 30];

/** How bad a healthy candidate may be that the pass test has in mind, as parts of the largest ratio. */
export const PASS_RATIOS: readonly number[] = [0.25, 0.5, 0.65, 0.8];

/** How bad a healthy candidate may be that the ceiling test has in mind, as parts of the ceiling. */
export const CEILING_PARTS: readonly number[] = [0, 0.1, 0.25, 0.5, 0.75];

export function noEvidence(alternatives: readonly number[]): EProcess {
  return alternatives.map(() => 0);
}

/**
 * On whom the bad events fell. Where both arms are `margin` times apart, the next one falls on the candidate with a probability that
 * only depends on the shares of the interval's requests: so a common incident and a change of weights between looks do no harm.
 * Ratios over 1 gather evidence that the candidate is more than `margin` times as bad, ratios under 1 that it is less.
 * An interval in which one arm saw nothing is no evidence.
 */
export function observeRatio(
  process: EProcess,
  { candidate, stable }: Pair,
  test: { readonly margin: number; readonly ratios: readonly number[] },
): EProcess {
  if (candidate.n === 0 || stable.n === 0 || candidate.bad + stable.bad === 0) return process;
  const share = candidate.n / (candidate.n + stable.n);
  const expected = tilted(share, test.margin);
  return process.map((logE, i) => {
    const other = tilted(share, (test.ratios[i] ?? 1) * test.margin);
    return logE + candidate.bad * Math.log(other / expected) + stable.bad * Math.log((1 - other) / (1 - expected));
  });
}

/** Evidence that the rate of bad events lies under a ceiling (above 0, below 1): what flawless versions are promoted on. */
export function observeCeiling(
  process: EProcess,
  { n, bad }: Tally,
  test: { readonly ceiling: number; readonly parts: readonly number[] },
): EProcess {
  if (n === 0) return process;
  return process.map((logE, i) => {
    const rate = (test.parts[i] ?? 1) * test.ceiling;
    // With the rate 0 one bad event refutes the alternative for ever; 0 * -Infinity would be NaN.
    const ofBad = bad === 0 ? 0 : bad * Math.log(rate / test.ceiling);
    return logE + ofBad + (n - bad) * Math.log((1 - rate) / (1 - test.ceiling));
  });
}

/** The log of the e-value: the mean over the alternatives. */
export function logEvidence(process: EProcess): number {
  const highest = Math.max(...process);
  if (highest === Number.NEGATIVE_INFINITY) return highest;
  const sum = process.reduce((total, logE) => total + Math.exp(logE - highest), 0);
  return highest + Math.log(sum) - Math.log(process.length);
}

export function addTallies(a: Tally, b: Tally): Tally {
  return { n: a.n + b.n, bad: a.bad + b.bad };
}

export function addPairs(a: Pair, b: Pair): Pair {
  return { candidate: addTallies(a.candidate, b.candidate), stable: addTallies(a.stable, b.stable) };
}

export function rateOf({ n, bad }: Tally): number {
  return n === 0 ? 0 : bad / n;
}

export const NOTHING: Tally = { n: 0, bad: 0 };

/** The candidate's share of the bad events when each of its requests is `odds` times as likely to be bad. */
function tilted(share: number, odds: number): number {
  return (odds * share) / (odds * share + 1 - share);
}
