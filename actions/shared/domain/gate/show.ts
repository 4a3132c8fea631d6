import { shortDigest } from "../digest.ts";
import { type Span, type Text, text } from "../report.ts";
import type { Case, RuleState } from "./result.ts";
import { formatBound, formatConfidence, type Operator, type SingleRule } from "./rule.ts";

export const RULE_ICONS: Readonly<Record<RuleState, string>> = {
  pass: "✅",
  warn: "⚠️",
  fail: "❌",
  "no-data": "❔",
  skipped: "➖",
};

const SIGNS: Readonly<Record<Operator, string>> = { ">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<" };
const PHRASES: Readonly<Record<Operator, string>> = {
  ">=": "at least",
  "<=": "at most",
  "==": "exactly",
  ">": "more than",
  "<": "less than",
};

const LEAST_DIGITS = 3;
const MOST_DIGITS = 12;

/** With as few digits, from three on, as tell it from what it stands beside. */
export function showValue(value: number | string, beside: number | string | undefined): string {
  if (typeof value === "string") return value.startsWith("sha256:") ? shortDigest(value) : value;
  for (let digits = LEAST_DIGITS; digits < MOST_DIGITS; digits++) {
    const shown = round(value, digits);
    if (typeof beside !== "number" || beside === value || shown !== round(beside, digits)) return shown;
  }
  return round(value, MOST_DIGITS);
}

function round(value: number, digits: number): string {
  const rounded =
    Number.isInteger(value) || Math.abs(value) >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits));
  return minus(String(rounded));
}

/** `+0.003`, `−0.17`, `±0`. */
export function showChange(from: number, to: number): string {
  const change = Number((to - from).toPrecision(MOST_DIGITS));
  const shown = round(change, LEAST_DIGITS);
  // What subtraction leaves of two equal numbers.
  if (Math.abs(change) <= 1e-12 * Math.max(Math.abs(from), Math.abs(to))) return "±0";
  return change > 0 ? `+${shown}` : shown;
}

/** What is asked, as a sign: `≥ champion − 0.002 (0.956) when n ≥ 20 (n = 34)`. What an option made of it is told by the state. */
export function showRule(rule: SingleRule, seen: Case): string {
  const number = rule.bound.kind === "champion" && typeof seen.bound === "number";
  const bound = number ? ` (${showValue(seen.bound ?? "", seen.value)})` : "";
  const share = rule.bound.kind === "amount" && rule.bound.amount.unit === "percent" ? " of the champion" : "";
  const count = seen.n === undefined ? "" : ` (n = ${seen.n})`;
  const least = rule.minimumN === undefined ? "" : ` when n ≥ ${rule.minimumN}${count}`;
  const proof = rule.confidence === undefined ? "" : ` (${formatConfidence(rule.confidence)})`;
  return `${SIGNS[rule.op]} ${minus(formatBound(rule.bound))}${share}${bound}${least}${proof}`;
}

/** The number that decided, as part of a sentence: `recall[class=8]` is 0.71, at least 0.8 is asked. */
export function tellCase(rule: SingleRule, { subject, value, bound, reason }: Case): Text {
  if (value === undefined || bound === undefined) return reason === undefined ? { code: subject } : tellReason(reason);
  const asked = rule.bound.kind === "champion" ? ` (${minus(formatBound(rule.bound))})` : "";
  const shown = typeof bound === "string" ? showValue(bound, undefined) : showValue(bound, value);
  return text`${{ code: subject }} is ${showValue(value, bound)}, ${PHRASES[rule.op]} ${shown}${asked} is asked`;
}

/** Reasons name metrics in backticks; a report has spans for that. */
export function tellReason(reason: string): readonly Span[] {
  return reason.split("`").flatMap((part, index): readonly Span[] => {
    if (part === "") return [];
    return index % 2 === 1 ? [{ code: part }] : [part];
  });
}

function minus(shown: string): string {
  return shown.replaceAll(/(?<![\w])-|(?<= )-(?= )/g, "−");
}

/** How far a case is from its bound, less the nearer to failing; cases without numbers come first. */
export function marginOf(rule: SingleRule, { value, bound }: Case): number {
  if (typeof value !== "number" || typeof bound !== "number") return Number.NEGATIVE_INFINITY;
  if (rule.op === "==") return -Math.abs(value - bound);
  return rule.op === ">=" || rule.op === ">" ? value - bound : bound - value;
}
