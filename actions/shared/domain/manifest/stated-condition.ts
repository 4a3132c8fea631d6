import type { Json } from "../canonical.ts";
import { bad, type Checked, ok, type Place } from "../problem.ts";
import { conditionsOf, type KubeObject, type Path, valueAt } from "./object.ts";

/**
 * What a user states for a kind that the table does not know; several, separated by commas, mean any of them:
 *
 * - `Complete`, `Complete=True`: the condition of that type in `status.conditions` has that status (`True` where none is said);
 * - `status.phase=Succeeded`, `{.status.phase}=Succeeded`: a value of the object, by names joined with dots and `[0]` in lists. Operators
 *   `=` `!=` compare as text, `>` `>=` `<` `<=` as numbers. A path that leads nowhere never holds, not even for `!=`.
 */
export type StatedCondition = { readonly text: string; readonly anyOf: readonly Test[] };

type Test =
  | { readonly on: "condition"; readonly type: string; readonly status: string }
  | { readonly on: "value"; readonly path: Path; readonly operator: Operator; readonly value: string };

type Operator = "=" | "!=" | ">" | ">=" | "<" | "<=";

export function parseStatedCondition(text: string, where: Place): Checked<StatedCondition> {
  const parsed = text.split(",").map((one) => ({ written: one.trim(), test: parseTest(one.trim()) }));
  const wrong = parsed.filter(({ test }) => test === undefined).map(({ written }) => written);
  if (wrong.length > 0)
    return bad(
      ...wrong.map((written) => ({
        rule: "must be a condition of the object",
        where,
        saw: JSON.stringify(written),
        allowed: "Complete=True, status.phase=Succeeded, status.succeeded>=3",
      })),
    );
  return ok({ text, anyOf: parsed.flatMap(({ test }) => test ?? []) });
}

/** The alternative that holds, in words with what was seen; undefined where none does. */
export function heldBy(object: KubeObject, condition: StatedCondition): string | undefined {
  for (const test of condition.anyOf) {
    const held = holds(object, test);
    if (held !== undefined) return held;
  }
  return undefined;
}

function parseTest(written: string): Test | undefined {
  const match = /^([^=!<>]+?)\s*(?:(==?|!=|>=?|<=?)\s*(.+))?$/.exec(written);
  if (match === null) return undefined;
  const [, subject = "", sign, value] = match;
  const operator = (sign === "==" ? "=" : sign) as Operator | undefined;
  const inner = /^\{(.*)\}$/.exec(subject)?.[1] ?? subject;
  const isPath = inner.startsWith(".") || inner.startsWith("$.") || (inner.includes(".") && !inner.includes("/"));
  if (!isPath) {
    if (!/^[A-Za-z][A-Za-z0-9_./-]*$/.test(inner) || (operator !== undefined && operator !== "=")) return undefined;
    return { on: "condition", type: inner, status: value ?? "True" };
  }
  const path = parsePath(inner.replace(/^\$/, "").replace(/^\./, ""));
  if (path === undefined || operator === undefined || value === undefined) return undefined;
  if (operator !== "=" && operator !== "!=" && !Number.isFinite(Number(value))) return undefined;
  return { on: "value", path, operator, value };
}

function parsePath(text: string): Path | undefined {
  if (!/^[A-Za-z_][\w-]*(\[(\d+|'[^']+'|"[^"]+")\]|\.[A-Za-z_][\w-]*)*$/.test(text)) return undefined;
  return [...text.matchAll(/\[(\d+)\]|\['([^']+)'\]|\["([^"]+)"\]|([\w-]+)/g)].map(([, index, one, two, name]) =>
    index === undefined ? (one ?? two ?? name ?? "") : Number(index),
  );
}

function holds(object: KubeObject, test: Test): string | undefined {
  if (test.on === "condition") {
    const found = conditionsOf(object).findLast(({ type }) => type === test.type);
    if (found === undefined || found.status !== test.status) return undefined;
    const said = [found.reason, found.message].filter(Boolean).join(": ");
    return `${test.type} is ${test.status}${said === "" ? "" : `: ${said}`}`;
  }
  const seen = valueAt(object, test.path);
  if (seen === undefined || seen === null || !compare(seen, test)) return undefined;
  return `${test.path.join(".")} is ${textOf(seen)}`;
}

function compare(seen: Json, { operator, value }: Extract<Test, { on: "value" }>): boolean {
  const [a, b] = [textOf(seen).trim() === "" ? Number.NaN : Number(textOf(seen)), Number(value)];
  switch (operator) {
    case "=":
      return textOf(seen) === value;
    case "!=":
      return textOf(seen) !== value;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
  }
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
