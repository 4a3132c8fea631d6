import { expect, test } from "vitest";
import { logTail } from "../../../../../actions/shared/domain/run/log-tail.ts";

test.for<[name: string, text: string, tail: string]>([
  ["nothing", "", ""],
  ["a short log, without the empty lines at its end", "a\n\nb\n\n", "a\n\nb"],
  [
    "many lines",
    Array.from({ length: 100 }, (_, i) => `${i}\n`).join(""),
    Array.from({ length: 60 }, (_, i) => i + 40).join("\n"),
  ],
  ["one line without end", `${"x".repeat(1_000_000)}y\n`, `${"x".repeat(65_534)}y`],
])("the end of %s is short", ([, text, tail]) => {
  expect(logTail(text)).toBe(tail);
});
