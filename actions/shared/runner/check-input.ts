import { nearestName } from "../domain/nearest.ts";
import { bad, type Checked, ok } from "../domain/problem.ts";
import { formatDuration, formatSize, parseDuration, parseFraction, parseSize } from "../domain/quantity.ts";
import type { PlainKind } from "./inputs.ts";

/** A text that is not empty as its kind says. */
export function checkInput(name: string, declared: PlainKind, text: string): Checked<unknown> {
  switch (declared.kind) {
    case "string":
      return checkString(name, declared, text);
    case "boolean":
      return checkBoolean(name, text);
    case "integer":
      return checkNumber(name, text, {
        value: /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined,
        what: "a whole number",
        min: declared.min,
        max: declared.max,
        format: String,
      });
    case "number":
      return checkNumber(name, text, {
        value: /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? finite(Number(text)) : undefined,
        what: "a number",
        min: declared.min,
        max: declared.max,
        format: String,
      });
    case "duration":
      return checkNumber(name, text, {
        value: finite(parseDuration(text)),
        what: "a duration such as 90s, 15m, 6h",
        min: declared.minMs,
        max: declared.maxMs,
        format: formatDuration,
      });
    case "size":
      return checkNumber(name, text, {
        value: finite(parseSize(text)),
        what: "a size such as 64MiB, 1.5GB",
        min: declared.minBytes,
        max: declared.maxBytes,
        format: formatSize,
      });
    case "fraction":
      return checkNumber(name, text, {
        value: finite(parseFraction(text)),
        what: "a fraction such as 5% or 0.05",
        min: declared.min ?? 0,
        max: declared.max ?? 1,
        format: String,
      });
    case "enum":
      return checkEnum(name, declared, text);
    case "list":
      return checkList(name, declared, text);
  }
}

/** `saw` of an error: quoted, cut to what a reader can take in. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(shown);
}

/** Separated by line breaks or commas outside of brackets; `#` at a line's start or after a space begins a comment. */
export function splitList(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, ""))
    .flatMap(splitAtCommas)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function splitAtCommas(line: string): readonly string[] {
  const items = [""];
  let depth = 0;
  for (const char of line) {
    if ("([{".includes(char)) depth += 1;
    if (")]}".includes(char)) depth -= 1;
    if (char === "," && depth <= 0) items.push("");
    else items[items.length - 1] += char;
  }
  return items;
}

function checkString(name: string, kind: Extract<PlainKind, { kind: "string" }>, text: string): Checked<string> {
  if (kind.maxLength !== undefined && text.length > kind.maxLength)
    return bad({
      rule: "is too long",
      where: { input: name },
      saw: `${text.length} characters`,
      allowed: `${kind.maxLength} at most`,
    });
  if (kind.pattern === undefined || kind.pattern.test(text)) return ok(text);
  return bad({ rule: "is malformed", where: { input: name }, saw: quote(text), ...allowed(kind) });
}

function allowed(kind: { readonly pattern?: RegExp; readonly example?: string }): { readonly allowed: string } {
  return { allowed: kind.example === undefined ? String(kind.pattern) : `such as ${kind.example}` };
}

/** The booleans of YAML 1.2's core schema, as the toolkit has them. */
function checkBoolean(name: string, text: string): Checked<boolean> {
  if (/^(true|True|TRUE)$/.test(text)) return ok(true);
  if (/^(false|False|FALSE)$/.test(text)) return ok(false);
  return bad({ rule: "must be a boolean", where: { input: name }, saw: quote(text), allowed: "true, false" });
}

type Range = {
  readonly value: number | undefined;
  readonly what: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly format: (value: number) => string;
};

function checkNumber(name: string, text: string, { value, what, min, max, format }: Range): Checked<number> {
  const limits = [
    min === undefined ? "" : `at least ${format(min)}`,
    max === undefined ? "" : `at most ${format(max)}`,
  ];
  const range = limits.filter(Boolean).join(", ");
  const allowed = range === "" ? {} : { allowed: range };
  const where = { input: name };
  if (value === undefined) return bad({ rule: `must be ${what}`, where, saw: quote(text), ...allowed });
  if ((min !== undefined && value < min) || (max !== undefined && value > max))
    return bad({ rule: "is out of range", where, saw: quote(text), ...allowed });
  return ok(value);
}

function finite(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function checkEnum(
  name: string,
  { values, instead = {} }: Extract<PlainKind, { kind: "enum" }>,
  text: string,
): Checked<string> {
  if (values.includes(text)) return ok(text);
  const nearest = nearestName(text, values);
  const hint = instead[text] ?? (nearest === undefined ? undefined : `did you mean ${nearest}?`);
  return bad({
    rule: "is not one of its values",
    where: { input: name },
    saw: quote(text),
    allowed: values.join(", "),
    ...(hint === undefined ? {} : { hint }),
  });
}

function checkList(name: string, kind: Extract<PlainKind, { kind: "list" }>, text: string): Checked<readonly string[]> {
  const items = splitList(text);
  const { pattern } = kind;
  const wrong = pattern === undefined ? [] : items.filter((item) => !pattern.test(item));
  if (wrong.length === 0) return ok(items);
  return {
    state: "bad",
    problems: wrong.map((item) => ({
      rule: "has a malformed item",
      where: { input: name },
      saw: quote(item),
      ...allowed(kind),
    })),
  };
}
