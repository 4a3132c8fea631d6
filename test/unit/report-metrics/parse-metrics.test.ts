import { describe, expect, it } from "vitest";
import { parseMetrics } from "../../../actions/report-metrics/parse-metrics.ts";
import { formatProblem } from "../../../actions/shared/domain/problem.ts";

const placeOf = (path: readonly (string | number)[]) => ({ file: ["metrics.json", ...path].join("#") });
const DIGEST = `sha256:${"1".repeat(64)}` as const;

function metrics(document: unknown) {
  const parsed = parseMetrics(document, placeOf);
  if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value.metrics;
}

function problems(document: unknown): readonly string[] {
  const parsed = parseMetrics(document, placeOf);
  return parsed.state === "bad" ? parsed.problems.map(formatProblem) : [];
}

describe("metrics as JSON", () => {
  it("are numbers by name, with slices and the counts beside them", () => {
    expect(
      metrics({ accuracy: 0.96, n: 333, "recall[class=3]": 0.9, "n[class=3]": 33, "train.loss": 0.1, auc: "NaN" }),
    ).toEqual([
      { name: "accuracy", value: 0.96, n: 333 },
      { name: "recall", slice: { class: "3" }, value: 0.9, n: 33 },
      { task: "train", name: "loss", value: 0.1 },
      { name: "auc", value: "NaN", n: 333 },
    ]);
  });

  it("are a list in the normal form", () => {
    const list = [{ name: "accuracy", value: 0.96, task: "evaluate", dataset: { role: "test", digest: DIGEST } }];
    expect(metrics(list)).toEqual(list);
  });

  it("lie in a record, with its data and its name", () => {
    const record = {
      id: "pr-7-base",
      metrics: [{ name: "accuracy", value: 0.9 }],
      data: [{ role: "test", uri: "x", digest: DIGEST, rows: 333 }],
    };
    expect(parseMetrics(record, placeOf)).toEqual({
      state: "ok",
      value: { version: "pr-7-base", metrics: record.metrics, data: [{ role: "test", digest: DIGEST, rows: 333 }] },
    });
    expect(parseMetrics({ version: "1.0.0", digest: DIGEST, metrics: { f1: 1 } }, placeOf)).toEqual({
      state: "ok",
      value: { version: "1.0.0", digest: DIGEST, metrics: [{ name: "f1", value: 1 }], data: [] },
    });
  });

  it("may have names that no rule can ask for", () => {
    expect(metrics({ "val/loss": 1, "::error::x": 2, __proto__x: 3 }).map(({ name }) => name)).toEqual([
      "val/loss",
      "::error::x",
      "__proto__x",
    ]);
  });

  it.each([
    [{ accuracy: "0.96" }, ['metrics.json#accuracy: a metric is a number (saw accuracy: "0.96")']],
    [
      { accuracy: null, f1: [1] },
      [
        "metrics.json#accuracy: a metric is a number (saw accuracy: null)",
        "metrics.json#f1: a metric is a number (saw f1: [1])",
      ],
    ],
    [
      [{ name: "accuracy" }],
      ["metrics.json#0: a metric has a name and a number as value: value does not fit (saw undefined)"],
    ],
    [{ metrics: 3 }, ["metrics.json#metrics: metrics are an object of numbers by name, or a list of metrics (saw 3)"]],
    [undefined, ["metrics.json: metrics are an object of numbers by name, or a list of metrics (saw nothing)"]],
  ])("%j is none", (document, expected) => {
    expect(problems(document)).toEqual(expected);
  });
});
