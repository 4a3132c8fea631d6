import { expect, test } from "vitest";
import { failureOf, waitOf } from "../../../../../actions/shared/clients/kfp/pod-reason.ts";

test.each([
  [
    "Unschedulable: 0/3 nodes are available: 3 node(s) had untolerated taint {nvidia.com/gpu: present}.",
    "unschedulable",
  ],
  ["Unschedulable: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", "unschedulable"],
  ["ErrImagePull: failed to pull and unpack image: not found", "image-pull"],
  ["ImagePullBackOff: Back-off pulling image", "image-pull"],
  ["ErrImageNeverPull: Container image is not present with pull policy of Never", "image-invalid"],
  ["InvalidImageName: Failed to apply default image tag", "image-invalid"],
  ['CreateContainerConfigError: configmap "settings" not found', "config"],
  ["CreateContainerError: context deadline exceeded", "config"],
  ['pods "x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1', "quota"],
  ['pods "x" is forbidden: failed quota: team: must specify limits.cpu for: init,wait', "quota"],
  ["ContainerCreating", "starting"],
  ["", "starting"],
])("%s waits for %s", (message, kind) => {
  expect(waitOf(message, "p").kind).toBe(kind);
});

test("keeps the pod's own words and drops the label before them", () => {
  expect(waitOf("Unschedulable: 0/3 nodes are available", undefined)).toEqual({
    kind: "unschedulable",
    message: "0/3 nodes are available",
  });
});

test.each([
  ["main: Error (exit code 1)", undefined, { exitCode: 1 }],
  ["Error (exit code 2)", "2", { exitCode: 2 }],
  [
    "main: OOMKilled (exit code 137)",
    undefined,
    { exitCode: 137, error: "it ran out of memory: main: OOMKilled (exit code 137)" },
  ],
  [
    "Pod was preempted by a higher priority pod",
    undefined,
    {
      error:
        "it was preempted by a pod of higher priority, or its node was taken back: Pod was preempted by a higher priority pod",
    },
  ],
  ["Step exceeded its deadline", undefined, { error: "it took longer than its deadline: Step exceeded its deadline" }],
  ["child 'train-123' failed", undefined, { error: "child 'train-123' failed" }],
  ["", "3", { exitCode: 3 }],
  ["", undefined, {}],
])("%s with exit code %s is a failure by itself", (message, exitCode, failure) => {
  expect(failureOf(message, exitCode)).toEqual(failure);
});
