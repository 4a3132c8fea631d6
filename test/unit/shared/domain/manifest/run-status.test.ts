import { expect, test } from "vitest";
import { kindOf } from "../../../../../actions/shared/domain/manifest/kinds.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import type { PodStatus } from "../../../../../actions/shared/domain/manifest/pods.ts";
import { runStatusOf } from "../../../../../actions/shared/domain/manifest/run-status.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";

const NAME = "train-1a2b3c4d";
const template = { spec: { containers: [{ name: "main", image: "x" }] } };
const job = (status: object = {}, spec: object = {}): KubeObject =>
  ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: NAME },
    spec: { template, ...spec },
    status,
  }) as KubeObject;
const ended = (type: string, reason = "") => ({
  conditions: [{ type, status: "True", reason, message: "", lastTransitionTime: "2026-11-21T10:00:00Z" }],
});
const pod = (rest: Partial<PodStatus> = {}): PodStatus => ({
  name: "train-x",
  replica: "",
  state: "running",
  createdAtMs: 1,
  startedAtMs: 1_000,
  ...rest,
});
const wait = { kind: "unschedulable", message: "0/1 nodes are available", pod: "train-x" } as const;
const waits = pod({ state: "pending", wait });

type Seen = { readonly pods?: readonly PodStatus[]; readonly trials?: readonly KubeObject[] };
const statusOf = (object: KubeObject, { pods = [], trials = [] }: Seen = {}) =>
  runStatusOf({ object, kind: kindOf(object, undefined)!, pods, trials, place: "/the/object" });

test("a job of which nothing has begun waits for its first pod", () => {
  expect(statusOf(job())).toMatchObject({
    state: "pending",
    wait: { kind: "start", message: "it has no pods yet" },
    tasks: [{ path: "train", state: "pending" }],
  });
});

test("the only pod of a job is the job's task, with what it waits for", () => {
  const status = statusOf(job({ active: 1 }), { pods: [waits] });
  expect(status).toMatchObject({
    state: "pending",
    tasks: [{ path: "train", state: "pending", wait, pod: "train-x" }],
  });
  expect(status.wait).toBeUndefined();
});

test("a job runs as soon as its pod does, whatever the job itself says yet", () => {
  expect(statusOf(job({ active: 1 }), { pods: [pod()] })).toMatchObject({
    state: "running",
    tasks: [{ state: "running" }],
  });
});

test("a pod that failed does not end a job that tries again", () => {
  const pods = [pod({ state: "failed", exitCode: 1 }), pod({ name: "train-y", createdAtMs: 2 })];
  expect(statusOf(job({ active: 1, failed: 1 }), { pods })).toMatchObject({
    state: "running",
    tasks: [{ path: "train", state: "running", pod: "train-y" }],
  });
});

test("a job that failed has its pod's exit code and words, else its own", () => {
  const failed = job(ended("Failed", "BackoffLimitExceeded"));
  const of = (rest: Partial<PodStatus>) => statusOf(failed, { pods: [pod({ state: "failed", ...rest })] }).tasks[0];
  expect(of({ exitCode: 137, error: "OOMKilled: too much" })).toMatchObject({
    exitCode: 137,
    error: "OOMKilled: too much",
  });
  expect(of({ exitCode: 3 })).toMatchObject({ state: "failed", exitCode: 3 });
  // the exit code says it, and the log
  expect(of({ exitCode: 3 })?.error).toBeUndefined();
  expect(statusOf(failed).tasks[0]?.error).toBe("BackoffLimitExceeded");
});

test("how long a task took is counted from its container's start", () => {
  const pods = [pod({ state: "succeeded", startedAtMs: 60_000, finishedAtMs: 120_000 })];
  expect(statusOf(job(ended("Complete")), { pods }).tasks[0]).toMatchObject({ startedAtMs: 60_000, seconds: 60 });
});

test("pods of several replicas are tasks of their own beside the object's", () => {
  const object = {
    apiVersion: "kubeflow.org/v1",
    kind: "PyTorchJob",
    metadata: { name: NAME },
    spec: { pytorchReplicaSpecs: { Master: { template }, Worker: { replicas: 2, template } } },
    status: { conditions: [{ type: "Running", status: "True" }] },
  } as KubeObject;
  const pods = [
    pod({ name: "w1", replica: "worker-1", state: "pending", wait }),
    pod({ name: "m", replica: "master-0" }),
    pod({ name: "w0", replica: "worker-0", state: "failed", exitCode: 1, finishedAtMs: 3_000 }),
  ];
  const status = statusOf(object, { pods });
  expect(status.tasks.map(({ path, state }) => [path, state])).toEqual([
    ["train", "running"],
    ["train/master-0", "running"],
    ["train/worker-0", "failed"],
    ["train/worker-1", "pending"],
  ]);
  expect(status.tasks[2]).toMatchObject({ exitCode: 1, seconds: 2 });
});

test("pods that nothing tells apart are numbered as they came", () => {
  const pods = [pod({ name: "b", createdAtMs: 2 }), pod({ name: "a", createdAtMs: 1 })];
  const status = statusOf(job({ active: 2 }, { parallelism: 2 }), { pods });
  expect(status.tasks.slice(1).map((task) => [task.path, task.pod])).toEqual([
    ["train/0", "a"],
    ["train/1", "b"],
  ]);
});

test("a job that a queue holds waits for room; one that we suspended can go on", () => {
  const held = job(
    { conditions: [{ type: "Suspended", status: "True", message: "Job suspended" }] },
    { suspend: true },
  );
  expect(statusOf(held)).toMatchObject({
    state: "pending",
    canRetry: false,
    wait: { kind: "quota", message: "it is suspended: Job suspended" },
  });
  const annotations = { "ml-release/cancelled-at": "2026-11-21T09:00:00Z" };
  const ours = { ...held, metadata: { name: NAME, annotations } } as KubeObject;
  expect(statusOf(ours)).toMatchObject({ state: "cancelled", canRetry: true });
  expect(statusOf(job(ended("Failed"))).canRetry).toBe(false);
});

test("an Experiment has the best trial's metrics and parameters, and its trials as a loop", () => {
  const trial = (name: string, state: string, lr: string): KubeObject =>
    ({
      metadata: { name, creationTimestamp: `2026-11-21T09:0${name.at(-1)}:00Z` },
      spec: { parameterAssignments: [{ name: "lr", value: lr }] },
      status: {
        startTime: "2026-11-21T09:10:00Z",
        completionTime: "2026-11-21T09:11:00Z",
        conditions: [
          { type: "Created", status: "True" },
          { type: state, status: "True", reason: `Trial${state}` },
        ],
        observation: { metrics: [{ name: "loss", min: "0.3", max: "0.9", latest: "0.5" }] },
      },
    }) as KubeObject;
  const object = {
    apiVersion: "kubeflow.org/v1beta1",
    kind: "Experiment",
    metadata: { name: "tune-1a2b3c4d" },
    spec: {
      objective: { type: "minimize", objectiveMetricName: "loss" },
      parameters: [{ name: "lr", parameterType: "double" }],
      trialTemplate: { trialSpec: { spec: { template } } },
    },
    status: {
      ...ended("Succeeded", "ExperimentGoalReached"),
      currentOptimalTrial: {
        bestTrialName: "t2",
        parameterAssignments: [{ name: "lr", value: "0.02" }],
        observation: { metrics: [{ name: "loss", min: "0.3", max: "0.9", latest: "0.5" }] },
      },
    },
  } as KubeObject;
  const trials = [
    trial("t2", "Succeeded", "0.02"),
    trial("t1", "MetricsUnavailable", "0.1"),
    trial("t3", "EarlyStopped", "0.3"),
  ];
  const { tasks } = statusOf(object, { trials });
  expect(tasks.map(({ path, state, iteration }) => [path, state, iteration])).toEqual([
    ["tune", "succeeded", undefined],
    ["tune/trials-iteration-0/trial", "failed", "0"],
    ["tune/trials-iteration-1/trial", "succeeded", "1"],
    ["tune/trials-iteration-2/trial", "succeeded", "2"],
  ]);
  expect(tasks[0]?.outputs.parameters).toEqual({ lr: 0.02 });
  expect(tasks[1]).toMatchObject({
    inputs: { parameters: { lr: 0.1 } },
    seconds: 60,
    error: "TrialMetricsUnavailable",
  });
  // of the trials none but the best one is measured by a gate
  expect(metricsOf(tasks, []).metrics).toEqual([{ name: "loss", value: 0.3, task: "tune" }]);
});

test("a trial waits with its pod", () => {
  const object = {
    apiVersion: "kubeflow.org/v1beta1",
    kind: "Experiment",
    metadata: { name: "tune-1a2b3c4d" },
    spec: { trialTemplate: { trialSpec: { spec: { template } } } },
    status: { trialsRunning: 1, conditions: [{ type: "Running", status: "True" }] },
  } as KubeObject;
  const trial = {
    metadata: { name: "t1" },
    status: { conditions: [{ type: "Running", status: "True" }] },
  } as KubeObject;
  const { tasks } = statusOf(object, { trials: [trial], pods: [pod({ replica: "t1", state: "pending", wait })] });
  expect(tasks[1]).toMatchObject({ path: "tune/trials-iteration-0/trial", state: "pending", wait });
});
