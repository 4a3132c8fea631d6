import { bad, type Checked, ok, type Place, type Problem } from "../problem.ts";
import { readBound, readOperator } from "./bound.ts";
import { readOptions } from "./options.ts";
import { type Piece, placeIn, splitRules } from "./pieces.ts";
import type { Bound, SingleRule, Subject } from "./rule.ts";
import { type Fault, type Scanner, scannerOf } from "./scanner.ts";
import { readSubject } from "./subject.ts";

/**
 * Gate lines: rules separated by line breaks or by commas outside brackets; `#` starts a comment. All that is wrong is found at once,
 * each with its line and column. `where` is the file or input that the text is from; lines count on from `where.line` (1 where none is).
 */
export function parseGateLines(text: string, where: Place): Checked<readonly SingleRule[]> {
  const parsed = splitRules(text).map((piece) => parseRule(piece, where));
  const problems = parsed.flatMap((rule) => (rule.state === "bad" ? rule.problems : []));
  if (problems.length > 0) return bad(...problems);
  return ok(parsed.flatMap((rule) => (rule.state === "ok" ? [rule.value] : [])));
}

/** A subject on its own, as the object form has it. */
export function parseSubject(text: string, where: Place): Checked<Subject> {
  return parseWhole(text, where, readSubject);
}

/** A bound on its own, as the object form has it. */
export function parseBound(text: string, where: Place): Checked<Bound> {
  return parseWhole(text, where, readBound);
}

function parseWhole<T extends object>(text: string, where: Place, read: (scanner: Scanner) => T | Fault): Checked<T> {
  const scanner = scannerOf({ text: text.trim(), line: 1, column: 1 }, where);
  const value = read(scanner);
  if ("fault" in value) return bad({ ...value.fault, where });
  if (scanner.rest() === "") return ok(value);
  return bad({ rule: "something stands behind what was expected", where, saw: scanner.rest() });
}

/** Whether a text is rules rather than a path: something in it, outside comments, looks like a comparison. */
export function hasOperator(text: string): boolean {
  return text.split("\n").some((line) => /[<>]|==|[≥≤]/.test(line.replace(/#.*/, "")));
}

function parseRule(piece: Piece, where: Place): Checked<SingleRule> {
  const scanner = scannerOf(piece, where);
  const subject = readSubject(scanner);
  if ("fault" in subject) return bad(subject.fault);
  const op = readOperator(scanner);
  if (typeof op === "object") return bad(op.fault);
  const bound = readBound(scanner);
  if ("fault" in bound) return bad(bound.fault);
  const options = readOptions(scanner);
  if ("fault" in options) return bad(options.fault);
  const { column, ...place } = placeIn(piece, where, 0);
  const rule: SingleRule = { kind: "single", subject, op, bound, warn: false, ...options, where: place };
  const problems = checkRule(rule, { ...place, ...(column === undefined ? {} : { column }) });
  return problems.length > 0 ? bad(...problems) : ok(rule);
}

/** What the grammar allows and no run can ever answer. Also asked of rules that come as objects. */
export function checkRule(rule: SingleRule, where: Place): readonly Problem[] {
  if (rule.subject.kind !== "data") return [];
  const problems: Problem[] = [];
  if (rule.minimumN !== undefined)
    problems.push({
      rule: "`when n` counts the examples behind a metric, and a data set has none",
      where,
      hint: "leave it out",
    });
  if (rule.subject.field === "digest" && (rule.op !== "==" || rule.bound.kind !== "champion" || rule.bound.offset))
    problems.push({
      rule: "a digest can only be the champion's",
      where,
      allowed: `data.${rule.subject.role}.digest == champion`,
    });
  return problems;
}
