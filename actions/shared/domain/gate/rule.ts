import { formatMetricName, type MetricName } from "../metric.ts";
import type { Place } from "../problem.ts";

export const OPERATORS = [">=", "<=", "==", ">", "<"] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a rule speaks of. A slice value `*` stands for every value of its key. */
export type Subject =
  | { readonly kind: "metric"; readonly metric: MetricName }
  /** Largest less smallest value over the slices; at least one key is `*`. */
  | { readonly kind: "gap"; readonly metric: MetricName }
  | { readonly kind: "data"; readonly role: string; readonly field: "rows" | "digest" };

/** An amount, or so many percent of the champion's absolute value. */
export type Amount = { readonly value: number; readonly unit: "absolute" | "percent" };

export type Bound =
  | { readonly kind: "amount"; readonly amount: Amount }
  | { readonly kind: "champion"; readonly offset?: Amount & { readonly sign: "+" | "-" } };

/** `proves: pass` asks for proof that the bound holds, `proves: fail` for proof that it is missed. Of proportions with a count only. */
export type Confidence = { readonly level: number; readonly proves: "pass" | "fail" };

export type IfMissing = "no-data" | "fail" | "warn";
export type IfNoChampion = "fail" | "skip";

export type SingleRule = {
  readonly kind: "single";
  readonly subject: Subject;
  readonly op: Operator;
  readonly bound: Bound;
  /** Where it does not hold, warn instead of fail. */
  readonly warn: boolean;
  /** The least number of examples behind the metric. */
  readonly minimumN?: number;
  readonly ifMissing?: IfMissing;
  readonly ifNoChampion?: IfNoChampion;
  readonly confidence?: Confidence;
  readonly where: Place;
};

/** Holds where one of its rules does. */
export type AnyOfRule = {
  readonly kind: "any-of";
  readonly rules: readonly SingleRule[];
  readonly where: Place;
};

export type Rule = SingleRule | AnyOfRule;

/** Whether a rule cannot be judged without a champion: a percentage is one of the champion's value. */
export function asksChampion(rule: SingleRule): boolean {
  return rule.bound.kind === "champion" || rule.bound.amount.unit === "percent";
}

/** The slice keys that stand for every value. */
export function wildcardsOf(metric: MetricName): readonly string[] {
  return Object.entries(metric.slice ?? {})
    .filter(([, value]) => value === "*")
    .map(([key]) => key);
}

/** The rule as a gate line, in one spelling; what only objects can say comes in words behind it. */
export function formatRule(rule: Rule): string {
  if (rule.kind === "any-of") return rule.rules.map(formatRule).join(" or ");
  return `${formatSubject(rule.subject)} ${rule.op} ${formatBound(rule.bound)}${formatOptions(rule)}`;
}

export function formatSubject(subject: Subject): string {
  switch (subject.kind) {
    case "metric":
      return formatMetricName(subject.metric);
    case "gap":
      return `gap(${formatMetricName(subject.metric)})`;
    case "data":
      return `data.${subject.role}.${subject.field}`;
  }
}

export function formatBound(bound: Bound): string {
  if (bound.kind === "amount") return formatAmount(bound.amount);
  return bound.offset === undefined ? "champion" : `champion ${bound.offset.sign} ${formatAmount(bound.offset)}`;
}

function formatOptions(rule: SingleRule): string {
  return [
    rule.warn ? " warn" : "",
    rule.minimumN === undefined ? "" : ` when n >= ${rule.minimumN}`,
    rule.ifMissing === undefined ? "" : ` if-missing ${rule.ifMissing}`,
    rule.ifNoChampion === undefined ? "" : ` if-no-champion ${rule.ifNoChampion}`,
    rule.confidence === undefined ? "" : ` (${formatConfidence(rule.confidence)})`,
  ].join("");
}

export function formatConfidence(confidence: Confidence): string {
  return `${confidence.proves === "pass" ? "passes" : "fails"} only if proven at ${Number((confidence.level * 100).toPrecision(6))} %`;
}

function formatAmount(amount: Amount): string {
  return `${amount.value}${amount.unit === "percent" ? "%" : ""}`;
}
