import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { Place } from "../../../../actions/shared/domain/problem.ts";
import { decode, decodeConfig } from "../../../../actions/shared/lib/decode.ts";

const Image = v.strictObject({
  context: v.string(),
  args: v.optional(v.record(v.string(), v.string())),
  copies: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1, "must be at least 1"))),
  how: v.optional(v.picklist(["fast", "slow"])),
});
const Images = v.record(v.string(), v.union([v.string(), Image]));
const Nested = v.strictObject({
  stages: v.array(
    v.variant("do", [
      v.strictObject({ do: v.literal("wait"), seconds: v.number() }),
      v.strictObject({ do: v.literal("shift"), percent: v.number() }),
    ]),
  ),
});

const messageOf = (act: () => unknown) => {
  try {
    act();
    return "nothing was wrong";
  } catch (error) {
    return (error as Error).message;
  }
};

test("a value that fits is returned as its schema types it", () => {
  const value = decode(v.object({ a: v.number() }), { a: 1, b: 2 }, "the answer");
  expect(value).toEqual({ a: 1 });
});

test("an answer that does not fit is a fault of the service, with every path", () => {
  const schema = v.object({
    run: v.object({ id: v.string(), state: v.picklist(["RUNNING", "DONE"]) }),
    tasks: v.array(v.number()),
  });
  const answer = { run: { state: "x".repeat(500) }, tasks: [1, "2"] };
  const message = messageOf(() => decode(schema, answer, "the run's state"));
  expect(message.replaceAll(/x{20,}/g, "xx")).toBe(
    '[PROTOCOL] the run\'s state: run.id is missing\nthe run\'s state: run.state must be "RUNNING" or "DONE" (saw "xx…)\nthe run\'s state: tasks[1] must be a number (saw "2")',
  );
});

describe("what a user wrote", () => {
  const wrong = (
    schema: v.GenericSchema,
    value: unknown,
    place: Place | ((path: readonly (string | number)[]) => Place) = { input: "images" },
  ) => messageOf(() => decodeConfig(schema, value, place));

  test("is a wrong input, or a wrong file", () => {
    expect(wrong(Image, { context: 1 })).toBe("[INPUT] input images: context must be text (saw 1)");
    expect(wrong(Image, { context: 1 }, { file: "a.yaml", line: 3 })).toBe(
      "[CONFIG] a.yaml:3: context must be text (saw 1)",
    );
  });

  test("has its places by path", () => {
    const message = wrong(Image, { context: 1, how: "x" }, (path) => ({
      file: "a.yaml",
      line: path.includes("how") ? 9 : 1,
    }));
    expect(message).toBe(
      '[CONFIG] a.yaml:1: context must be text (saw 1)\na.yaml:9: how must be "fast" or "slow" (saw "x")',
    );
  });

  test("with an unknown key names the nearest, at any depth and in any branch", () => {
    expect(wrong(v.record(v.string(), Image), { a: { context: ".", arg: {} } })).toMatch(
      /a\.arg is not known .*allowed: context, args, copies, how\); did you mean args\?$/,
    );
    expect(wrong(v.optional(Image), { context: ".", colour: 1 })).toMatch(
      /colour is not known \(saw "colour"; allowed: context, args, copies, how\)$/,
    );
    expect(wrong(Nested, { stages: [{ do: "wait", second: 1, seconds: 1 }] })).toMatch(
      /stages\[0\]\.second is not known .*did you mean seconds\?$/,
    );
  });

  test("with a list in the place of a mapping says so, and not that its numbers are unknown", () => {
    const Options = v.strictObject({ breaker: v.optional(v.strictObject({ rate: v.optional(v.number()) })) });
    expect(wrong(Options, [{ breaker: {} }])).toMatch(/the value must be a mapping \(key: value\) \(saw a list\)$/);
    expect(wrong(Options, { breaker: [1] })).toMatch(/breaker must be a mapping \(key: value\) \(saw a list\)$/);
  });

  test("says what is missing", () => {
    expect(wrong(Image, {})).toBe("[INPUT] input images: context is missing");
    expect(wrong(Image, undefined)).toMatch(/the value must be a mapping/);
  });

  test("breaks our own rules in our own words", () => {
    expect(wrong(Image, { context: ".", copies: 0 })).toBe("[INPUT] input images: copies must be at least 1 (saw 0)");
    expect(wrong(Image, { context: ".", copies: 1.5 })).toBe(
      "[INPUT] input images: copies must be a whole number (saw 1.5)",
    );
  });

  test("that fits is returned", () => {
    expect(decodeConfig(Images, { a: "x", b: { context: "." } }, { input: "images" })).toEqual({
      a: "x",
      b: { context: "." },
    });
  });
});
