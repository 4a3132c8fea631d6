import { type JudgeUnderTest, untilFailed } from "../judge-under-test.ts";

/** How strongly the alternatives lie around the expected split. */
const CONCENTRATION = 20;
const ALPHA = 0.05;

/**
 * The mixture test of multinomial counts: a Dirichlet prior around the split that the requests let expect, on whom the bad answers fall. Two-sided,
 * and for a split that does not change: where it does, that of all requests so far is taken. Lindon and Malek, "Anytime-Valid Inference for
 * Multinomial Count Data" (NeurIPS 2022).
 */
export const dirichlet: JudgeUnderTest = {
  name: "Dirichlet mSPRT, k = 20, two-sided",
  decide: (looks) =>
    untilFailed(looks, ({ total: { candidate, stable } }) => {
      const share = candidate.n / (candidate.n + stable.n);
      if (share === 0 || share === 1) return false;
      const logBayes =
        logRising(CONCENTRATION * share, candidate.bad) +
        logRising(CONCENTRATION * (1 - share), stable.bad) -
        logRising(CONCENTRATION, candidate.bad + stable.bad) -
        candidate.bad * Math.log(share) -
        stable.bad * Math.log(1 - share);
      return logBayes >= Math.log(1 / ALPHA);
    }),
};

/** Logarithm of the rising factorial: of Γ(x + n) / Γ(x). */
function logRising(x: number, n: number): number {
  return logGamma(x + n) - logGamma(x);
}

/** Stirling's series, after the recurrence has brought small arguments to where it is exact to twelve digits. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at++) shift -= Math.log(at);
  const series = 1 / (12 * at) - 1 / (360 * at ** 3) + 1 / (1_260 * at ** 5) - 1 / (1_680 * at ** 7);
  return shift + (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series;
}
