import { type Block, code, type Text, text } from "../report.ts";
import { type Case, type GateEvaluation, type RuleState, type SingleResult, singlesOf } from "./result.ts";
import { formatRule, formatSubject } from "./rule.ts";
import { RULE_ICONS, showChange, showRule, showValue, tellReason } from "./show.ts";
import { type Field, tableOf } from "./table.ts";

type Row = {
  readonly state: RuleState;
  readonly metric: Text;
  readonly value: string;
  readonly champion: string;
  readonly change: string;
  readonly rule: Text;
};

const WORST_FIRST: readonly RuleState[] = ["fail", "no-data", "warn", "pass", "skipped"];

/** What decided: a row for each case that did not pass, one for those of a rule that did; the worst first. */
export function ruleTable({ results }: GateEvaluation): readonly Block[] {
  const rows = results.flatMap((result) => {
    const singles = singlesOf(result);
    const speaker = singles.find(({ state }) => state === result.state) ?? singles[0];
    const others = singles.filter((one) => one !== speaker).map(({ rule }) => `; or ${formatRule(rule)}`);
    return speaker === undefined ? [] : rowsOf(speaker, others.join(""));
  });
  const sorted = [...rows].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
  return tableOf(sorted, [
    { title: "", cell: ({ state }) => RULE_ICONS[state] },
    { title: "metric", cell: ({ metric }) => metric },
    { title: "value", align: "right", cell: ({ value }) => value },
    { title: "champion", align: "right", cell: ({ champion }) => champion },
    { title: "change", align: "right", cell: ({ change }) => change },
    { title: "rule", cell: ({ rule }) => rule },
  ]);
}

/** Every slice of the rules over slices. */
export function sliceTables({ results }: GateEvaluation): readonly Block[] {
  const sliced = results.flatMap(singlesOf).filter(({ cases }) => cases.length > 1);
  return sliced.flatMap(({ rule, cases }): readonly Block[] => [
    { kind: "paragraph", text: code(formatRule(rule)) },
    ...tableOf(cases, [
      { title: "", cell: ({ state }) => RULE_ICONS[state] },
      { title: "slice", cell: ({ subject }) => code(subject) },
      ...numberFields(),
      { title: "", cell: ({ state, reason }) => (reason === undefined || state === "pass" ? "" : tellReason(reason)) },
    ]),
  ]);
}

function numberFields(): readonly Field<Case>[] {
  return [
    { title: "value", align: "right", cell: valueText },
    { title: "champion", align: "right", cell: championText },
    { title: "change", align: "right", cell: changeText },
    { title: "n", align: "right", cell: ({ n }) => (n === undefined ? "" : String(n)) },
  ];
}

function rowsOf(result: SingleResult, besides: string): readonly Row[] {
  const passed = result.cases.filter(({ state }) => state === "pass");
  const rest = result.cases.filter(({ state }) => state !== "pass").map((one) => rowOf(result, one, besides));
  const [first] = passed;
  if (first === undefined) return rest;
  return [...rest, passed.length === 1 ? rowOf(result, first, besides) : rangeRow(result, passed)];
}

function rowOf({ rule }: SingleResult, seen: Case, besides: string): Row {
  const why = seen.reason === undefined || seen.state === "pass" ? [] : ["; ", ...tellReason(seen.reason)];
  return {
    state: seen.state,
    metric: code(seen.subject),
    value: valueText(seen),
    champion: championText(seen),
    change: changeText(seen),
    rule: text`${showRule(rule, seen)}${why}${besides}`,
  };
}

/** The slices that hold, as the range of their values. */
function rangeRow({ rule }: SingleResult, passed: readonly Case[]): Row {
  const values = passed.flatMap(({ value }) => (typeof value === "number" ? [value] : []));
  const subject = formatSubject(rule.subject);
  return {
    state: "pass",
    metric: text`${code(subject)}, ${passed.length} slices`,
    value: `${showValue(Math.min(...values), undefined)} … ${showValue(Math.max(...values), undefined)}`,
    champion: "",
    change: "",
    rule: showRule(rule, { subject, state: "pass" }),
  };
}

function valueText({ value, bound }: Case): string {
  return value === undefined ? "" : showValue(value, bound);
}

function championText({ champion, value }: Case): string {
  return champion === undefined ? "" : showValue(champion, value);
}

function changeText({ champion, value }: Case): string {
  return typeof champion === "number" && typeof value === "number" ? showChange(champion, value) : "";
}
