import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { newestPods, podStatusOf, replicaOf } from "../../../../../actions/shared/domain/manifest/pods.ts";

const pod = (status: object, rest: object = {}): KubeObject =>
  ({
    metadata: { name: "train-x7", creationTimestamp: "2026-11-21T09:00:00Z" },
    spec: { nodeName: "gpu-1", containers: [{ name: "main" }] },
    status,
    ...rest,
  }) as KubeObject;
const container = (state: object, rest: object = {}) => ({ containerStatuses: [{ name: "main", state, ...rest }] });
const waiting = (reason: string, message?: string) =>
  pod({ phase: "Pending", ...container({ waiting: { reason, ...(message === undefined ? {} : { message }) } }) });
const terminated = (end: object) => container({ terminated: end });

test("a pod that no node takes waits in the scheduler's words", () => {
  const message = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.";
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  const spec = { containers: [{ name: "main" }] };
  expect(podStatusOf(pod({ phase: "Pending", conditions }, { spec }))).toMatchObject({
    state: "pending",
    wait: { kind: "unschedulable", message, pod: "train-x7" },
  });
});

test("a pod that a gate holds waits for room", () => {
  const conditions = [
    { type: "PodScheduled", status: "False", reason: "SchedulingGated", message: "gates of a queue" },
  ];
  expect(podStatusOf(pod({ phase: "Pending", conditions })).wait).toMatchObject({
    kind: "unschedulable",
    message: "SchedulingGated: gates of a queue",
  });
});

test.each([
  ["ErrImagePull", "rpc error: not found", "image-pull", "ErrImagePull: rpc error: not found"],
  [
    "ImagePullBackOff",
    'Back-off pulling image "x": ErrImagePull: rpc error: not found',
    "image-pull",
    "ErrImagePull: rpc error: not found",
  ],
  ["ImagePullBackOff", 'Back-off pulling image "x"', "image-pull", 'ImagePullBackOff: Back-off pulling image "x"'],
  ["InvalidImageName", "couldn't parse", "image-invalid", "InvalidImageName: couldn't parse"],
  ["ErrImageNeverPull", undefined, "image-invalid", "ErrImageNeverPull"],
  ["CreateContainerConfigError", 'secret "s" not found', "config", 'CreateContainerConfigError: secret "s" not found'],
  ["CreateContainerError", "no such device", "config", "CreateContainerError: no such device"],
  ["ContainerCreating", undefined, "starting", "ContainerCreating"],
])("a container that waits with %s and %j is told as %s", (...[reason, message, kind, said]) => {
  expect(podStatusOf(waiting(reason, message))).toMatchObject({ state: "pending", wait: { kind, message: said } });
});

test("an init container's image counts too", () => {
  const initContainerStatuses = [{ name: "fetch", state: { waiting: { reason: "ErrImagePull", message: "no" } } }];
  const status = { phase: "Pending", initContainerStatuses, ...container({ waiting: { reason: "PodInitializing" } }) };
  expect(podStatusOf(pod(status)).wait).toMatchObject({ kind: "image-pull", message: "ErrImagePull: no" });
});

test("a container that crashes again and again runs, and its last end is known", () => {
  const last = { exitCode: 1, reason: "Error", startedAt: "2026-11-21T09:01:00Z", finishedAt: "2026-11-21T09:02:00Z" };
  const state = { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } };
  const status = { phase: "Running", ...container(state, { lastState: { terminated: last } }) };
  expect(podStatusOf(pod(status))).toMatchObject({ state: "running", container: "main", isPrevious: true });
});

describe("a pod that failed says why", () => {
  const failed = (status: object, rest: object = {}) => podStatusOf(pod({ phase: "Failed", ...status }, rest));

  test("OOMKilled, with the limit that was passed", () => {
    const limited = { spec: { containers: [{ name: "main", resources: { limits: { memory: "2Gi" } } }] } };
    const end = terminated({ exitCode: 137, reason: "OOMKilled" });
    expect(failed(end, limited)).toMatchObject({
      state: "failed",
      exitCode: 137,
      error: "OOMKilled: container main used more than its memory limit of 2Gi",
    });
    expect(failed(end).error).toBe(
      "OOMKilled: container main was killed for want of memory on its node: it has no limit of its own",
    );
  });

  test.each([
    [
      { reason: "Evicted", message: "The node was low on resource: memory." },
      "Evicted: The node was low on resource: memory.",
    ],
    [{ reason: "DeadlineExceeded", message: "Pod was active too long" }, "DeadlineExceeded: Pod was active too long"],
    [{ reason: "OutOfnvidia.com/gpu" }, "OutOfnvidia.com/gpu"],
    [{ reason: "UnexpectedAdmissionError", message: "no devices" }, "UnexpectedAdmissionError: no devices"],
    [
      {
        conditions: [
          { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler", message: "preempted" },
        ],
        ...terminated({ exitCode: 143, reason: "Error" }),
      },
      "PreemptionByScheduler: preempted",
    ],
    [{}, "the pod does not say why"],
  ])("%j is %s", (status, error) => {
    expect(failed(status).error).toBe(error);
  });

  test("of its own container only what the exit code does not say", () => {
    expect(failed(terminated({ exitCode: 3, reason: "Error" }))).toMatchObject({ exitCode: 3, container: "main" });
    expect(failed(terminated({ exitCode: 3, reason: "Error" })).error).toBeUndefined();
    expect(failed(terminated({ exitCode: 128, reason: "StartError", message: "exec: no such file" })).error).toBe(
      "StartError: exec: no such file",
    );
  });

  test("the container that failed first is the one", () => {
    const at = (time: string, exitCode: number) => ({ terminated: { exitCode, reason: "Error", finishedAt: time } });
    const containerStatuses = [
      { name: "proxy", state: at("2026-11-21T09:05:00Z", 143) },
      { name: "main", state: at("2026-11-21T09:04:00Z", 2) },
      { name: "log", state: at("2026-11-21T09:03:00Z", 0) },
    ];
    expect(failed({ containerStatuses })).toMatchObject({ container: "main", exitCode: 2 });
  });
});

test("a pod has run since its first container did", () => {
  const end = { exitCode: 0, startedAt: "2026-11-21T09:02:00Z", finishedAt: "2026-11-21T09:10:00Z" };
  const { startedAtMs, finishedAtMs } = podStatusOf(pod({ phase: "Succeeded", ...terminated(end) }));
  expect([startedAtMs, finishedAtMs]).toEqual([Date.parse(end.startedAt), Date.parse(end.finishedAt)]);
});

test("a pod that is being deleted was ended", () => {
  const metadata = { name: "train-x7", deletionTimestamp: "2026-11-21T09:00:00Z" };
  const status = { phase: "Running", ...container({ running: { startedAt: "2026-11-21T08:00:00Z" } }) };
  expect(podStatusOf(pod(status, { metadata }))).toMatchObject({ state: "cancelled", error: "the pod was ended" });
});

test.each([
  [{}, ""],
  [{ "batch.kubernetes.io/job-completion-index": "2" }, "2"],
  [{ "training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "1" }, "worker-1"],
  [
    {
      "jobset.sigs.k8s.io/replicatedjob-name": "node",
      "jobset.sigs.k8s.io/job-index": "0",
      "batch.kubernetes.io/job-completion-index": "3",
    },
    "node-3",
  ],
  [
    {
      "jobset.sigs.k8s.io/replicatedjob-name": "slice",
      "jobset.sigs.k8s.io/job-index": "1",
      "batch.kubernetes.io/job-completion-index": "0",
    },
    "slice-1-0",
  ],
  [{ "katib.kubeflow.org/trial": "tune-x", "batch.kubernetes.io/job-completion-index": "0" }, "tune-x"],
])("the labels %j say replica %j", (labels, replica) => {
  expect(replicaOf(labels as Record<string, string>)).toBe(replica);
});

test("of a replica that is tried again the newest pod counts, in the order of numbers", () => {
  const one = (name: string, replica: string, createdAtMs: number) =>
    ({ name, replica, state: "running", createdAtMs }) as const;
  const pods = [
    one("a", "worker-10", 1),
    one("b", "worker-2", 5),
    one("c", "worker-2", 3),
    one("d", "", 4),
    one("e", "", 4),
  ];
  expect(newestPods(pods).map(({ name }) => name)).toEqual(["d", "e", "b", "a"]);
});
