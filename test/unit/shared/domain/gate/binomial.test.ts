import { describe, expect, it } from "vitest";
import { holm, proportionPValue } from "../../../../../actions/shared/domain/gate/binomial.ts";

/** The sum itself, in exact terms for small n. */
function tail(successes: number, n: number, share: number): number {
  let choose = 1;
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    if (k >= successes) sum += choose * share ** k * (1 - share) ** (n - k);
    choose = (choose * (n - k)) / (k + 1);
  }
  return sum;
}

describe("chance of a proportion", () => {
  it("is the binomial tail", () => {
    for (const n of [1, 2, 7, 20, 60])
      for (let k = 0; k <= n; k++)
        for (const share of [0.01, 0.3, 0.5, 0.8, 0.999])
          expect(proportionPValue({ successes: k, n }, share, "over")).toBeCloseTo(tail(k, n, share), 11);
  });

  it("counts both directions with the measured value itself in each", () => {
    const over = proportionPValue({ successes: 13, n: 20 }, 0.5, "over");
    const under = proportionPValue({ successes: 13, n: 20 }, 0.5, "under");
    expect(over + under).toBeCloseTo(1 + tail(13, 20, 0.5) - tail(14, 20, 0.5), 11);
  });

  // Sums of lgamma terms in Python.
  it.each([
    [{ successes: 960, n: 1_000 }, 0.95, 0.0806365733],
    [{ successes: 95_500, n: 100_000 }, 0.95, 8.875972e-14],
    [{ successes: 5, n: 1_000_000 }, 1e-6, 0.0036598238],
  ])("%j against %d", (counted, bound, expected) => {
    expect(proportionPValue(counted, bound, "over") / expected).toBeCloseTo(1, 5);
  });

  it.each([
    [0, 0, 1],
    [1, 0, 0],
    [20, 1, 1],
    [20, 1.5, 1],
  ])("%d of 20 over a bound of %d", (successes, bound, expected) => {
    expect(proportionPValue({ successes, n: 20 }, bound, "over")).toBe(expected);
  });

  it.each([
    [20, 1, 1],
    [19, 1, 0],
    [20, 1.5, 0],
  ])("%d of 20 under a bound of %d", (successes, bound, expected) => {
    expect(proportionPValue({ successes, n: 20 }, bound, "under")).toBe(expected);
  });
});

describe("many claims", () => {
  it.each([
    [[0.04], [true]],
    [
      [0.04, 0.04],
      [false, false],
    ],
    [
      [0.04, 0.02],
      [true, true],
    ],
    [
      [0.01, 0.04, 0.03, 0.005],
      [true, false, false, true],
    ],
    [[], []],
  ])("%j", (pValues, expected) => {
    expect(holm(pValues, 0.95)).toEqual(expected);
  });
});
