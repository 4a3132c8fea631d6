import type { Json } from "../domain/canonical.ts";

/**
 * A map as the YAML block at the head of a Markdown file. Every text is quoted and every number has a dot where it needs one: readers of YAML
 * 1.1 (Python's) and of 1.2 find the same values.
 */
export function formatFrontMatter(values: Readonly<Record<string, Json | undefined>>): string {
  return ["---", ...mapLines(values), "---", ""].join("\n");
}

function mapLines(values: Readonly<Record<string, Json | undefined>>): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : attach(`${/^[A-Za-z_][\w-]*$/.test(key) && !isWord(key) ? key : quote(key)}:`, value),
  );
}

/** A value behind its key or its dash: on the same line, or indented below. */
function attach(head: string, value: Json): readonly string[] {
  if (value === null || typeof value !== "object") return [`${head} ${scalar(value)}`];
  const lines = isList(value) ? value.flatMap(itemLines) : mapLines(value);
  if (lines.length === 0) return [`${head} ${isList(value) ? "[]" : "{}"}`];
  return [head, ...lines.map((line) => `  ${line}`)];
}

function itemLines(value: Json): readonly string[] {
  if (value === null || typeof value !== "object") return [`- ${scalar(value)}`];
  const [first, ...rest] = isList(value) ? value.flatMap(itemLines) : mapLines(value);
  if (first === undefined) return [`- ${isList(value) ? "[]" : "{}"}`];
  return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
}

function scalar(value: null | boolean | number | string): string {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? quote(value) : String(value);
}

/** In YAML 1.1 `1e-7` is a text. */
function number(value: number): string {
  return String(value).replace(/^(-?\d+)e/, "$1.0e");
}

/** A text of JSON is one of YAML, but for what YAML does not print. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What some reader of YAML takes for no text. */
function isWord(key: string): boolean {
  return /^(y|n|yes|no|on|off|true|false|null)$/i.test(key);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
