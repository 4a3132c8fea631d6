import { expect, test } from "vitest";
import { KINDS, kindOf } from "../../../../../actions/shared/domain/manifest/kinds.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { statusOf } from "../../../../../actions/shared/domain/manifest/status.ts";

const AT = "2026-11-21T09:00:00Z";
const apiVersions: Readonly<Record<string, string>> = {
  Job: "batch/v1",
  TrainJob: "trainer.kubeflow.org/v1alpha1",
  PyTorchJob: "kubeflow.org/v1",
  TFJob: "kubeflow.org/v1",
  Experiment: "kubeflow.org/v1beta1",
};

/** `Complete`, `Running=False`, `Failed:DeadlineExceeded`: conditions as controllers write them, in order. */
function conditions(...written: readonly string[]) {
  return written.map((one) => {
    const [, type = "", status = "True", reason = ""] = /^(\w+)(?:=(\w+))?(?::(\w+))?$/.exec(one) ?? [];
    return { type, status, reason, message: `${type} it is`, lastTransitionTime: AT };
  });
}

function object(kind: string, status: object, rest: object = {}): KubeObject {
  return { apiVersion: apiVersions[kind], kind, metadata: { name: "train" }, spec: {}, status, ...rest } as KubeObject;
}

function stateOf(one: KubeObject) {
  const kind = kindOf(one, undefined);
  if (kind === undefined) throw new Error("no such kind");
  return statusOf(one, kind);
}

test.each([
  // Job, as the job controller of 1.36 writes it
  ["Job", {}, "pending"],
  ["Job", { active: 1, ready: 0, startTime: AT }, "pending"],
  ["Job", { active: 1, ready: 1, startTime: AT }, "running"],
  ["Job", { active: 1, failed: 1 }, "running"],
  ["Job", { conditions: conditions("SuccessCriteriaMet:CompletionsReached"), succeeded: 1 }, "running"],
  ["Job", { conditions: conditions("SuccessCriteriaMet", "Complete:CompletionsReached"), succeeded: 1 }, "succeeded"],
  ["Job", { conditions: conditions("FailureTarget:BackoffLimitExceeded"), failed: 1 }, "running"],
  ["Job", { conditions: conditions("FailureTarget", "Failed:BackoffLimitExceeded"), failed: 1 }, "failed"],
  ["Job", { conditions: conditions("Failed:DeadlineExceeded") }, "failed"],
  ["Job", { conditions: conditions("Suspended:JobSuspended") }, "pending"],
  ["Job", { conditions: conditions("Suspended=False:JobResumed"), active: 1, ready: 1 }, "running"],
  ["Job", { conditions: conditions("Complete=False", "Failed=Unknown") }, "pending"],
  // TrainJob, as Trainer 2 writes it: conditions are replaced in place, so that their order says nothing
  ["TrainJob", {}, "pending"],
  ["TrainJob", { jobsStatus: [{ name: "node", ready: 0, active: 1, succeeded: 0, failed: 0 }] }, "pending"],
  ["TrainJob", { jobsStatus: [{ name: "node", ready: 1, active: 1, succeeded: 0, failed: 0 }] }, "running"],
  ["TrainJob", { conditions: conditions("Suspended=False:Resumed", "Complete:AllJobsCompleted") }, "succeeded"],
  ["TrainJob", { conditions: conditions("Complete:AllJobsCompleted", "Suspended:Suspended") }, "succeeded"],
  ["TrainJob", { conditions: conditions("Failed:TrainingRuntimeNotSupported") }, "failed"],
  ["TrainJob", { conditions: conditions("Failed:DeadlineExceeded") }, "failed"],
  ["TrainJob", { conditions: conditions("Suspended:Suspended") }, "pending"],
  // the training operator keeps what was, with status False
  ["PyTorchJob", { conditions: conditions("Created") }, "pending"],
  ["PyTorchJob", { conditions: conditions("Created", "Running") }, "running"],
  ["PyTorchJob", { conditions: conditions("Created", "Running=False", "Restarting") }, "running"],
  ["PyTorchJob", { conditions: conditions("Created", "Running=False", "Succeeded:PyTorchJobSucceeded") }, "succeeded"],
  ["PyTorchJob", { conditions: conditions("Created", "Running=False", "Failed:PyTorchJobFailed") }, "failed"],
  ["PyTorchJob", { conditions: conditions("Created", "Failed=False", "Running") }, "running"],
  ["PyTorchJob", { conditions: conditions("Created", "Running=False", "Suspended") }, "pending"],
  ["TFJob", { conditions: conditions("Created", "Running=False", "Succeeded:TFJobSucceeded") }, "succeeded"],
  ["TFJob", { conditions: conditions("Created", "Running=False", "Failed:TFJobFailed") }, "failed"],
  // Katib
  ["Experiment", { conditions: conditions("Created") }, "pending"],
  ["Experiment", { conditions: conditions("Created", "Running"), trials: 1, trialsRunning: 1 }, "running"],
  [
    "Experiment",
    { conditions: conditions("Created", "Running=False", "Succeeded:ExperimentGoalReached") },
    "succeeded",
  ],
  [
    "Experiment",
    { conditions: conditions("Created", "Running=False", "Succeeded:ExperimentMaxTrialsReached") },
    "succeeded",
  ],
  ["Experiment", { conditions: conditions("Created", "Running=False", "Failed:ExperimentFailed") }, "failed"],
  // restarted with more trials: what it had succeeded is False again
  ["Experiment", { conditions: conditions("Created", "Succeeded=False", "Running"), trialsSucceeded: 3 }, "running"],
])("a %s with %j is %s", (kind, status, state) => {
  expect(stateOf(object(kind, status)).state).toBe(state);
});

test("of two conditions that end it the last one counts", () => {
  expect(stateOf(object("PyTorchJob", { conditions: conditions("Succeeded", "Failed") })).state).toBe("failed");
  expect(stateOf(object("PyTorchJob", { conditions: conditions("Failed", "Succeeded") })).state).toBe("succeeded");
});

test.each([
  ["Job", { spec: { suspend: true } }],
  ["TrainJob", { spec: { suspend: true } }],
  ["PyTorchJob", { spec: { runPolicy: { suspend: true } } }],
  ["TFJob", { spec: { runPolicy: { suspend: true } } }],
])("a %s that we have suspended is cancelled, one that a queue holds waits", (kind, rest) => {
  const ours = { metadata: { name: "train", annotations: { "ml-release/cancelled-at": AT } } };
  expect(stateOf(object(kind, {}, { ...rest, ...ours }))).toMatchObject({ state: "cancelled", isSuspended: true });
  expect(stateOf(object(kind, {}, rest))).toMatchObject({ state: "pending", isSuspended: true });
});

test("what has ended before it was suspended has ended", () => {
  const metadata = { name: "train", annotations: { "ml-release/cancelled-at": AT } };
  const status = { conditions: conditions("Suspended", "Complete"), completionTime: AT };
  expect(stateOf(object("Job", status, { metadata, spec: { suspend: true } })).state).toBe("succeeded");
});

test("what is being deleted is cancelled, unless it had ended", () => {
  const metadata = { name: "train", deletionTimestamp: AT };
  expect(stateOf(object("Job", { active: 1 }, { metadata })).state).toBe("cancelled");
  expect(stateOf(object("Job", { conditions: conditions("Failed") }, { metadata })).state).toBe("failed");
});

test("a deadline is told with its number", () => {
  const status = { conditions: [{ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "too long" }] };
  expect(stateOf(object("Job", status, { spec: { activeDeadlineSeconds: 30 } })).reason).toBe(
    "DeadlineExceeded: too long (activeDeadlineSeconds is 30)",
  );
  const policy = { spec: { runPolicy: { activeDeadlineSeconds: 60 } } };
  expect(stateOf(object("PyTorchJob", status, policy)).reason).toContain("(activeDeadlineSeconds is 60)");
});

test.each([
  ["Job", { spec: { completions: 4 }, status: { succeeded: 1, failed: 2 } }, "1 of 4 pods succeeded, 2 failed"],
  ["Job", { status: { active: 1 } }, undefined],
  [
    "TrainJob",
    { status: { trainerStatus: { progressPercentage: 42, estimatedRemainingSeconds: 4_800 } } },
    "42 %, 1h20m left",
  ],
  ["TrainJob", { status: { jobsStatus: [{ name: "node", active: 2, ready: 1 }] } }, "node: 2 active, 1 ready"],
  [
    "PyTorchJob",
    { status: { replicaStatuses: { Master: { succeeded: 1 }, Worker: { active: 3, failed: 1 } } } },
    "Master: 1 succeeded; Worker: 3 active, 1 failed",
  ],
  [
    "Experiment",
    {
      spec: { maxTrialCount: 12, objective: { type: "minimize", objectiveMetricName: "loss" } },
      status: {
        trials: 7,
        trialsSucceeded: 5,
        trialsRunning: 2,
        currentOptimalTrial: { bestTrialName: "tune-x", observation: { metrics: [{ name: "loss", min: "0.02" }] } },
      },
    },
    "5 of 12 trials succeeded, 2 running; best: loss 0.02 in trial tune-x",
  ],
])("a %s tells how far it is", (kind, parts, progress) => {
  expect(stateOf(object(kind, {}, parts)).progress).toBe(progress);
});

test("the start and the end of a run are the object's own", () => {
  const status = { startTime: AT, completionTime: "2026-11-21T09:30:00Z", conditions: conditions("Complete") };
  expect(stateOf(object("Job", status))).toMatchObject({
    startedAtMs: Date.parse(AT),
    finishedAtMs: Date.parse(AT) + 1_800_000,
  });
  // a failed Job has no completion time
  expect(stateOf(object("Job", { conditions: conditions("Failed") })).finishedAtMs).toBe(Date.parse(AT));
});

test("metrics of a TrainJob are its trainer's, text or number", () => {
  const metrics = [
    { name: "loss", value: "0.25" },
    { name: "accuracy", value: 0.9 },
    { name: "grad", value: "NaN" },
    { name: "phase", value: "warm-up" },
  ];
  const one = object("TrainJob", { trainerStatus: { metrics } });
  expect(kindOf(one, undefined)?.outputs(one).metrics).toEqual({ loss: 0.25, accuracy: 0.9, grad: "NaN" });
});

test("every kind of the table is found by its own apiVersion, and by no other", () => {
  for (const { group, version, kind } of KINDS) {
    expect(kindOf({ apiVersion: `${group}/${version}`, kind }, undefined)?.kind).toBe(kind);
    expect(kindOf({ apiVersion: `${group}/v9`, kind }, undefined)).toBeUndefined();
  }
});
