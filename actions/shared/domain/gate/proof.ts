import { holm, proportionPValue } from "./binomial.ts";
import { compare } from "./compare.ts";
import type { Numbers } from "./numbers.ts";
import type { Confidence, SingleRule } from "./rule.ts";

/** What a case comes to when chance is reckoned with. */
export type Proof = { readonly state: "pass" | "warn" | "fail" | "no-data"; readonly reason: string };

/**
 * Where a pass is to be proven, a bound that is met without proof is no-data; where a failure is, a bound that is missed without proof
 * warns. A pass of many slices claims that all of them hold, so each is asked at the full level; a failure claims that some one does
 * not, so the slices share the chance of error (Holm). Undefined stays undefined: there is nothing to prove.
 */
export function proofsOf(
  rule: SingleRule,
  confidence: Confidence,
  all: readonly (Numbers | undefined)[],
): readonly (Proof | undefined)[] {
  const chances = all.map((numbers) => (numbers === undefined ? undefined : chanceOf(rule, confidence, numbers)));
  const known = chances.flatMap((p, index) => (p === undefined ? [] : [{ p, index }]));
  const shared = holm(
    known.map(({ p }) => p),
    confidence.level,
  );
  return all.map((numbers, index) => {
    const p = chances[index];
    if (numbers === undefined) return undefined;
    if (p === undefined) return { state: "no-data", reason: "confidence is told of a proportion with its count only" };
    const proven =
      confidence.proves === "pass"
        ? p <= 1 - confidence.level
        : shared[known.findIndex((one) => one.index === index)] === true;
    return conclude(compare(rule.op, numbers.value, numbers.bound), { proves: confidence.proves, proven, p });
  });
}

type Claim = { readonly proves: "pass" | "fail"; readonly proven: boolean; readonly p: number };

function conclude(holds: boolean, { proves, proven, p }: Claim): Proof {
  const chance = `p = ${Number(p.toPrecision(2))}`;
  if (proves === "pass") {
    if (!holds) return { state: "fail", reason: chance };
    return proven
      ? { state: "pass", reason: `proven, ${chance}` }
      : { state: "no-data", reason: `too few examples to prove it, ${chance}` };
  }
  if (holds) return { state: "pass", reason: chance };
  return proven
    ? { state: "fail", reason: `proven, ${chance}` }
    : { state: "warn", reason: `missed, but within chance, ${chance}` };
}

/** The p-value of the claim that is to be proven; undefined where the metric is no proportion with a count. */
function chanceOf(rule: SingleRule, confidence: Confidence, { value, bound, n }: Numbers): number | undefined {
  if (typeof value !== "number" || typeof bound !== "number" || n === undefined) return undefined;
  const counted = countsOf(value, n);
  if (counted === undefined) return undefined;
  const asksMore = rule.op === ">=" || rule.op === ">";
  return proportionPValue(counted, bound, asksMore === (confidence.proves === "pass") ? "over" : "under");
}

/** A metric such as F1 lies in 0..1 too, but is no share of n: its successes are no whole number (rounding of the metric allowed for). */
function countsOf(value: number, n: number): { readonly successes: number; readonly n: number } | undefined {
  if (!Number.isInteger(n) || n < 1 || value < 0 || value > 1) return undefined;
  const successes = Math.round(value * n);
  return Math.abs(value * n - successes) <= Math.max(0.01, n * 5e-4) ? { successes, n } : undefined;
}
