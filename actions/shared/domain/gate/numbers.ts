import type { Metric } from "../metric.ts";
import type { DataSet } from "../release.ts";
import type { Champion } from "./champion.ts";
import { firstDigits } from "./compare.ts";
import { type Reading, readGap, readMetric } from "./reading.ts";
import type { Case } from "./result.ts";
import { type Amount, asksChampion, formatSubject, type SingleRule, type Subject } from "./rule.ts";

/** What a rule compares, where both sides have it. */
export type Numbers = {
  readonly subject: string;
  readonly value: number | string;
  readonly bound: number | string;
  readonly champion?: number | string;
  readonly n?: number;
  readonly detail?: string;
};

/** Why a rule cannot compare, and what that makes of it. */
export type Reason = Omit<Case, "bound"> & { readonly reason: string };

type Question = {
  readonly metrics: readonly Metric[];
  readonly data?: readonly DataSet[];
  readonly champion?: Champion;
};

/** Reads both sides of a rule whose subject has no wildcards left (a gap keeps its own). */
export function readNumbers(rule: SingleRule, question: Question): Numbers | Reason {
  const subject = formatSubject(rule.subject);
  const { champion } = question;
  const own = readSide(rule.subject, { metrics: question.metrics, data: question.data ?? [] }, "the run");
  if (asksChampion(rule) && champion === undefined) return withoutChampion(rule, subject, own);
  if (own.state === "missing") return { subject, state: rule.ifMissing ?? "no-data", reason: own.reason };
  if (own.state === "unusable") return { subject, state: "no-data", reason: own.reason };
  const seen = { subject, value: own.value, ...(own.n === undefined ? {} : { n: own.n }) };
  if (rule.minimumN !== undefined && (own.n === undefined || own.n < rule.minimumN))
    return { ...seen, state: "no-data", reason: tooFew(own.n, rule.minimumN) };
  const detail = own.detail === undefined ? {} : { detail: own.detail };
  if (!asksChampion(rule) || champion === undefined)
    return { ...seen, ...besides(rule, own, champion), bound: boundOf(rule, 0), ...detail };
  const theirs = readSide(rule.subject, champion, `champion ${champion.version}`);
  const reason = whyNotComparable(rule, own, theirs);
  if (reason !== undefined) return { ...seen, ...championOf(theirs), ...reason };
  const value = theirs.state === "measured" ? theirs.value : "";
  return { ...seen, champion: value, bound: typeof value === "string" ? value : boundOf(rule, value), ...detail };
}

/** The champion's value for whoever reads the result, where it says something: measured, and on no other data. */
function besides(
  rule: SingleRule,
  own: Measured,
  champion: Champion | undefined,
): { readonly champion?: number | string } {
  if (champion === undefined) return {};
  const theirs = readSide(rule.subject, champion, "");
  const isOther = theirs.state === "measured" && own.dataset !== theirs.dataset && own.dataset && theirs.dataset;
  return isOther ? {} : championOf(theirs);
}

type Measured = Extract<Side, { readonly state: "measured" }>;
/** A reading, or a digest as text. */
type Side =
  | Reading
  | {
      readonly state: "measured";
      readonly value: string;
      readonly n?: never;
      readonly dataset?: never;
      readonly detail?: never;
    };

function whyNotComparable(rule: SingleRule, own: Measured, theirs: Side): Pick<Reason, "state" | "reason"> | undefined {
  if (theirs.state === "missing") return { state: STATE_WITHOUT[rule.ifNoChampion ?? "unsaid"], reason: theirs.reason };
  if (theirs.state === "unusable") return { state: "no-data", reason: theirs.reason };
  if (own.dataset !== undefined && theirs.dataset !== undefined && own.dataset !== theirs.dataset)
    return { state: "no-data", reason: "the two sides were measured on different data sets" };
  if (theirs.value === 0 && amountOf(rule)?.unit === "percent")
    return { state: "no-data", reason: "a percentage of the champion's 0 is no bound" };
  if (typeof theirs.value === "number" && !Number.isFinite(boundOf(rule, theirs.value)))
    return { state: "no-data", reason: "the bound is beyond all numbers" };
  return undefined;
}

/** A champion that lacks the metric: only what was said about champions helps. */
const STATE_WITHOUT = { skip: "skipped", fail: "fail", unsaid: "no-data" } as const;

function withoutChampion(rule: SingleRule, subject: string, own: Side): Reason {
  const also = own.state === "missing" ? `, and ${own.reason}` : "";
  const value = own.state === "measured" ? { value: own.value } : {};
  return {
    subject,
    ...value,
    state: rule.ifNoChampion === "fail" ? "fail" : "skipped",
    reason: `there is no champion${also}`,
  };
}

function readSide(subject: Subject, side: SideFacts, whose: string): Side {
  switch (subject.kind) {
    case "metric":
      return readMetric(side.metrics, subject.metric, whose);
    case "gap":
      return readGap(side.metrics, subject.metric, whose);
    case "data": {
      const value = side.data.find((set) => set.role === subject.role)?.[subject.field];
      const what = subject.field === "rows" ? "row count" : "digest";
      if (value === undefined)
        return { state: "missing", reason: `${whose} has no ${what} of data \`${subject.role}\`` };
      return typeof value === "number" ? { state: "measured", value } : { state: "measured", value };
    }
  }
}

type SideFacts = {
  readonly metrics: readonly Metric[];
  readonly data: readonly {
    readonly role: string;
    readonly rows?: number | undefined;
    readonly digest?: string | undefined;
  }[];
};

function championOf(theirs: Side): { readonly champion?: number | string } {
  return theirs.state === "measured" ? { champion: theirs.value } : {};
}

function tooFew(n: number | undefined, minimum: number): string {
  return n === undefined
    ? `how many examples are behind it is not known, and at least ${minimum} are asked`
    : `n = ${n} is too few, at least ${minimum} are asked`;
}

function amountOf(rule: SingleRule): Amount | undefined {
  return rule.bound.kind === "amount" ? rule.bound.amount : rule.bound.offset;
}

/** The number to compare with; a percentage is of the champion's absolute value, so that champion - 5% of -2 is -2.1. */
function boundOf(rule: SingleRule, champion: number): number {
  const amount = amountOf(rule) ?? { value: 0, unit: "absolute" };
  const size = amount.unit === "percent" ? (amount.value / 100) * Math.abs(champion) : amount.value;
  if (rule.bound.kind === "amount") return firstDigits(size);
  return firstDigits(rule.bound.offset?.sign === "-" ? champion - size : champion + size);
}
