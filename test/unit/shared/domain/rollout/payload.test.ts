import { describe, expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { differenceOf, isInferAnswer, parsePayloads } from "../../../../../actions/shared/domain/rollout/payload.ts";

describe("payloads", () => {
  test("are lines of JSON, blank ones aside", () => {
    const text = '{"request":{"a":1},"expect":2,"tolerance":0.5}\n\n{"request":[]}\n';
    expect(parsePayloads(text, "p.jsonl")).toEqual({
      state: "ok",
      value: [
        { request: { a: 1 }, expect: 2, tolerance: 0.5 },
        { request: [], tolerance: 0 },
      ],
    });
  });

  test("that are none are all told, with their lines", () => {
    const parsed = parsePayloads(
      '{"request":1}\nno json\n{"expect":1}\n{"request":1,"expected":2}\n{"request":1,"tolerance":-1}',
      "p.jsonl",
    );
    expect(parsed).toMatchObject({
      state: "bad",
      problems: [2, 3, 4, 5].map((line) => ({ where: { file: "p.jsonl", line } })),
    });
  });

  test("are missing in an empty file", () => {
    expect(parsePayloads("\n", "p.jsonl")).toMatchObject({ state: "bad", problems: [{ rule: "has no payload" }] });
  });
});

describe("an answer differs", () => {
  const answer = {
    model_name: "digits",
    outputs: [
      { name: "probabilities", shape: [1, 2], data: [0.1, 0.9] },
      { name: "label", shape: [1], data: [7] },
    ],
  };
  type Row = readonly [string, Json, number, string | undefined];
  test.each<Row>([
    ["not: members that are not expected are free", { outputs: [{ name: "label", data: [7] }] }, 0, undefined],
    ["not: tensors are found by name", { outputs: [{ name: "probabilities", data: [0.1, 0.9] }] }, 0, undefined],
    ["in a value", { outputs: [{ name: "label", data: [8] }] }, 0, "outputs[label].data[0]"],
    ["not: within the tolerance", { outputs: [{ name: "probabilities", data: [0.15, 0.85] }] }, 0.06, undefined],
    [
      "over the tolerance",
      { outputs: [{ name: "probabilities", data: [0.2, 0.8] }] },
      0.06,
      "outputs[probabilities].data[0]",
    ],
    ["in its length", { outputs: [{ name: "label", data: [7, 7] }] }, 0, "outputs[label].data"],
    ["in its type", { outputs: [{ name: "label", data: ["7"] }] }, 0, "outputs[label].data[0]"],
    ["in a tensor that is missing", { outputs: [{ name: "scores", data: [] }] }, 0, "outputs[scores]"],
    ["in a member that is missing", { id: "1" }, 0, "id"],
    ["as a whole", [1], 0, "answer"],
  ])("%s", (_, ...[expected, tolerance, path]) => {
    expect(differenceOf(expected, answer, tolerance)?.path).toBe(path);
  });

  test("with what was expected and what came", () => {
    expect(differenceOf({ a: [1, { b: null }] }, { a: [1, { b: 2 }] }, 0)).toEqual({
      path: "a[1].b",
      expected: "null",
      saw: "2",
    });
  });
});

test.each([
  [{ outputs: [{ name: "x", shape: [1], data: [1] }] }, true],
  [{ outputs: [] }, false],
  [{ outputs: [{ name: "x", data: [1] }] }, false],
  [{ error: "no" }, false],
  [undefined, false],
])("the protocol's shape: %j is %s", (value, expected) => {
  expect(isInferAnswer(value)).toBe(expected);
});
