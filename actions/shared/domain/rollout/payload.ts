import * as v from "valibot";
import type { Json } from "../canonical.ts";
import { parseJson } from "../parse-json.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";

/** One request with, where it is known, the answer: JSON Lines `{ "request": …, "expect"?: …, "tolerance"?: …, "slice"?: … }`. */
export type Payload = {
  readonly request: Json;
  readonly expect?: Json;
  /** How far a number may lie from the expected one; 0 is exact. */
  readonly tolerance: number;
  /** Which parts of the data it stands for, as in metrics: `{ "class": "3" }`. */
  readonly slice?: Readonly<Record<string, string>>;
};

const PayloadSchema = v.strictObject({
  request: v.unknown(),
  expect: v.optional(v.unknown()),
  tolerance: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  slice: v.optional(v.record(v.string(), v.string())),
});

/** All payloads of a file, or every line that is none. */
export function parsePayloads(text: string, file: string): Checked<readonly Payload[]> {
  const lines = text.split("\n").map((line, i) => ({ line: line.trim(), where: { file, line: i + 1 } }));
  const parsed = lines.filter(({ line }) => line !== "").map(({ line, where }) => parseLine(line, where));
  const problems = parsed.flatMap((one) => (one.state === "bad" ? one.problems : []));
  if (problems.length > 0) return bad(...problems);
  if (parsed.length === 0)
    return bad({ rule: "has no payload", where: { file }, allowed: '{ "request": …, "expect"?: … } line by line' });
  return ok(parsed.flatMap((one) => (one.state === "ok" ? [one.value] : [])));
}

function parseLine(line: string, where: NonNullable<Problem["where"]>): Checked<Payload> {
  const value = parseJson(line);
  if (value === undefined) return bad({ rule: "is no JSON", where, saw: line.slice(0, 60) });
  const result = v.safeParse(PayloadSchema, value);
  if (!result.success)
    return bad({
      rule: "is no payload",
      where,
      saw: result.issues.map((issue) => `${issue.path?.[0]?.key ?? "line"}: ${issue.received}`).join(", "),
      allowed: '{ "request": …, "expect"?: …, "tolerance"?: a number from 0, "slice"?: { name: text } }',
    });
  const { request, expect, tolerance = 0, slice } = result.output;
  if (request === undefined) return bad({ rule: "has no request", where });
  return ok({
    request: request as Json,
    ...(expect === undefined ? {} : { expect: expect as Json }),
    tolerance,
    ...(slice === undefined ? {} : { slice }),
  });
}

/** Where an answer is not the expected one. */
export type Difference = { readonly path: string; readonly expected: string; readonly saw: string };

/**
 * The first place where an answer differs, or undefined. Only what is expected is looked at: further members of an object are
 * free. Lists are as long as expected, except lists of named things (tensors), which are found by name.
 */
export function differenceOf(expected: Json, answer: unknown, tolerance: number): Difference | undefined {
  return compare({ expected, answer, tolerance, path: "" });
}

type Comparison = {
  readonly expected: Json | undefined;
  readonly answer: unknown;
  readonly tolerance: number;
  readonly path: string;
};

function compare({ expected, answer, tolerance, path }: Comparison): Difference | undefined {
  const differs = { path: path === "" ? "answer" : path, expected: brief(expected), saw: brief(answer) };
  if (typeof expected === "number")
    return typeof answer === "number" && Math.abs(answer - expected) <= tolerance ? undefined : differs;
  if (expected === null || typeof expected !== "object") return answer === expected ? undefined : differs;
  if (isList(expected)) {
    if (!Array.isArray(answer)) return differs;
    const pairs = isNamed(expected)
      ? expected.map((item) => ({ expected: item, answer: answer.find((one) => nameOf(one) === nameOf(item)) }))
      : expected.map((item, i) => ({ expected: item, answer: answer[i] as unknown }));
    if (!isNamed(expected) && answer.length !== expected.length) return differs;
    return first(pairs, (pair, i) => compare({ ...pair, tolerance, path: `${path}[${nameOf(pair.expected) ?? i}]` }));
  }
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return differs;
  const members: Readonly<Record<string, unknown>> = { ...answer };
  return first(Object.entries(expected), ([key, value]) =>
    compare({ expected: value, answer: members[key], tolerance, path: path === "" ? key : `${path}.${key}` }),
  );
}

const TensorSchema = v.object({ name: v.string(), shape: v.array(v.number()), data: v.array(v.unknown()) });
const InferAnswerSchema = v.object({ outputs: v.pipe(v.array(TensorSchema), v.minLength(1)) });

/** Whether a value has the shape of an inference answer of the Open Inference Protocol v2. */
export function isInferAnswer(value: unknown): boolean {
  return v.is(InferAnswerSchema, value);
}

function first<T>(items: readonly T[], find: (item: T, i: number) => Difference | undefined): Difference | undefined {
  for (const [i, item] of items.entries()) {
    const found = find(item, i);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isNamed(list: readonly (Json | undefined)[]): boolean {
  return list.length > 0 && list.every((item) => nameOf(item) !== undefined);
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || !("name" in item)) return undefined;
  return typeof item.name === "string" ? item.name : undefined;
}

function brief(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
