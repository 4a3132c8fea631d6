import { expect, test } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import {
  deploymentStatus,
  newestHash,
  selectorOf,
} from "../../../../../actions/shared/domain/serving/deployment-status.ts";

const AVAILABLE = { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" };
const ROLLED = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

const deployment = (status: object, spec: object = {}): KubeObject =>
  ({ metadata: { generation: 3 }, spec: { replicas: 2, ...spec }, status }) as KubeObject;

test("is ready when every replica has the template and serves, and no other is left", () => {
  expect(deploymentStatus(deployment(ROLLED))).toEqual({ state: "ready" });
  expect(deploymentStatus(deployment({ observedGeneration: 3 }, { replicas: 0 }))).toEqual({ state: "ready" });
});

test("what its controller said of a former template counts for nothing", () => {
  expect(deploymentStatus(deployment({ ...ROLLED, observedGeneration: 2 }))).toEqual({ state: "unseen" });
  expect(deploymentStatus(deployment({}))).toEqual({ state: "unseen" });
});

// a real control plane said Available=True, Progressing=True and observedGeneration current while the new image could not be pulled
test.each([
  ["updatedReplicas", { updatedReplicas: 1, replicas: 3 }, "1 of 2 replicas have the new template"],
  ["replicas", { replicas: 3 }, "1 replicas of the old template are still there"],
  ["availableReplicas", { availableReplicas: 1 }, "1 of 2 replicas are available"],
])("Available=True does not stand for %s", (_, counts, message) => {
  const status = { ...ROLLED, ...counts, conditions: [AVAILABLE] };
  expect(deploymentStatus(deployment(status))).toEqual({ state: "rolling", message });
});

test("fails when its deadline has passed, or when it is paused", () => {
  const late = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "has timed out" };
  expect(deploymentStatus(deployment({ ...ROLLED, conditions: [AVAILABLE, late] }))).toEqual({
    state: "failed",
    why: "ProgressDeadlineExceeded: has timed out",
  });
  expect(deploymentStatus(deployment({ ...ROLLED, updatedReplicas: 0 }, { paused: true }))).toMatchObject({
    state: "failed",
    why: expect.stringContaining("paused"),
  });
});

test("tells that pods cannot be made", () => {
  const blocked = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota: gpus" };
  expect(deploymentStatus(deployment({ ...ROLLED, updatedReplicas: 0, conditions: [blocked] }))).toEqual({
    state: "rolling",
    message: "0 of 2 replicas have the new template",
    quota: "FailedCreate: exceeded quota: gpus",
  });
});

test("its selector chooses its pods", () => {
  const selector = {
    matchLabels: { app: "fraud" },
    matchExpressions: [
      { key: "tier", operator: "In", values: ["a", "b"] },
      { key: "old", operator: "NotIn", values: ["yes"] },
      { key: "model", operator: "Exists" },
      { key: "batch", operator: "DoesNotExist" },
    ],
  };
  expect(selectorOf(deployment({}, { selector }))).toBe("app=fraud,tier in (a,b),old notin (yes),model,!batch");
});

test("its newest pods are those of the ReplicaSet with its revision", () => {
  const set = (uid: string, revision: string, hash: string) => ({
    metadata: {
      ownerReferences: [{ uid }],
      annotations: { "deployment.kubernetes.io/revision": revision },
      labels: { "pod-template-hash": hash },
    },
  });
  const own = {
    metadata: { uid: "u1", annotations: { "deployment.kubernetes.io/revision": "10" } },
  };
  expect(newestHash(own, [set("u2", "10", "other"), set("u1", "9", "old"), set("u1", "10", "new")])).toBe("new");
  expect(newestHash(own, [set("u1", "9", "old")])).toBeUndefined();
});
