import { describe, expect, test } from "vitest";
import { bestTrialOf, experimentSentence, metricNumber } from "../../../../../actions/shared/domain/manifest/katib.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";

const experiment = (spec: object, status: object): KubeObject => ({ kind: "Experiment", spec, status }) as KubeObject;
const observed = (...metrics: readonly object[]) => ({
  currentOptimalTrial: {
    bestTrialName: "tune-x",
    parameterAssignments: [
      { name: "lr", value: "0.012" },
      { name: "layers", value: "3" },
      { name: "optimizer", value: "adam" },
      { name: "batch", value: "64" },
      { name: "code", value: "007" },
    ],
    observation: { metrics },
  },
});
const parameters = [
  { name: "lr", parameterType: "double" },
  { name: "layers", parameterType: "int" },
  { name: "optimizer", parameterType: "categorical" },
  { name: "batch", parameterType: "discrete" },
  { name: "code", parameterType: "categorical" },
];
const loss = { name: "loss", min: "0.1", max: "0.9", latest: "0.3" };

test("parameters of the best trial have the types that the experiment declares", () => {
  expect(bestTrialOf(experiment({ parameters }, observed(loss)))?.parameters).toEqual({
    lr: 0.012,
    layers: 3,
    optimizer: "adam",
    batch: 64,
    code: "007",
  });
});

test.each([
  ["minimize", undefined, 0.1],
  ["maximize", undefined, 0.9],
  ["minimize", "latest", 0.3],
  ["maximize", "min", 0.1],
])("of a metric to %s with the strategy %s the value is %d", (type, strategy, value) => {
  const metricStrategies = strategy === undefined ? [] : [{ name: "loss", value: strategy }];
  const spec = { objective: { type, objectiveMetricName: "loss", metricStrategies } };
  expect(bestTrialOf(experiment(spec, observed(loss)))?.metrics).toEqual({ loss: value });
});

test.each([
  ["0.25", 0.25],
  [" 1e-3 ", 0.001],
  ["nan", "NaN"],
  ["inf", "Infinity"],
  ["-Inf", "-Infinity"],
  ["unavailable", undefined],
  ["", undefined],
])("the metric %j is %j", (text, value) => {
  expect(metricNumber(text)).toBe(value);
});

test("a metric that was not measured is left out, and no trial is no best one", () => {
  const objective = { type: "minimize", objectiveMetricName: "loss" };
  const unavailable = { name: "loss", min: "unavailable", max: "unavailable", latest: "unavailable" };
  expect(bestTrialOf(experiment({ objective }, observed(unavailable)))?.metrics).toEqual({});
  expect(bestTrialOf(experiment({}, {}))).toBeUndefined();
  expect(bestTrialOf(experiment({}, { currentOptimalTrial: { bestTrialName: "" } }))).toBeUndefined();
});

describe("the sentence of an experiment that ended", () => {
  const spec = { objective: { type: "minimize", goal: 0.2, objectiveMetricName: "loss" }, maxFailedTrialCount: 3 };
  const ended = experiment(spec, { trials: 12, trialsFailed: 4, ...observed(loss) });
  const sentence = (reason: string, message = "") =>
    experimentSentence(ended, { type: "Succeeded", status: "True", reason, message });

  test.each([
    ["ExperimentGoalReached", "the goal was reached: loss is 0.1 in trial tune-x, the goal is 0.2"],
    [
      "ExperimentMaxTrialsReached",
      "all trials were used up without reaching a goal: best of 12 trials: loss is 0.1 in trial tune-x, the goal is 0.2",
    ],
    [
      "ExperimentSuggestionEndReached",
      "the search space was used up without reaching a goal: best of 12 trials: loss is 0.1 in trial tune-x, the goal is 0.2",
    ],
    ["ExperimentFailed", "too many trials failed: 4 failed, 3 may"],
  ])("with %s is another one", (reason, expected) => {
    expect(sentence(reason)).toBe(expected);
  });

  test("with a reason of a later version is that reason", () => {
    expect(sentence("ExperimentBored", "it had enough")).toBe("ExperimentBored: it had enough");
  });
});
