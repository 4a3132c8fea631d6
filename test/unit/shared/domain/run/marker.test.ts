import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { markedMetrics, withMarked } from "../../../../../actions/shared/domain/run/marker.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";
import type { RunTask } from "../../../../../actions/shared/domain/run/task.ts";

test.each([
  ["alone", 'ml-release-metrics {"accuracy": 0.96}', { accuracy: 0.96 }],
  ["among others", 'epoch 1\nml-release-metrics {"a": 1}\r\ndone\n', { a: 1 }],
  ["behind what a logger puts before it", '2026-11-21T09:00:00Z INFO ml-release-metrics {"a": 1}', { a: 1 }],
  ["with a tab", '\tml-release-metrics\t{"a": 1}', { a: 1 }],
  [
    "several, of which the later win",
    'ml-release-metrics {"a": 1, "b": 2}\nml-release-metrics {"a": 3}',
    { a: 3, b: 2 },
  ],
  [
    "with true, and what JSON has no numbers for",
    'ml-release-metrics {"ok": true, "loss": "NaN"}',
    { ok: true, loss: "NaN" },
  ],
  ["with the name of a prototype", 'ml-release-metrics {"__proto__": 1}', {}],
  ["none", "accuracy: 0.96", {}],
  ["a word of which it is a part", 'xml-release-metrics {"a": 1}\nml-release-metricsx {"a": 1}', {}],
  ["a sentence about it", "printing ml-release-metrics now", {}],
])("a marker line %s", (_, log, metrics) => expect(markedMetrics(log)).toEqual({ metrics, faults: [] }));

describe("what looks like a marker line and is none is told", () => {
  test.each([
    ["cut", 'ml-release-metrics {"a": 1', "a marker line is no JSON object"],
    ["a text", 'ml-release-metrics {"a": "high"}', "a marker line has no number as a"],
    ["nested", 'ml-release-metrics {"a": {"b": 1}}', "a marker line has no number as a"],
    ["an infinity", 'ml-release-metrics {"a": 1e999}', "a marker line has no number as a"],
    ["a name without end", `ml-release-metrics {"${"a".repeat(201)}": 1}`, "a marker line has no number as a"],
  ])("%s", (_, line, fault) => {
    const marked = markedMetrics(`${line}\nml-release-metrics {"b": 2}`);
    expect(marked.metrics).toEqual({ b: 2 });
    expect(marked.faults[0]).toContain(fault);
  });

  test("a line without end is not taken, nor shown", () => {
    const { metrics, faults } = markedMetrics(`ml-release-metrics {"a": ${"1".repeat(70_000)}}`);
    expect([metrics, faults]).toEqual([{}, ["a marker line has 70007 characters, 65536 are allowed"]]);
  });

  test("more names than anybody has", () => {
    const lines = Array.from({ length: 1_001 }, (_, i) => `ml-release-metrics {"m${i}": ${i}}`).join("\n");
    expect(markedMetrics(lines)).toEqual({ metrics: {}, faults: ["more than 1000 metric names: none was taken"] });
  });

  test("of broken lines in thousands a few are shown, and what comes after them is not read", () => {
    const { metrics, faults } = markedMetrics(`${"ml-release-metrics {\n".repeat(300_000)}ml-release-metrics {"a": 1}`);
    expect(metrics).toEqual({});
    expect(faults.slice(2)).toEqual([
      "a marker line is no JSON object: {",
      "1000 broken marker lines: what comes after them was not read",
    ]);
  });
});

test.each([
  ["markers that mark nothing", "ml-release-metrics "],
  ["markers on one line", "ml-release-metrics {"],
])("a log of megabytes of %s is read to its end", (_, piece) =>
  expect(markedMetrics(`${piece.repeat(300_000)}\nml-release-metrics {"a": 1}`).metrics).toEqual({ a: 1 }),
);

test("whatever a log holds, nothing is thrown, and every metric is a number or its word", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constant("ml-release-metrics "),
    fc.json(),
    fc.constant("\n"),
    fc.constant("{"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { metrics } = markedMetrics(pieces.join(""));
      for (const value of Object.values(metrics)) expect(["number", "boolean", "string"]).toContain(typeof value);
    }),
  );
});

test("what a task marked is one more output, and stands for what others say by that name", () => {
  const task: RunTask = {
    task: "judge",
    path: "judge",
    state: "succeeded",
    cached: false,
    inputs: { parameters: {}, artifacts: {} },
    outputs: {
      parameters: {},
      artifacts: { metrics: [{ type: "system.Metrics", uri: "", metadata: { accuracy: 0.5, loss: 1 } }] },
    },
  };
  const marked = withMarked(task, { accuracy: 0.9, n: 10 }, "the log");
  expect(metricsOf([marked], []).metrics).toEqual([
    { name: "accuracy", value: 0.9, n: 10, task: "judge" },
    { name: "loss", value: 1, task: "judge" },
  ]);
  expect(withMarked(task, {}, "")).toBe(task);
});
