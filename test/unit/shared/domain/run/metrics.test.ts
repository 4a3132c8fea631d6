import { expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { curvesOf } from "../../../../../actions/shared/domain/run/curves.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";
import { iterationOf, type RunTask } from "../../../../../actions/shared/domain/run/task.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

type Metadata = Readonly<Record<string, Json>>;

function task(outputs: Readonly<Record<string, Metadata>>, more: Partial<RunTask> = {}): RunTask {
  const artifacts = Object.entries(outputs).map(([name, metadata]) => {
    const type = name.startsWith("roc") || name === "confusion" ? "system.ClassificationMetrics" : "system.Metrics";
    return [name, [{ type, uri: `/x/${name}`, metadata }]] as const;
  });
  return {
    task: "evaluate",
    path: "evaluate",
    state: "succeeded",
    cached: false,
    inputs: { parameters: {}, artifacts: {} },
    outputs: { parameters: {}, artifacts: Object.fromEntries(artifacts) },
    ...more,
  };
}

const datasets = (...names: readonly string[]): RunTask["inputs"] => ({
  parameters: {},
  artifacts: Object.fromEntries(
    names.map((name, i) => [name, [{ type: "system.Dataset", uri: name, metadata: {}, digest: digest(String(i)) }]]),
  ),
});

test("numbers are metrics, true is 1, words for NaN stay, everything else is left out", () => {
  const { metrics } = metricsOf([task({ m: { b: true, a: 0.5, c: "NaN", d: "text", e: [1], display_name: 3 } })], []);
  expect(metrics).toEqual([
    { name: "a", value: 0.5, task: "evaluate" },
    { name: "b", value: 1, task: "evaluate" },
    { name: "c", value: "NaN", task: "evaluate" },
  ]);
});

test("counts stand beside what they count; a count of nothing is a metric", () => {
  const values = {
    accuracy: 0.9,
    n: 30,
    "recall[class=10]": 1,
    "recall[class=2]": 0.5,
    "n[class=2]": 7,
    "n[class=9]": 4,
  };
  expect(metricsOf([task({ m: values })], []).metrics).toEqual([
    { name: "accuracy", value: 0.9, n: 30, task: "evaluate" },
    { name: "n", slice: { class: "9" }, value: 4, task: "evaluate" },
    { name: "recall", slice: { class: "2" }, value: 0.5, n: 7, task: "evaluate" },
    { name: "recall", slice: { class: "10" }, value: 1, task: "evaluate" },
  ]);
});

test("a key that is no metric name stays as it was logged", () => {
  expect(metricsOf([task({ m: { "top 5 accuracy": 1 } })], []).metrics).toEqual([
    { name: "top 5 accuracy", value: 1, task: "evaluate" },
  ]);
});

test("executions of a loop differ in the slice `iteration`; a task that failed has no metrics", () => {
  const tasks = [
    task({ m: { loss: 1 } }, { iteration: "0" }),
    task({ m: { loss: 2 } }, { iteration: "1" }),
    task({ m: { loss: 3 } }, { state: "failed" }),
  ];
  expect(metricsOf(tasks, []).metrics.map(({ slice, value }) => [slice, value])).toEqual([
    [{ iteration: "0" }, 1],
    [{ iteration: "1" }, 2],
  ]);
});

const run = { role: "test", digest: digest("f") };

test.each([
  { to: "the only data set", inputs: datasets("valid"), roles: [], dataset: { role: "valid", digest: digest("0") } },
  {
    to: "the one to judge by",
    inputs: datasets("train", "test"),
    roles: [],
    dataset: { role: "test", digest: digest("1") },
  },
  { to: "none of two that train", inputs: datasets("a", "b"), roles: [], dataset: undefined },
  { to: "the run's data of that role", inputs: datasets("train", "test"), roles: ["test"], dataset: run },
  { to: "the run's test data where the task has none", inputs: datasets(), roles: ["test"], dataset: run },
  { to: "not the run's training data", inputs: datasets(), roles: ["train"], dataset: undefined },
])("metrics are bound to $to", ({ inputs, roles, dataset }) => {
  const data = roles.map((role) => ({ role, uri: "x", digest: digest("f") }));
  expect(metricsOf([task({ m: { a: 1 } }, { inputs })], data).metrics[0]?.dataset).toEqual(dataset);
});

const point = (confidenceThreshold: number | string, falsePositiveRate: number, recall: number) => ({
  confidenceThreshold,
  falsePositiveRate,
  recall,
});

test("the area under a ROC curve is a metric; of several curves each by the name of its output", () => {
  const good = { confidenceMetrics: [point("Infinity", 0, 0), point(0.5, 0, 0.5), point(0, 1, 1)] };
  const chance = { confidenceMetrics: [point(1, 0, 0), point(0, 1, 1)] };
  expect(metricsOf([task({ roc: good })], []).metrics).toMatchObject([{ name: "auc", value: 0.75 }]);
  expect(metricsOf([task({ roc_a: good, roc_b: chance })], []).metrics).toMatchObject([
    { name: "roc_a_auc", value: 0.75 },
    { name: "roc_b_auc", value: 0.5 },
  ]);
  // what the author logged counts
  expect(metricsOf([task({ roc: good, m: { auc: 0.7 } })], []).metrics).toMatchObject([{ name: "auc", value: 0.7 }]);
});

test("curves are read in the forms of the local engine and of ML Metadata", () => {
  const matrix = {
    annotationSpecs: [{ displayName: "a" }, { displayName: "b" }],
    rows: [{ row: [3, 1] }, { row: [0, 2] }],
  };
  const plain = { confusionMatrix: matrix, confidenceMetrics: [point(0.5, 0.1, 0.8)] };
  const wrapped = {
    confusionMatrix: { struct: matrix },
    confidenceMetrics: { list: [{ confidenceThreshold: 0.5, falsePositiveRate: 0.1, recall: 0.8 }] },
  };
  const expected = [
    {
      kind: "confusion-matrix",
      task: "evaluate",
      output: "c",
      labels: ["a", "b"],
      rows: [
        [3, 1],
        [0, 2],
      ],
    },
    { kind: "roc", task: "evaluate", output: "c", points: [{ threshold: 0.5, falsePositiveRate: 0.1, recall: 0.8 }] },
  ];
  expect(curvesOf({ task: task({}), output: "c", metadata: plain })).toEqual(expected);
  expect(curvesOf({ task: task({}), output: "c", metadata: wrapped })).toEqual(expected);
  expect(curvesOf({ task: task({}), output: "c", metadata: { confusionMatrix: "none" } })).toEqual([]);
});

test.each([
  ["train", undefined],
  ["for-loop-8-iteration-2/train", "2"],
  ["a/for-loop-8-iteration-2/for-loop-10-iteration-13/train", "2.13"],
  ["train-iteration-3", undefined],
])("%s is iteration %s", (path, iteration) => {
  expect(iterationOf(path)).toBe(iteration);
});
