import { describe, expect, test } from "vitest";
import type { SourceModel, SourceRun } from "../../../../../actions/shared/clients/mlflow/source-run.ts";
import { trackedFacts } from "../../../../../actions/shared/clients/mlflow/tracked-facts.ts";

const DIGEST = `sha256:${"c".repeat(64)}`;
const SHORT = "c".repeat(36);

function run(
  parts: Partial<SourceRun["data"]> = {},
  inputs: NonNullable<SourceRun["inputs"]>["dataset_inputs"] = [],
): SourceRun {
  return {
    info: { run_id: "r", experiment_id: "1", status: "FINISHED", artifact_uri: "" },
    data: { metrics: [], params: [], tags: [], ...parts },
    inputs: { dataset_inputs: inputs },
  };
}

function model(parts: Partial<SourceModel["data"]> = {}): SourceModel {
  return {
    info: { model_id: "m-1", experiment_id: "1", name: "digits", artifact_uri: "", source_run_id: "r" },
    data: { metrics: [], params: [], ...parts },
  };
}

const points = {
  tags: [{ key: "ml-release.digest", value: DIGEST }],
  dataset: { name: "test", digest: SHORT, source: "{}", profile: "" },
};

describe("what MLflow knows of a training", () => {
  test("nothing is nothing, not an empty list", () => {
    expect(trackedFacts(run(), model())).toEqual({});
    expect(trackedFacts(undefined, undefined)).toEqual({});
  });

  test("parameters are those of the run, and the model's where it says otherwise", () => {
    const params = [
      { key: "C", value: "1" },
      { key: "seed", value: "7" },
    ];
    expect(trackedFacts(run({ params }), model({ params: [{ key: "C", value: "2" }] })).parameters).toEqual({
      C: "2",
      seed: "7",
    });
  });

  test("a model's metric is bound to its data by the whole digest, where that is known", () => {
    const metrics = [{ key: "accuracy", value: 0.9, dataset_name: "test", dataset_digest: SHORT }];
    expect(trackedFacts(run({}, [points]), model({ metrics })).metrics).toEqual([
      { name: "accuracy", value: 0.9, dataset: { role: "test", digest: DIGEST } },
    ]);
    expect(trackedFacts(run(), model({ metrics })).metrics).toEqual([{ name: "accuracy", value: 0.9 }]);
  });

  test("one metric on two data sets is told apart by them", () => {
    const metrics = [
      { key: "accuracy", value: 0.99, dataset_name: "train", dataset_digest: "a" },
      { key: "accuracy", value: 0.9, dataset_name: "test", dataset_digest: "b" },
    ];
    expect(trackedFacts(run({ metrics: [{ key: "accuracy", value: 0.9 }] }), model({ metrics })).metrics).toEqual([
      { name: "accuracy", value: 0.99, task: "train" },
      { name: "accuracy", value: 0.9, task: "test" },
    ]);
  });

  test("NaN stays NaN, which the server tells as 0 of a model; a real 0 stays 0", () => {
    const zero = [
      { key: "loss", value: 0 },
      { key: "errors", value: 0 },
    ];
    const metrics = [
      { key: "loss", value: "NaN" as const },
      { key: "errors", value: 0 },
    ];
    expect(trackedFacts(run({ metrics }), model({ metrics: zero })).metrics).toEqual([
      { name: "errors", value: 0 },
      { name: "loss", value: "NaN" },
    ]);
  });

  test("the largest number is what it keeps of an infinity", () => {
    const metrics = [
      { key: "a", value: 1.7976931348623157e308 },
      { key: "b", value: -1.7976931348623157e308 },
    ];
    expect(trackedFacts(run({ metrics }), undefined).metrics?.map(({ value }) => value)).toEqual([
      "Infinity",
      "-Infinity",
    ]);
  });

  test.each([
    ['{"uri":"s3://b/test"}', "s3://b/test"],
    ['{"url":"https://a/test.csv"}', "https://a/test.csv"],
    ['{"tags":{}}', "test"],
    ["no JSON", "test"],
  ])("data whose source is %s", (source, uri) => {
    const dataset = { name: "test", digest: "a6a58fc6", source, profile: '{"num_rows": 333}' };
    const tags = [{ key: "mlflow.data.context", value: "testing" }];
    expect(trackedFacts(run({}, [{ tags, dataset }]), undefined).data).toEqual([
      { role: "testing", uri, version: "a6a58fc6", rows: 333 },
    ]);
  });
});
