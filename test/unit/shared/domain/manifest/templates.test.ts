import { expect, test } from "vitest";
import { kindOf } from "../../../../../actions/shared/domain/manifest/kinds.ts";
import { markedObject, podSelector } from "../../../../../actions/shared/domain/manifest/marked-object.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { isNamePrefix, labelValue, objectName } from "../../../../../actions/shared/domain/manifest/object-name.ts";
import { plannedGpus, plannedPods } from "../../../../../actions/shared/domain/manifest/planned-pods.ts";
import {
  extendedResources,
  isAccelerator,
  podTemplatesOf,
} from "../../../../../actions/shared/domain/manifest/templates.ts";

const GPU = "nvidia.com/gpu";
const container = (gpus: number) => ({ name: "main", image: "x", resources: { limits: { [GPU]: gpus } } });
const template = (gpus: number) => ({ spec: { containers: [container(gpus)] } });
const job = (spec: object): KubeObject => ({ apiVersion: "batch/v1", kind: "Job", spec }) as KubeObject;
const pytorch = {
  apiVersion: "kubeflow.org/v1",
  kind: "PyTorchJob",
  spec: {
    pytorchReplicaSpecs: {
      Master: { replicas: 1, template: template(1) },
      Worker: { replicas: 3, template: template(8) },
    },
  },
};
const experiment = {
  apiVersion: "kubeflow.org/v1beta1",
  kind: "Experiment",
  spec: { parallelTrialCount: 4, trialTemplate: { trialSpec: job({ template: template(2) }) } },
} as KubeObject;
const trainJob: KubeObject = {
  apiVersion: "trainer.kubeflow.org/v1alpha1",
  kind: "TrainJob",
  spec: { runtimeRef: { name: "torch" }, trainer: { numNodes: 2, resourcesPerNode: { limits: { [GPU]: "4" } } } },
};

const gpusOf = (object: KubeObject) => plannedGpus(plannedPods("train", object, kindOf(object, undefined)!));

test.each([
  ["a Job", job({ template: template(1) }), [["train", 1, 1]]],
  [
    "a Job with two pods at once",
    job({ parallelism: 2, completions: 5, template: template(1) }),
    [
      ["train/0", 1, 1],
      ["train/1", 1, 1],
    ],
  ],
  [
    "a Job that needs fewer than may run",
    job({ parallelism: 8, completions: 1, template: template(1) }),
    [["train", 1, 1]],
  ],
  [
    "a PyTorchJob",
    pytorch as KubeObject,
    [
      ["train/master-0", 1, 1],
      ["train/worker-0", 8, 1],
      ["train/worker-1", 8, 1],
      ["train/worker-2", 8, 1],
    ],
  ],
  [
    "a TrainJob",
    trainJob,
    [
      ["train/node-0", 4, 1],
      ["train/node-1", 4, 1],
    ],
  ],
  ["an Experiment", experiment, [["train/trials/trial", 2, 4]]],
])("%s asks for GPUs by the paths of its tasks", (_, object, expected) => {
  expect(gpusOf(object).map(({ task, count, times }) => [task, count, times])).toEqual(expected);
});

test("a TrainJob takes from its runtime what it does not say", () => {
  const runtime: KubeObject = {
    spec: {
      mlPolicy: { numNodes: 3 },
      template: {
        spec: {
          replicatedJobs: [
            { name: "dataset-initializer", template: { spec: { template: template(0) } } },
            {
              name: "node",
              template: { spec: { template: { spec: { ...template(2).spec, nodeSelector: { gpu: "a" } } } } },
            },
          ],
        },
      },
    },
  };
  const bare: KubeObject = { ...trainJob, spec: { runtimeRef: { name: "torch" }, trainer: { image: "mine" } } };
  const [, node] = podTemplatesOf(bare, runtime);
  expect(node).toMatchObject({
    name: "node",
    replicas: 3,
    spec: { nodeSelector: { gpu: "a" }, containers: [{ image: "mine" }] },
  });
  expect(extendedResources(node!.spec)).toEqual({ [GPU]: 2 });
  const placed: KubeObject = { ...bare, spec: { podSpecOverrides: [{ tolerations: [{ operator: "Exists" }] }] } };
  expect(podTemplatesOf(placed, runtime)[1]?.spec).toMatchObject({ tolerations: [{ operator: "Exists" }] });
});

test("init containers run before the others: the larger request counts, sidecars and all else add up", () => {
  const spec = { initContainers: [container(4)], containers: [container(1), container(2)] };
  expect(extendedResources(spec)).toEqual({ [GPU]: 4 });
  expect(extendedResources({ ...spec, initContainers: [container(1)] })).toEqual({ [GPU]: 3 });
});

test.each([
  [GPU, true],
  ["nvidia.com/mig-1g.5gb", true],
  ["amd.com/gpu", true],
  ["google.com/tpu", true],
  ["aws.amazon.com/neuron", true],
  ["rdma/hca", false],
  ["cpu", false],
])("the resource %s is an accelerator: %j", (resource, expected) => {
  expect(isAccelerator(resource)).toBe(expected);
});

const RUN = "1a2b3c4d-0000-5000-8000-000000000000";

test.each([
  ["train", 52, "train-1a2b3c4d"],
  ["a".repeat(60), 40, `${"a".repeat(31)}-1a2b3c4d`],
  ["abc-def-ghi", 15, "abc-de-1a2b3c4d"],
  ["abc-def-ghi", 13, "abc-1a2b3c4d"],
])("the name of %s within %d characters is %s", (prefix, nameLimit, name) => {
  expect(objectName(prefix, RUN, { nameLimit })).toBe(name);
  expect(name.length).toBeLessThanOrEqual(nameLimit);
  expect(isNamePrefix(name)).toBe(true);
});

test.each([
  ["v1.0.0", "v1.0.0"],
  ["model@1+x", "model_1_x"],
  ["-x-", "x"],
  [`${"a".repeat(62)}@bc`, "a".repeat(62)],
])("the label for the release %s is %s", (release, label) => {
  expect(labelValue(release)).toBe(label);
  expect(label).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
});

test("pods of a kind without a label of its own carry the run's", () => {
  const object = {
    apiVersion: "x.test/v1",
    kind: "Thing",
    metadata: { labels: { team: "a" } },
    spec: { worker: { template: template(1) } },
  };
  const kind = kindOf(object as KubeObject, { success: { text: "Done", anyOf: [] } })!;
  const source = {
    repository: "acme/digits",
    commit: "c".repeat(40),
    ref: "refs/tags/v1",
    event: "push",
    actor: "anna",
  };
  const marks = {
    prefix: "thing",
    runId: RUN,
    attempt: 2,
    releaseId: "v1",
    source,
    digest: "sha256:x",
    namespace: "ml",
  };
  expect(markedObject(object as KubeObject, kind, marks)).toMatchObject({
    metadata: {
      name: "thing-1a2b3c4d",
      namespace: "ml",
      labels: { team: "a", "ml-release/run-id": RUN, "ml-release/release": "v1" },
      annotations: { "ml-release/attempt": "2", "ml-release/commit": "c".repeat(40) },
    },
    spec: { worker: { template: { metadata: { labels: { "ml-release/run-id": RUN } } } } },
  });
  expect(podSelector("thing-1a2b3c4d", RUN, kind)).toBe(`ml-release/run-id=${RUN}`);
});
