import { describe, expect, it } from "vitest";
import { subjectOf } from "../../../actions/report-metrics/subject.ts";
import type { Release } from "../../../actions/shared/domain/release.ts";

const RELEASE: Release = {
  schema: 1,
  id: "v1.1.0",
  source: {
    repository: "acme/Digits_Model",
    commit: "a".repeat(40),
    ref: "refs/tags/v1.1.0",
    tag: "v1.1.0",
    event: "push",
    actor: "octocat",
  },
};
const PIPELINE = {
  engine: "local",
  name: "digits",
  version: "v1.1.0",
  packageDigest: `sha256:${"5".repeat(64)}`,
} as const;
const RUN = {
  id: "0a1b2c3d-0000-5000-8000-000000000001",
  attempt: 1,
  state: "succeeded",
  parameters: {},
  gpus: [],
} as const;
const MODEL = { task: "export", output: "model", uri: "file:///m" } as const;

describe("the name of the model", () => {
  it.each([
    ["as it is given", { ...RELEASE, pipeline: PIPELINE }, "letters", "letters"],
    ["as it is given, without a version", RELEASE, "letters@1.0.0", "letters"],
    ["the pipeline's", { ...RELEASE, pipeline: PIPELINE }, undefined, "digits"],
    [
      "the repository's, where a pipeline's is none for a model",
      { ...RELEASE, pipeline: { ...PIPELINE, name: "Digits pipeline" } },
      undefined,
      "digits-model",
    ],
    ["the repository's", RELEASE, undefined, "digits-model"],
  ] as const)("is %s", (...[, release, name, expected]) => {
    expect(subjectOf(release, name).name).toBe(expected);
  });
});

describe("what the verdict is bound to", () => {
  it.each([
    ["nothing, without a run", RELEASE, {}],
    ["the run", { ...RELEASE, run: RUN }, { runId: RUN.id }],
    [
      "the run and the artifact",
      { ...RELEASE, run: { ...RUN, model: MODEL } },
      { runId: RUN.id, artifact: "export.model" },
    ],
    [
      "the run, the artifact and its digest",
      { ...RELEASE, run: { ...RUN, model: { ...MODEL, digest: PIPELINE.packageDigest } } },
      { runId: RUN.id, artifact: "export.model", digest: PIPELINE.packageDigest },
    ],
  ] as const)("is %s", (...[, release, expected]) => {
    expect(subjectOf(release, undefined).bound).toEqual(expected);
  });
});

it("names the version as register-model will", () => {
  expect(subjectOf(RELEASE, undefined).version).toBe("1.1.0");
  expect(
    subjectOf({ ...RELEASE, id: "pr-7-0123456789ab", source: { ...RELEASE.source, tag: undefined } }, undefined)
      .version,
  ).toBe("pr-7-0123456789ab");
});
