import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { prepareManifest } from "../../../../actions/run-pipeline/prepare/prepare-manifest.ts";
import type { Ports, RunStep, Wishes } from "../../../../actions/run-pipeline/step.ts";
import { canonicalJson, type Json } from "../../../../actions/shared/domain/canonical.ts";
import type { Run } from "../../../../actions/shared/domain/release.ts";
import { hashText } from "../../../../actions/shared/lib/hash.ts";
import type { RunRequest, Work } from "../../../../actions/shared/ports/pipeline-engine.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const trainer = `ghcr.io/acme/digits/trainer@${digest("a")}`;
const RUN_ID = "1a2b3c4d-0000-5000-8000-000000000000";

const MANIFEST = `apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: { name: train, namespace: ml }
spec:
  pytorchReplicaSpecs:
    Worker:
      replicas: "{{parameters.workers}}"
      template:
        spec:
          containers:
            - name: pytorch
              image: image://trainer
              args: ["--lr", "{{parameters.lr}}"]
              resources: { limits: { nvidia.com/gpu: 2 } }
`;

type Given = {
  readonly manifest?: string;
  readonly inputs?: Partial<Wishes>;
  readonly run?: Run;
  /** The details of the run of the record. */
  readonly details?: Json;
};

async function prepareIn({ manifest = MANIFEST, inputs = {}, run, details }: Given) {
  const workspace = await temporaryFolder();
  writeFileSync(join(workspace, "train.yaml"), manifest);
  if (details !== undefined) {
    mkdirSync(join(workspace, "home", "runs", RUN_ID), { recursive: true });
    writeFileSync(join(workspace, "home", "runs", RUN_ID, "run.json"), canonicalJson(details));
  }
  const checked: RunRequest<Work>[] = [];
  const release = {
    schema: 1,
    id: "v1.0.0",
    source: {},
    images: { trainer: { ref: trainer } },
    ...(run === undefined ? {} : { run }),
  };
  const job = { workspace, home: join(workspace, "home") };
  const step = { inputs: { manifest: join(workspace, "train.yaml"), ...inputs }, job, release } as unknown as RunStep;
  const engine = {
    endpoint: "https://kube.test/namespaces/ml",
    check: async (request: RunRequest<Work>) => {
      checked.push(request);
      return [];
    },
  };
  return { checked, prepared: await prepareManifest(step, { folder: workspace, engine } as unknown as Ports) };
}

const both = { parameters: { workers: 3, lr: 0.01 } };

test("a manifest is filled, its images pinned, and known by what it has become", async () => {
  const { prepared, checked } = await prepareIn({ inputs: both });
  const { work } = prepared;
  if (work.kind !== "manifest") throw new Error("it is a manifest");
  expect(work.object).toEqual({
    apiVersion: "kubeflow.org/v1",
    kind: "PyTorchJob",
    metadata: {},
    spec: {
      pytorchReplicaSpecs: {
        Worker: {
          replicas: 3,
          template: {
            spec: {
              containers: [
                {
                  name: "pytorch",
                  image: trainer,
                  args: ["--lr", "0.01"],
                  resources: { limits: { "nvidia.com/gpu": 2 } },
                },
              ],
            },
          },
        },
      },
    },
  });
  expect(work).toMatchObject({ name: "train", version: "v1.0.0", digest: hashText(canonicalJson(work.object)) });
  expect(JSON.parse(work.text)).toEqual(work.object);
  expect(checked[0]?.work).toBe(work);
  expect(prepared.gpus.map(({ task, count }) => [task, count])).toEqual([
    ["train/worker-0", 2],
    ["train/worker-1", 2],
    ["train/worker-2", 2],
  ]);
  expect(prepared.tasks.map(({ path, image }) => [path, image])).toContainEqual(["train/worker-2", trainer]);
});

test("everything that is wrong is told at once, with its place in the file", async () => {
  const manifest = MANIFEST.replace("image://trainer", "image://trainr");
  await expect(prepareIn({ manifest, inputs: { parameters: { workers: 3, rate: 1 } } })).rejects.toMatchObject({
    code: "CONFIG",
    problems: [
      { rule: "no value for the placeholder {{parameters.lr}}", where: { file: "train.yaml", line: 13 } },
      { where: { file: "train.yaml", line: 12 }, hint: "did you mean image://trainer?" },
      { rule: "the manifest has no placeholder {{parameters.rate}}", where: { input: "parameters" } },
    ],
  });
});

test("another parameter is another run, another name is the same object", async () => {
  const digestOf = async (given: Given) => (await prepareIn(given)).prepared.work.digest;
  const one = await digestOf({ inputs: both });
  expect(await digestOf({ inputs: { parameters: { workers: 3, lr: 0.02 } } })).not.toBe(one);
  expect(await digestOf({ inputs: { ...both, "pipeline-name": "other" } })).toBe(one);
});

const task = (path: string, parameters: Record<string, Json>): Json => ({
  task: path,
  path,
  state: "succeeded",
  cached: false,
  inputs: { parameters: {}, artifacts: {} },
  outputs: { parameters, artifacts: {} },
});

const details: Json = {
  schema: 1,
  releaseId: "v1.0.0",
  runId: RUN_ID,
  attempt: 1,
  state: "succeeded",
  pipeline: { name: "tune", version: "v1.0.0", packageDigest: digest("e") },
  parameters: {},
  data: [],
  images: {},
  tasks: [task("tune", { lr: 0.02, momentum: 0.9 }), task("tune/trials-iteration-0/trial", { lr: 0.5 })],
  metrics: [],
  curves: [],
};

const tuned: Run = {
  id: RUN_ID,
  attempt: 1,
  state: "succeeded",
  parameters: { workers: 2 },
  gpus: [],
  details: { path: "run.json", digest: hashText(canonicalJson(details)) },
};

test("what an experiment found feeds the next run; what is given wins, what is not asked for is left out", async () => {
  const inputs: Partial<Wishes> = { "parameters-from": "run", parameters: { workers: 4 } };
  const { prepared } = await prepareIn({ inputs, run: tuned, details });
  expect(prepared.parameters).toEqual({ lr: 0.02, workers: 4 });
  expect(prepared.identityParameters).toEqual({ lr: 0.02, workers: 4 });
});

test.each([
  [undefined, "there is no earlier run to take parameters from"],
  [{ ...tuned, state: "failed" as const }, "parameters come from a run that succeeded"],
  [tuned, "what the earlier run found is not on this machine"],
])("parameters from the run %j: %s", async (run, rule) => {
  const inputs: Partial<Wishes> = { "parameters-from": "run" };
  await expect(prepareIn({ inputs, ...(run === undefined ? {} : { run }) })).rejects.toMatchObject({
    problems: [{ rule }],
  });
});

test("an address of the data goes into the manifest; a file of this machine cannot", async () => {
  const manifest = MANIFEST.replace("{{parameters.lr}}", "{{parameters.train_uri}}");
  const inputs: Partial<Wishes> = { parameters: { workers: 1 }, data: { train: "s3://b/t.csv?versionId=7" } };
  const { prepared } = await prepareIn({ manifest, inputs });
  expect(prepared.parameters).toMatchObject({ train_uri: expect.stringContaining("s3://b/t.csv") });
  expect(prepared.handed).toHaveLength(1);
  await expect(prepareIn({ manifest, inputs: { ...inputs, data: { train: "train.yaml" } } })).rejects.toMatchObject({
    problems: [{ rule: "the data lies on this machine, where no pod can read it: {{parameters.train_uri}}" }],
  });
});

test.each([
  [{ "success-condition": "Ready>1" }, "must be a condition of the object"],
  [{ "failure-condition": "Failed" }, "a failure condition needs a success condition beside it"],
])("with %j: %s", async (inputs, rule) => {
  await expect(prepareIn({ inputs: { ...both, ...inputs } })).rejects.toMatchObject({
    code: "INPUT",
    problems: [{ rule }],
  });
});

test("a namespace of the manifest that is not the one that is used is told", async () => {
  const manifest = MANIFEST.replace("namespace: ml", "namespace: prod");
  const { prepared } = await prepareIn({ manifest, inputs: both });
  expect(prepared.findings).toMatchObject([{ level: "warning", message: expect.stringContaining("prod") }]);
});
