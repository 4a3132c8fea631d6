import { expect, test } from "vitest";
import { creationFailure, podTrouble } from "../../../../../actions/shared/domain/manifest/events.ts";

const event = (name: string, reason: string, rest: object = {}) => ({
  involvedObject: { name },
  reason,
  type: "Warning",
  lastTimestamp: "2026-11-21T09:00:00Z",
  ...rest,
});

test.each([
  [
    'Error creating: pods "train-1a2b-x7k" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=1',
    "quota",
    "Error creating: pods are forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=1",
  ],
  [
    'Error creating: pods "train-x" is forbidden: failed quota: small: must specify limits.cpu for: main',
    "config",
    "Error creating: pods are forbidden: failed quota: small: must specify limits.cpu for: main",
  ],
  [
    'Error creating: pods "train-x" is forbidden: error looking up service account ml/trainer: serviceaccount "trainer" not found',
    "config",
    'Error creating: pods are forbidden: error looking up service account ml/trainer: serviceaccount "trainer" not found',
  ],
  [
    'Error creating: admission webhook "policy" denied the request: no root',
    "config",
    'Error creating: admission webhook "policy" denied the request: no root',
  ],
])("%s is told as %s, the same at each try", (message, kind, said) => {
  expect(creationFailure([event("train", "FailedCreate", { message })], "train")).toEqual({ kind, message: said });
});

test("what a child could not make counts, what another object could not does not", () => {
  const of = (name: string) => creationFailure([event(name, "FailedCreate", { message: "no" })], "train-1a2b3c4d");
  expect(of("train-1a2b3c4d-node-0")?.message).toBe("no");
  expect(of("train-1a2b3c4dd")).toBeUndefined();
  expect(of("other")).toBeUndefined();
});

test("of several failures the newest counts", () => {
  const older = event("train", "FailedCreate", { message: "older", lastTimestamp: "2026-11-21T08:00:00Z" });
  const newer = event("train", "FailedCreate", {
    message: "newer",
    lastTimestamp: null,
    eventTime: "2026-11-21T09:30:00Z",
  });
  expect(creationFailure([newer, older], "train")?.message).toBe("newer");
});

test.each([
  ["FailedMount", 'MountVolume.SetUp failed for volume "data": secret "s3" not found'],
  ["FailedAttachVolume", "Multi-Attach error"],
  ["FailedCreatePodSandBox", "network is not ready"],
])("a pod that does not start for %s waits for its settings", (reason, message) => {
  expect(podTrouble([event("train-x", reason, { message })], "train-x")).toEqual({
    kind: "config",
    message: `${reason}: ${message}`,
    pod: "train-x",
  });
});

test("other warnings of a pod, and those of others, are no trouble", () => {
  expect(podTrouble([event("train-x", "BackOff", { message: "m" })], "train-x")).toBeUndefined();
  expect(podTrouble([event("other", "FailedMount", { message: "m" })], "train-x")).toBeUndefined();
});
