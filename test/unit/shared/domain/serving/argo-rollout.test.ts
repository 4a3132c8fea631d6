import { describe, expect, it } from "vitest";
import {
  formatPosition,
  modelOf,
  readRollout,
  shareInForce,
  templateOfSet,
} from "../../../../../actions/shared/domain/serving/argo-rollout.ts";
import {
  ABORTED,
  type ArgoSituation,
  argoState,
  BEFORE,
  CANDIDATE,
  FORMER,
  HEALTHY,
  pausedAt,
} from "../../../../support/argo-state.ts";
import { digits, digitsRollout } from "../../../../support/rollout-target.ts";

const routedAt = (weight: number) => ({ canary: { weights: { canary: { weight } } } });
const ROUTED = { trafficRouting: { plugins: {} } };

describe("a Rollout", () => {
  it.each<readonly [string, ArgoSituation, number]>([
    ["nobody of ours does anything with it", { isOurs: false, status: pausedAt(1, 1) }, 0],
    ["its controller has not seen the candidate", { isUnseen: true, current: BEFORE, status: HEALTHY }, 0],
    ["it is on its way to the first pause", { status: { currentStepIndex: 0 } }, 0.25],
    ["it pauses", { status: pausedAt(1, 1) }, 0.25],
    [
      "it pauses, and its controller has yet to see that it is scaled",
      { isUnseen: true, status: pausedAt(1, 1) },
      0.25,
    ],
    ["it goes on from there", { status: { controllerPause: true, currentStepIndex: 1 } }, 0.25],
    ["it is on its way to the next pause", { status: { currentStepIndex: 2 } }, 0.5],
    ["its last step is over", { status: { currentStepIndex: 4 } }, 1],
    ["it is told to promote fully", { status: { promoteFull: true, currentStepIndex: 0 } }, 1],
    ["the candidate is stable", { stable: CANDIDATE, status: HEALTHY }, 1],
    ["an abort has just begun", { status: { ...ABORTED, updatedReplicas: 2 } }, 0.5],
    ["an abort is over", { status: { ...ABORTED, updatedReplicas: 0 } }, 0],
    [
      "the former template has not been seen after an abort",
      { spec: "before", isUnseen: true, current: CANDIDATE, status: { updatedReplicas: 1 } },
      0.25,
    ],
    [
      "the former template is back with one pod of the candidate left",
      { spec: "before", status: { updatedReplicas: 3 } },
      0.25,
    ],
    ["the former template is back", { spec: "before", status: HEALTHY }, 0],
    [
      "the former template came back before the candidate was seen",
      { spec: "before", isUnseen: true, status: HEALTHY },
      0,
    ],
    [
      "the former template has not been seen by what is stable now",
      { spec: "before", isUnseen: true, current: CANDIDATE, stable: CANDIDATE, status: HEALTHY },
      1,
    ],
    [
      "the former template comes back from what is stable now",
      { spec: "before", stable: CANDIDATE, status: { updatedReplicas: 3 } },
      0.25,
    ],
    ["a router has the weight", { canary: ROUTED, status: { ...pausedAt(1, 1), ...routedAt(25) } }, 0.25],
    ["a router has another weight", { canary: ROUTED, status: { ...pausedAt(1, 1), ...routedAt(10) } }, 0.1],
    ["a router keeps its weight after an abort", { canary: ROUTED, status: { ...ABORTED, ...routedAt(25) } }, 0.25],
    [
      "a router keeps its weight for what is gone",
      { canary: ROUTED, spec: "before", status: { ...HEALTHY, ...routedAt(25) } },
      0.25,
    ],
    [
      "a router moves back to the former template",
      { canary: ROUTED, spec: "before", stable: CANDIDATE, status: routedAt(60) },
      0.4,
    ],
  ])("tells the candidate's share where %s", (_, situation, share) => {
    expect(shareInForce(argoState(situation))).toBeCloseTo(share, 12);
  });

  it.each<readonly [string, ArgoSituation, string]>([
    ["an old status", { isUnseen: true }, "its controller has not seen the change yet"],
    ["a pause of ours", { status: pausedAt(1, 1) }, "CanaryPauseStep at steps[1], setWeight: 25"],
    [
      "a pause for a while",
      { steps: [{ setWeight: 25 }, { pause: { duration: 60 } }, { pause: {} }], status: pausedAt(1, 1) },
      "it pauses at steps[1] for a while",
    ],
    [
      "a pause of an analysis",
      { status: { pauseConditions: [{ reason: "InconclusiveAnalysisRun" }] } },
      "InconclusiveAnalysisRun",
    ],
    ["a pause by hand", { paused: true, status: { message: "manually paused" } }, "manually paused"],
    [
      "a deadline",
      { status: { phase: "Degraded", message: "ProgressDeadlineExceeded: x" } },
      "ProgressDeadlineExceeded: x",
    ],
    ["health with another template on its way", { status: { phase: "Healthy", message: null } }, "Healthy"],
    ["nothing yet", { status: { phase: null, message: null } }, "its controller has not seen it yet"],
  ])("reads %s in Argo's own words", (_, situation, words) => {
    expect(formatPosition(argoState(situation))).toBe(words);
  });

  it("believes a status only when its generation, which is text, is not older", () => {
    const at = (observedGeneration: string | null) =>
      argoState({ spec: "before", isOurs: false, status: { ...HEALTHY, observedGeneration } }).position.at;
    expect([at("4"), at("5"), at("12"), at("5f7c9"), at(null)]).toEqual([
      "unseen",
      "settled",
      "settled",
      "settled",
      "unseen",
    ]);
  });

  it("takes an annotation that is none for no rollout of ours", () => {
    for (const text of ["", "{", "[]", '{"template":{}}']) {
      const object = JSON.parse(digitsRollout());
      object.metadata.annotations = { "ml-release.dev/former": text };
      expect(readRollout(object).former).toBeUndefined();
    }
  });

  it("finds in a ReplicaSet the template that was written into it", () => {
    const labels = { app: "digits", "rollouts-pod-template-hash": "7f69fbcc96" };
    const annotations = { "ml-release.dev/model": "digits@1", "ml-release.dev/digest": digits("1").digest };
    const set = { spec: { template: { ...FORMER, metadata: { creationTimestamp: null, labels, annotations } } } };
    expect(templateOfSet(set)).toEqual(FORMER);
    expect(modelOf(templateOfSet(set))).toEqual(digits("1"));
  });
});
