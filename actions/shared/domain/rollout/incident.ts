import { addTallies, type Pair, rateOf, type Tally } from "./e-process.ts";

/** How many times as bad as before stable must be. Tides of a day stay below; outages do not. */
const TIMES = 3;
/** Natural logarithm of how unlikely chance must be: it is asked of every window of every series of a rollout. */
const SURPRISE = Math.log(1e6);

/**
 * Whether both arms got bad together: both are over what was declared acceptable, and stable is far worse than it was before. No word
 * about the candidate then, whichever of the two has more of it: the proof of a ratio sees to that.
 */
export function isIncident(window: Pair, before: Pair, ceiling: number): boolean {
  const isOver = rateOf(window.candidate) > ceiling && rateOf(window.stable) > ceiling;
  if (!isOver || before.stable.n === 0) return false;
  return rateOf(window.stable) >= TIMES * rateOf(before.stable) && surprise(window.stable, before.stable) > SURPRISE;
}

/** Twice this is the likelihood-ratio statistic of two samples with a common rate: what is not known of either is allowed for. */
function surprise(a: Tally, b: Tally): number {
  const common = rateOf(addTallies(a, b));
  return [a, b].reduce((total, one) => total + one.n * divergence(rateOf(one), common), 0);
}

/** Kullback-Leibler divergence of two coins. */
function divergence(seen: number, expected: number): number {
  const part = (p: number, q: number) => (p === 0 ? 0 : p * Math.log(p / q));
  return part(seen, expected) + part(1 - seen, 1 - expected);
}
