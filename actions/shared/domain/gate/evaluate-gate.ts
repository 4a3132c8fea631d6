import type { Metric } from "../metric.ts";
import type { DataSet } from "../release.ts";
import type { Champion } from "./champion.ts";
import { compare } from "./compare.ts";
import { type Numbers, type Reason, readNumbers } from "./numbers.ts";
import { type Proof, proofsOf } from "./proof.ts";
import { slicesOf } from "./reading.ts";
import { best, type Case, type GateEvaluation, type RuleResult, type SingleResult, worst } from "./result.ts";
import { asksChampion, formatRule, type Rule, type SingleRule, type Subject, wildcardsOf } from "./rule.ts";

export type GateQuestion = {
  readonly rules: readonly Rule[];
  readonly metrics: readonly Metric[];
  readonly data?: readonly DataSet[];
  /** Absent: there is none (a first release), or it was not asked for. */
  readonly champion?: Champion;
};

/**
 * Judges a candidate by its gate. The worst rule decides: fail, no-data, warn, pass; a gate of which nothing could be judged is no-data.
 * Numbers are compared to twelve significant digits, so that 0.962 - 0.002 is 0.96.
 */
export function evaluateGate(question: GateQuestion): GateEvaluation {
  const results = question.rules.map((rule) => judgeRule(rule, question));
  return { verdict: worst(results.map((result) => result.state)), results };
}

function judgeRule(rule: Rule, question: GateQuestion): RuleResult {
  if (rule.kind === "single") return judgeSingle(rule, question);
  const alternatives = rule.rules.map((one) => judgeSingle(one, question));
  return { rule, text: formatRule(rule), state: best(alternatives.map((one) => one.state)), alternatives };
}

function judgeSingle(rule: SingleRule, question: GateQuestion): SingleResult {
  const read = subjectsOf(rule, question).map((subject) => readNumbers({ ...rule, subject }, question));
  const proofs = rule.confidence === undefined ? [] : proofsOf(rule, rule.confidence, read.map(numbersIn));
  const cases = read.map((one, index) => ("state" in one ? one : judgeCase(rule, one, proofs[index])));
  const skipped = cases.every((one) => one.state === "skipped");
  return { rule, text: formatRule(rule), state: skipped ? "skipped" : worst(cases.map((one) => one.state)), cases };
}

/** A wildcard's slices: the candidate's, and the champion's where it is asked, so that a slice which vanished is missed. */
function subjectsOf({ subject, ...rule }: SingleRule, { metrics, champion }: GateQuestion): readonly Subject[] {
  if (subject.kind !== "metric" || wildcardsOf(subject.metric).length === 0) return [subject];
  const theirs = asksChampion({ subject, ...rule }) && champion !== undefined ? champion.metrics : [];
  const slices = slicesOf([...metrics, ...theirs], subject.metric);
  if (slices.length === 0) return [subject];
  return slices.map((slice) => ({ kind: "metric", metric: { ...subject.metric, slice } }));
}

function numbersIn(read: Numbers | Reason): Numbers | undefined {
  return "state" in read ? undefined : read;
}

function judgeCase(rule: SingleRule, numbers: Numbers, proof: Proof | undefined): Case {
  const { detail, ...seen } = numbers;
  const holds = compare(rule.op, numbers.value, numbers.bound);
  const reason = [detail, proof?.reason].filter((part) => part !== undefined).join("; ");
  const state = proof === undefined ? (holds ? "pass" : "fail") : proof.state;
  return { ...seen, state: state === "fail" ? failed(rule) : state, ...(reason === "" ? {} : { reason }) };
}

/** A rule that only warns turns what does not hold into a warning; what was said for missing data and champions stays. */
function failed(rule: SingleRule): "warn" | "fail" {
  return rule.warn ? "warn" : "fail";
}
