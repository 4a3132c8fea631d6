import { describe, expect, test } from "vitest";
import { findSource } from "../../../../actions/register-model/prepare/find-source.ts";
import type { Release } from "../../../../actions/shared/domain/release.ts";

describe("the model is taken", () => {
  const nothing: Release = {
    schema: 1,
    id: "v1",
    source: {
      repository: "acme/digits",
      commit: "a".repeat(40),
      ref: "refs/heads/main",
      event: "push",
      actor: "octocat",
    },
  };
  const run = (parts: object): Release => ({
    ...nothing,
    run: {
      id: "r",
      attempt: 1,
      state: "succeeded",
      parameters: {},
      gpus: [],
      model: { task: "t", output: "m", uri: "file:///runs/a%20b/model" },
      ...parts,
    },
  });

  test.for<[string, string | undefined, Release, object]>([
    ["from the input", "/w/model", run({}), { value: { source: "files", place: "/w/model" } }],
    ["from the run", undefined, run({}), { value: { source: "run", place: "/runs/a b/model" } }],
    ["from nowhere before there is a run", undefined, nothing, { value: { source: "none" } }],
    ["from nowhere where the run has no model", undefined, run({ model: undefined }), { value: { source: "none" } }],
    [
      "not from an address that cannot be read",
      undefined,
      run({ model: { task: "t", output: "m", uri: "file:///runs/100%/model" } }),
      { state: "bad" },
    ],
    ["not from a run that failed", undefined, run({ state: "failed" }), { state: "bad" }],
    [
      "from the bucket where the engine left it",
      undefined,
      run({ model: { task: "t", output: "m", uri: "minio://mlpipeline/v2/m" } }),
      { value: { source: "run", place: "minio://mlpipeline/v2/m" } },
    ],
    ["from a bucket", "s3://b/m?region=eu-1", run({}), { value: { source: "files", place: "s3://b/m?region=eu-1" } }],
    ["from a run of MLflow", "runs:/1cd3/model", run({}), { value: { source: "files", place: "runs:/1cd3/model" } }],
    [
      "from MLflow's registry",
      "models:/digits@best",
      run({}),
      { value: { source: "files", place: "models:/digits@best" } },
    ],
    ["from a local file by its address", "file:///w/a%20b", run({}), { value: { source: "files", place: "/w/a b" } }],
    ["not from a server of another kind", "https://h/m", run({}), { state: "bad" }],
    [
      "not from another machine",
      undefined,
      run({ model: { task: "t", output: "m", uri: "hdfs://b/m" } }),
      { state: "bad" },
    ],
  ])("%s", ([, model, record, expected]) => {
    expect(findSource(model, record)).toMatchObject(expected);
  });
});
