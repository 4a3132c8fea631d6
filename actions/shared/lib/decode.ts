import * as v from "valibot";
import { nearestName } from "../domain/nearest.ts";
import { parseJson } from "../domain/parse-json.ts";
import type { Place, Problem } from "../domain/problem.ts";
import { ReleaseError } from "./error.ts";

type Path = readonly (string | number)[];

/** An answer of another program as its schema says. Throws `PROTOCOL` with the path of what does not fit; `what` names the answer. */
export function decode<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new ReleaseError(
    "PROTOCOL",
    result.issues.map((issue) => problemOf(issue, { schema, placeOf: () => ({}), prefix: `${what}: ` })),
  );
}

/** A text of JSON as its schema says; undefined for one that is cut, or says something else. */
export function readIfSound<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, parseJson(text));
  return result.success ? result.output : undefined;
}

/** What a user wrote, as its schema says, or every problem in it, with the nearest known name for an unknown key. */
export function checkConfig<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  placeOf: (path: Path) => Place,
):
  | { readonly state: "ok"; readonly value: v.InferOutput<S> }
  | { readonly state: "bad"; readonly problems: readonly Problem[] } {
  const result = v.safeParse(schema, value);
  if (result.success) return { state: "ok", value: result.output };
  return { state: "bad", problems: result.issues.map((issue) => problemOf(issue, { schema, placeOf, prefix: "" })) };
}

/** As `checkConfig`; throws all problems at once: `INPUT` where the place is an input, else `CONFIG`. */
export function decodeConfig<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  place: Place | ((path: Path) => Place),
): v.InferOutput<S> {
  const placeOf = typeof place === "function" ? place : () => place;
  const checked = checkConfig(schema, value, placeOf);
  if (checked.state === "ok") return checked.value;
  throw new ReleaseError(placeOf([]).file === undefined ? "INPUT" : "CONFIG", checked.problems);
}

type Subject = {
  readonly schema: v.GenericSchema;
  readonly placeOf: (path: Path) => Place;
  readonly prefix: string;
};

function problemOf(issue: v.BaseIssue<unknown>, { schema, placeOf, prefix }: Subject): Problem {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const place = placeOf(path);
  const where = Object.keys(place).length === 0 ? {} : { where: place };
  const name = formatPath(path);
  if (issue.expected === "never" && Array.isArray(issue.path?.at(-1)?.input)) {
    const list = path.slice(0, -1);
    const at = Object.keys(placeOf(list)).length === 0 ? {} : { where: placeOf(list) };
    return { rule: `${prefix}${formatPath(list) || "the value"} must be ${KINDS.Object}`, ...at, saw: "a list" };
  }
  if (issue.expected === "never" && path.length > 0)
    return { rule: `${prefix}${name} is not known`, ...where, ...nearestKey(schema, path) };
  const isMissing = issue.received === "undefined" && path.length > 0;
  if (isMissing) return { rule: `${prefix}${name} is missing`, ...where };
  return { rule: `${prefix}${name === "" ? "the value" : name} ${ruleOf(issue)}`, ...where, saw: seen(issue) };
}

/** Schemas of ours say "must …" themselves; for the rest the library names the kind that it expected. */
function ruleOf(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  const expected = issue.expected ?? issue.type;
  return `must be ${KINDS[expected] ?? expected.replaceAll(/[()]/g, "").replaceAll(" | ", " or ")}`;
}

/** The library's words in a user's. */
const KINDS: Readonly<Record<string, string>> = {
  Object: "a mapping (key: value)",
  Array: "a list",
  string: "text",
  number: "a number",
  boolean: "true or false",
  integer: "a whole number",
};

function nearestKey(schema: v.GenericSchema, path: Path): Pick<Problem, "saw" | "allowed" | "hint"> {
  const written = String(path.at(-1));
  const known = knownKeys(schemasAt(schema, path.slice(0, -1)));
  const nearest = nearestName(written, known);
  return {
    saw: JSON.stringify(written),
    allowed: known.join(", "),
    ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
  };
}

function seen(issue: v.BaseIssue<unknown>): string {
  const text = issue.received;
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** `images.trainer.args[0]`. */
function formatPath(path: Path): string {
  return path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${key}`)).join("");
}

type Shape = {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
  readonly value?: v.GenericSchema;
  readonly wrapped?: v.GenericSchema;
  readonly options?: readonly unknown[];
};

/** The schemas that stand at a path: several where a union leaves the choice. */
function schemasAt(schema: v.GenericSchema, path: Path): readonly Shape[] {
  return path.reduce<readonly Shape[]>(
    (shapes, key) =>
      shapes.flatMap((shape) => {
        const next = shape.entries?.[String(key)] ?? shape.item ?? shape.value;
        return next === undefined ? [] : unwrap(next);
      }),
    unwrap(schema),
  );
}

function unwrap(schema: unknown): readonly Shape[] {
  const shape = schema as Shape;
  if (shape.wrapped !== undefined) return unwrap(shape.wrapped);
  if (shape.options !== undefined) return shape.options.flatMap((option) => (isSchema(option) ? unwrap(option) : []));
  return [shape];
}

function isSchema(option: unknown): option is v.GenericSchema {
  return typeof option === "object" && option !== null && "kind" in option && option.kind === "schema";
}

function knownKeys(shapes: readonly Shape[]): readonly string[] {
  return [...new Set(shapes.flatMap((shape) => Object.keys(shape.entries ?? {})))];
}
