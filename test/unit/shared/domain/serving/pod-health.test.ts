import { expect, test } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { formatHealth, podHealthOf } from "../../../../../actions/shared/domain/serving/pod-health.ts";

const READY = { conditions: [{ type: "Ready", status: "True" }] };

const pod = (status: object, metadata: object = {}): KubeObject =>
  ({
    metadata: { name: "fraud-7c9", ...metadata },
    spec: { nodeName: "gpu-1", containers: [{ name: "server", resources: { limits: { memory: "2Gi" } } }] },
    status,
  }) as KubeObject;
const running = { running: { startedAt: "2026-11-21T09:00:00Z" } };
const ended = (exitCode: number, reason = "Error", message?: string) => ({
  terminated: { exitCode, reason, finishedAt: "2026-11-21T09:00:01Z", ...(message === undefined ? {} : { message }) },
});
const waiting = (reason: string, message = "") => ({ waiting: { reason, message } });
const server = (state: object, rest: object = {}) => ({ containerStatuses: [{ name: "server", state, ...rest }] });
const fetch = (state: object, rest: object = {}) => ({
  initContainerStatuses: [{ name: "fetch", state, ...rest }],
  containerStatuses: [{ name: "server", state: waiting("PodInitializing") }],
});

test("a pod is ready only by its own condition, and tells how often it was started again", () => {
  expect(podHealthOf(pod({ phase: "Running", ...READY, ...server(running, { restartCount: 2 }) }))).toEqual({
    state: "ready",
    name: "fraud-7c9",
    restarts: 2,
  });
  expect(podHealthOf(pod({ phase: "Running", ...server(running) }))).toMatchObject({
    state: "waiting",
    wait: { kind: "starting", message: "its containers run, and it is not ready: see its readiness probe" },
    node: "gpu-1",
  });
});

test.each([
  ["a server that ends", server(ended(3)), "container server: exit code 3", "server", false],
  [
    "a server that ends well",
    server(ended(0, "Completed")),
    "container server: ended by itself, though it should serve: exit code 0",
    "server",
    false,
  ],
  [
    "a server that ends again and again",
    server(waiting("CrashLoopBackOff", "back-off 10s"), { lastState: ended(1) }),
    "container server: CrashLoopBackOff: exit code 1",
    "server",
    true,
  ],
  [
    "a server that is killed for its memory",
    server(waiting("CrashLoopBackOff"), { lastState: ended(137, "OOMKilled") }),
    "container server: CrashLoopBackOff: exit code 137: OOMKilled: container server used more than its memory limit of 2Gi",
    "server",
    true,
  ],
  [
    "a server that was killed for its memory and runs again",
    server(running, { lastState: ended(137, "OOMKilled"), restartCount: 1 }),
    "container server: exit code 137: OOMKilled: container server used more than its memory limit of 2Gi",
    "server",
    true,
  ],
  [
    "an init container that fails",
    fetch(ended(1, "Error", "no such bucket")),
    "init container fetch: exit code 1: no such bucket",
    "fetch",
    false,
  ],
  [
    "an init container that fails again and again",
    fetch(waiting("CrashLoopBackOff"), { lastState: ended(1) }),
    "init container fetch: CrashLoopBackOff: exit code 1",
    "fetch",
    true,
  ],
])("%s is a failure at once, and whose log tells why is known", (...[, status, why, container, isPrevious]) => {
  expect(podHealthOf(pod({ phase: "Running", ...status }))).toEqual({
    state: "failed",
    name: "fraud-7c9",
    why,
    log: { container, isPrevious },
  });
});

test.each([
  ["ImagePullBackOff", 'Back-off: ErrImagePull: "x" not found', 'server: ErrImagePull: "x" not found'],
  ["InvalidImageName", "couldn't parse", "InvalidImageName: couldn't parse"],
])("%s never passes", (reason, message, why) => {
  const health = podHealthOf(pod({ phase: "Pending", ...server(waiting(reason, message)) }));
  expect(health).toEqual({ state: "failed", name: "fraud-7c9", why });
  expect(formatHealth(health)).toBe(`pod fraud-7c9: ${why}`);
});

test.each([
  ["ErrImagePull", "image-pull"],
  ["CreateContainerConfigError", "config"],
  ["ContainerCreating", "starting"],
])("%s may pass", (reason, kind) => {
  expect(podHealthOf(pod({ phase: "Pending", ...server(waiting(reason)) }))).toMatchObject({
    state: "waiting",
    wait: { kind },
  });
});

test("a pod that no node takes waits in the scheduler's words", () => {
  const message = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.";
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
  expect(podHealthOf(pod({ phase: "Pending", conditions }))).toMatchObject({
    state: "waiting",
    wait: { kind: "unschedulable", message },
  });
});

test("an init container that has done its work is no failure", () => {
  const status = { phase: "Pending", ...fetch(ended(0, "Completed")) };
  expect(podHealthOf(pod(status))).toMatchObject({ state: "waiting", wait: { kind: "starting" } });
});

test.each([
  ["is being removed", { phase: "Running", ...server(ended(143)) }, { deletionTimestamp: "2026-11-21T09:00:00Z" }],
  ["was evicted", { phase: "Failed", reason: "Evicted", message: "low on memory" }, {}],
  ["gave way", { phase: "Failed", conditions: [{ type: "DisruptionTarget", status: "True" }] }, {}],
])("a pod that %s does not count", (_, status, metadata) => {
  expect(podHealthOf(pod(status, metadata))).toEqual({ state: "leaving", name: "fraud-7c9" });
});
