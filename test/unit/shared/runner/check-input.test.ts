import { describe, expect, test } from "vitest";
import { checkInput, splitList } from "../../../../actions/shared/runner/check-input.ts";
import type { PlainKind } from "../../../../actions/shared/runner/inputs.ts";

type Row = readonly [kind: PlainKind, text: string, value: unknown];

test.for<Row>([
  [{ kind: "string" }, "any: text", "any: text"],
  [{ kind: "string", pattern: /^[a-z]+$/ }, "abc", "abc"],
  [{ kind: "boolean" }, "true", true],
  [{ kind: "boolean" }, "FALSE", false],
  [{ kind: "boolean" }, "True", true],
  [{ kind: "integer" }, "-3", -3],
  [{ kind: "integer", min: 0, max: 9 }, "9", 9],
  [{ kind: "number" }, "1e-3", 0.001],
  [{ kind: "number", min: 1 }, "1.0", 1],
  [{ kind: "duration" }, "1h30m", 5_400_000],
  [{ kind: "duration", minMs: 1_000 }, "1s", 1_000],
  [{ kind: "size" }, "64MiB", 67_108_864],
  [{ kind: "fraction" }, "5%", 0.05],
  [{ kind: "fraction" }, "1", 1],
  [{ kind: "enum", values: ["a", "b"] }, "b", "b"],
  [{ kind: "list" }, "a, b\nc", ["a", "b", "c"]],
])("%j reads %j", ([kind, text, value]) => {
  expect(checkInput("x", kind, text)).toEqual({ state: "ok", value });
});

type BadRow = readonly [
  kind: PlainKind,
  text: string,
  problem: { readonly rule: string; readonly allowed?: string; readonly hint?: string },
];

test.for<BadRow>([
  [{ kind: "string", pattern: /^[a-z]+$/, example: "abc" }, "A", { rule: "is malformed", allowed: "such as abc" }],
  [{ kind: "string", maxLength: 3 }, "abcd", { rule: "is too long", allowed: "3 at most" }],
  [{ kind: "boolean" }, "yes", { rule: "must be a boolean", allowed: "true, false" }],
  [{ kind: "boolean" }, "tRue", { rule: "must be a boolean", allowed: "true, false" }],
  [{ kind: "integer" }, "1.5", { rule: "must be a whole number" }],
  [{ kind: "integer" }, "0x10", { rule: "must be a whole number" }],
  [{ kind: "integer" }, "9007199254740993", { rule: "must be a whole number" }],
  [{ kind: "integer", min: 1, max: 5 }, "0", { rule: "is out of range", allowed: "at least 1, at most 5" }],
  [{ kind: "number" }, "NaN", { rule: "must be a number" }],
  [{ kind: "number" }, "1e999", { rule: "must be a number" }],
  [{ kind: "number" }, "1,5", { rule: "must be a number" }],
  [{ kind: "duration" }, "10", { rule: "must be a duration such as 90s, 15m, 6h" }],
  [{ kind: "duration" }, "-5s", { rule: "must be a duration such as 90s, 15m, 6h" }],
  [{ kind: "duration", maxMs: 60_000 }, "2m", { rule: "is out of range", allowed: "at most 1m" }],
  [{ kind: "size" }, "64 MiB", { rule: "must be a size such as 64MiB, 1.5GB" }],
  [{ kind: "size", maxBytes: 1_024 }, "1MB", { rule: "is out of range", allowed: "at most 1 KiB" }],
  [{ kind: "fraction" }, "101%", { rule: "is out of range", allowed: "at least 0, at most 1" }],
  [{ kind: "fraction" }, "five", { rule: "must be a fraction such as 5% or 0.05", allowed: "at least 0, at most 1" }],
  [
    { kind: "enum", values: ["canary", "rolling"] },
    "canari",
    { rule: "is not one of its values", allowed: "canary, rolling", hint: "did you mean canary?" },
  ],
  [
    { kind: "enum", values: ["canary", "rolling"] },
    "zzzzzz",
    { rule: "is not one of its values", allowed: "canary, rolling" },
  ],
  [
    { kind: "enum", values: ["canary", "rolling"], instead: { mirror: "set duel" } },
    "mirror",
    { rule: "is not one of its values", allowed: "canary, rolling", hint: "set duel" },
  ],
  [{ kind: "list", pattern: /^[a-z]$/, example: "a" }, "a, BB", { rule: "has a malformed item", allowed: "such as a" }],
])("%j refuses %j", ([kind, text, problem]) => {
  const checked = checkInput("x", kind, text);
  expect(checked).toEqual({ state: "bad", problems: [{ where: { input: "x" }, saw: expect.any(String), ...problem }] });
});

describe("a list", () => {
  test.for([
    ["a,b", ["a", "b"]],
    ["a\r\nb\n", ["a", "b"]],
    ["recall[class=1,fold=2] >= 0.8, b", ["recall[class=1,fold=2] >= 0.8", "b"]],
    ["gap(recall[class=*], x), (a, {b, c})", ["gap(recall[class=*], x)", "(a, {b, c})"]],
    ["# comment\na # why\nb#c", ["a", "b#c"]],
    ["a,,b,", ["a", "b"]],
    ["a], b", ["a]", "b"]],
    ["", []],
  ] as const)("%j has the items %j", ([text, items]) => {
    expect(splitList(text)).toEqual(items);
  });
});

test("a long wrong value is cut in the message", () => {
  const checked = checkInput("x", { kind: "boolean" }, "y".repeat(10_000));
  expect(JSON.stringify(checked).length).toBeLessThan(300);
});
