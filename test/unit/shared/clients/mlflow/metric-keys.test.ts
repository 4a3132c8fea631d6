import { describe, expect, test } from "vitest";
import { metricKeys } from "../../../../../actions/shared/clients/mlflow/metric-keys.ts";
import type { Metric } from "../../../../../actions/shared/domain/metric.ts";

const keysOf = (...metrics: readonly Metric[]) => metricKeys(metrics).map(({ key }) => key);

describe("the key of a metric in MLflow", () => {
  test.each<[string, readonly Metric[], readonly string[]]>([
    ["is its name", [{ name: "accuracy", value: 1, task: "evaluate" }], ["accuracy"]],
    [
      "has the task before it where two tasks measured it",
      [
        { name: "accuracy", value: 1, task: "train" },
        { name: "accuracy", value: 1, task: "evaluate" },
      ],
      ["train.accuracy", "evaluate.accuracy"],
    ],
    [
      "is a path for a slice, whatever the order of its keys",
      [
        { name: "recall", slice: { class: "3", age: "old" }, value: 1 },
        { name: "recall", value: 1 },
      ],
      ["recall/age/old/class/3", "recall"],
    ],
    [
      "has no character that MLflow refuses, and stays its own",
      [
        { name: "recall", slice: { class: "é" }, value: 1 },
        { name: "recall", slice: { class: "ü" }, value: 1 },
      ],
      ["recall/class/_", "recall/class/__2"],
    ],
    [
      "does not lead out of its folder",
      [
        { name: "recall", slice: { path: ".." }, value: 1 },
        { name: "recall", slice: { path: "a/../b" }, value: 1 },
      ],
      ["recall/path/_..", "recall/path/a_.._b"],
    ],
  ])("%s", (_, metrics, keys) => {
    expect(keysOf(...metrics)).toEqual(keys);
  });
});
