/**
 * How likely `successes` of `n` or more extreme is while the true proportion is only `bound`: the exact one-sided p-value of the
 * claim that it lies over (under) the bound (Clopper and Pearson 1934). Exact, so the stated confidence holds for small counts too.
 */
export function proportionPValue(
  counted: { readonly successes: number; readonly n: number },
  bound: number,
  claim: "over" | "under",
): number {
  const { successes, n } = counted;
  if (claim === "under") return proportionPValue({ successes: n - successes, n }, 1 - bound, "over");
  if (bound <= 0) return successes > 0 || bound < 0 ? 0 : 1;
  if (bound >= 1 || successes === 0) return 1;
  return betaCdf(bound, successes, n - successes + 1);
}

/**
 * Which of several claims are proven so that the chance of any wrong one among them is at most `1 - level`: Holm's step-down method
 * (Holm 1979), given each claim's p-value.
 */
export function holm(pValues: readonly number[], level: number): readonly boolean[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const proven = pValues.map(() => false);
  for (const [rank, { p, index }] of order.entries()) {
    if (p > (1 - level) / (pValues.length - rank)) break;
    proven[index] = true;
  }
  return proven;
}

/** Regularized incomplete beta function by its continued fraction (Numerical Recipes, third edition, 6.4). 0 < x < 1, a and b > 0. */
function betaCdf(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** Lentz's method; the number of terms that it needs grows with the square root of the larger count. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

/** Stirling's series after shifting the argument to 10 or more: 14 digits. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 10) {
    shift += Math.log(z);
    z += 1;
  }
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
