import { expect, test } from "vitest";
import { readRunFacts } from "../../../../actions/register-model/prepare/run-facts.ts";
import type { Run } from "../../../../actions/shared/domain/release.ts";
import type { RunDetails } from "../../../../actions/shared/domain/run/details.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

const run: Run = {
  id: "r",
  attempt: 1,
  state: "succeeded",
  parameters: {},
  gpus: [],
  model: { task: "export", output: "model", uri: "file:///m" },
};

type Artifacts = Readonly<
  Record<string, { type: string; uri: string; metadata: Record<string, unknown>; digest?: `sha256:${string}` }[]>
>;

function details(tasks: Readonly<Record<string, Artifacts>>, environment?: RunDetails["environment"]): RunDetails {
  return {
    schema: 1,
    releaseId: "v1",
    runId: "r",
    attempt: 1,
    state: "succeeded",
    pipeline: { name: "digits", version: "v1", packageDigest: digest("5") },
    parameters: {},
    data: [],
    images: {},
    environment,
    tasks: Object.entries(tasks).map(([task, artifacts]) => ({
      task,
      path: task,
      state: "succeeded",
      cached: false,
      inputs: { parameters: {}, artifacts: {} },
      outputs: { parameters: {}, artifacts },
    })),
    metrics: [],
    curves: [],
  };
}

const modelWith = (metadata: Record<string, unknown>) => ({
  export: { model: [{ type: "system.Model", uri: "file:///m", metadata }] },
});

test("a field of the metadata that is not as expected leaves the others", () => {
  const facts = readRunFacts(details(modelWith({ framework: 7, parameters: { C: 1 }, environment: "laptop" })), run);
  expect(facts).toEqual({ framework: undefined, parameters: { C: 1 }, environment: undefined, data: [] });
});

test("another task's artifact of the same name is not the model", () => {
  const tasks = { train: { model: [{ type: "system.Model", uri: "x", metadata: { framework: { name: "wrong" } } }] } };
  expect(readRunFacts(details(tasks), run).framework).toBeUndefined();
});

test("what the code saw of its machine counts before what the engine saw from outside", () => {
  const seen = {
    os: "host",
    python: "3.12",
    cpu: { name: "Xeon", count: 64 },
    memoryBytes: 9,
    gpus: [],
    architecture: "x64",
  };
  const environment = {
    cpu: { type: "x86_64", count: 2 },
    gpu: { count: 2, type: "NVIDIA H200", memory: "143771 MiB", driver: "580" },
    os: "container",
  };
  expect(readRunFacts(details(modelWith({ environment }), seen), run).environment).toEqual({
    os: "container",
    architecture: "x64",
    python: "3.12",
    cpu: { count: 2, name: "Xeon" },
    memoryBytes: 9,
    gpus: [{ name: "NVIDIA H200", count: 2, memoryBytes: 143771 * 1024 ** 2, driver: "580" }],
    packages: undefined,
  });
});

test("the accelerators that the engine gave are known where the code says nothing", () => {
  const gpus = [{ name: "NVIDIA L4", count: 1 }];
  expect(readRunFacts(details({}), { ...run, gpus }).environment).toMatchObject({ gpus });
});

test("the data sets of the run are known by digest and rows, each role once", () => {
  const set = (metadata: Record<string, unknown>, own?: `sha256:${string}`) => [
    { type: "system.Dataset", uri: "u", metadata, ...(own === undefined ? {} : { digest: own }) },
  ];
  const tasks = {
    split: { train: set({ rows: 10, digest: digest("1") }), test: set({ rows: 3 }, digest("2")), report: set({}) },
    again: { train: set({ digest: digest("9") }) },
    other: { table: [{ type: "system.Artifact", uri: "u", metadata: { digest: digest("3") } }] },
    broken: { odd: set({ digest: "abc", rows: "many" }) },
  };
  expect(readRunFacts(details(tasks), run).data).toEqual([
    { role: "train", uri: "u", digest: digest("1"), rows: 10 },
    { role: "test", uri: "u", digest: digest("2"), rows: 3 },
  ]);
});
