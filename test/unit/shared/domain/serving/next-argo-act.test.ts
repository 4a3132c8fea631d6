import { describe, expect, it } from "vitest";
import type { ArgoAct, ArgoGoal } from "../../../../../actions/shared/domain/serving/argo-act.ts";
import { nextArgoAct } from "../../../../../actions/shared/domain/serving/next-argo-act.ts";
import { isSameTemplate } from "../../../../../actions/shared/domain/serving/same-template.ts";
import {
  ABORTED,
  type ArgoSituation,
  argoState,
  BEFORE,
  CANDIDATE,
  candidateTemplate,
  FORMER,
  HEALTHY,
  pausedAt,
} from "../../../../support/argo-state.ts";

const MEMORY = { isDrained: false, abortedForMs: 0 };
const candidate = candidateTemplate();
const stop = { pause: {} };
const DARK = [stop, { setWeight: 25 }, stop, { setWeight: 50 }, stop];

const stage: ArgoGoal = { goal: "stage", candidate };
const replace: ArgoGoal = { goal: "replace", candidate };
const promote: ArgoGoal = { goal: "promote" };
const remove: ArgoGoal = { goal: "remove" };
const share = (wanted: number): ArgoGoal => ({ goal: "share", share: wanted, candidate });

const steady: ArgoSituation = { spec: "before", isOurs: false, status: HEALTHY };
const unseen: ArgoSituation = { isUnseen: true, current: BEFORE, status: HEALTHY };
const moving: ArgoSituation = { status: { currentStepIndex: 0 } };
const going: ArgoSituation = { status: { controllerPause: true, currentStepIndex: 1 } };
const atQuarter: ArgoSituation = { status: pausedAt(1, 1) };
const atHalf: ArgoSituation = { status: pausedAt(3, 2) };
const promoted: ArgoSituation = { stable: CANDIDATE, status: HEALTHY };
const aborted: ArgoSituation = { status: { ...ABORTED, updatedReplicas: 0 } };
const inconclusive: ArgoSituation = {
  status: {
    phase: "Paused",
    pauseConditions: [{ reason: "InconclusiveAnalysisRun" }],
    controllerPause: true,
    currentStepIndex: 2,
    updatedReplicas: 1,
  },
};
const late: ArgoSituation = {
  status: { phase: "Degraded", message: "ProgressDeadlineExceeded: ReplicaSet has timed out" },
};
const byHand: ArgoSituation = {
  paused: true,
  status: { phase: "Paused", message: "manually paused", currentStepIndex: 0 },
};
const back: ArgoSituation = { spec: "before", status: HEALTHY };
const comingBack: ArgoSituation = {
  spec: "before",
  current: BEFORE,
  stable: CANDIDATE,
  status: { currentStepIndex: 0, updatedReplicas: 1 },
};

const said = (act: ArgoAct): string => {
  if (act.do === "fail") return `${act.code}: ${act.problem.rule}`;
  if (act.do !== "write") return act.do;
  const { change } = act;
  if (!("template" in change)) return change.do;
  return `${change.do} ${isSameTemplate(change.template, FORMER) ? "before" : "candidate"}`;
};
const next = (goal: ArgoGoal, situation: ArgoSituation, memory = MEMORY) =>
  said(nextArgoAct(goal, argoState(situation), memory));

describe("what is done next with a Rollout", () => {
  it.each<readonly [string, ArgoSituation, string]>([
    ["nothing is under way and it begins with a share", steady, "done"],
    ["nothing is under way and it begins with a pause", { ...steady, steps: DARK }, "patch-template candidate"],
    ["the version serves already", { ...promoted, isOurs: false, steps: DARK }, "done"],
    ["the controller has not seen it", { ...unseen, steps: DARK }, "wait"],
    ["it moves", { ...moving, steps: DARK }, "wait"],
    ["it waits for us", { steps: DARK, status: pausedAt(0, 0) }, "done"],
    ["the controller has yet to see something else", { ...steady, isUnseen: true, steps: DARK }, "wait"],
    ["a pod is missing", { ...steady, status: { phase: "Progressing", updatedReplicas: 3 }, steps: DARK }, "wait"],
    [
      "an update of somebody else is under way",
      { ...atQuarter, spec: "other", isOurs: false },
      "CONFLICT: Rollout digits must be Healthy before a candidate begins",
    ],
    [
      "what is stable is not well",
      { ...steady, status: { phase: "Degraded", message: "InvalidSpec: x" } },
      "CONFLICT: Rollout digits must be Healthy before a candidate begins",
    ],
    [
      "another template is in it",
      { ...atQuarter, spec: "other" },
      "CONFLICT: Rollout digits has another pod template than the candidate's",
    ],
    [
      "a former candidate is not gone yet",
      { ...comingBack, status: { updatedReplicas: 1, promoteFull: true } },
      "wait",
    ],
    ["a former candidate is gone", back, "forget"],
    ["somebody aborted it", aborted, "CONFLICT: Rollout digits was aborted by somebody else"],
    ["its pods do not come up in time", late, "COMMAND: Rollout digits does not come up"],
  ])("to stage a candidate where %s", (_, situation, expected) => {
    expect(next(stage, situation)).toBe(expected);
  });

  it.each<readonly [string, readonly [number, ArgoSituation], string]>([
    ["is not in it yet", [0.25, steady], "patch-template candidate"],
    ["has not been seen", [0.25, unseen], "wait"],
    ["is on its way", [0.25, moving], "wait"],
    ["is just told to go on", [0.5, going], "wait"],
    ["has it", [0.25, atQuarter], "done"],
    ["has less", [0.5, atQuarter], "continue"],
    ["has less, and is to get everything", [1, atHalf], "continue"],
    ["has everything", [1, promoted], "done"],
    [
      "has more",
      [0.25, atHalf],
      "CONFLICT: Rollout digits gives the candidate 50 % where 25 % was asked for: somebody else told it to go on",
    ],
    [
      "has everything, and was to have less",
      [0.5, promoted],
      "CONFLICT: Rollout digits was promoted by somebody else while the candidate was to have 50 %",
    ],
    ["is to have what no step has", [0.3, atQuarter], "REFUSED: Rollout digits never stops at 30 %"],
    ["waits for an analysis", [0.5, inconclusive], "CONFLICT: Rollout digits waits for somebody else"],
    ["was paused by hand", [0.5, byHand], "CONFLICT: Rollout digits waits for somebody else"],
    ["was aborted by a person", [0.5, aborted], "CONFLICT: Rollout digits was aborted by somebody else"],
    [
      "was aborted by an analysis",
      [0.5, { status: { ...ABORTED, message: `${String(ABORTED.message)}: metric "errors" assessed Failed` } }],
      "COMMAND: Rollout digits aborted the candidate",
    ],
    ["is late", [0.25, late], "COMMAND: Rollout digits does not come up"],
    ["is being taken back", [0.25, comingBack], "CONFLICT: Rollout digits is on its way back to the version before"],
    [
      "was changed",
      [0.5, { ...atQuarter, spec: "other" }],
      "CONFLICT: Rollout digits has another pod template than the candidate's",
    ],
  ])("to give a share to a candidate that %s", (_, [wanted, situation], expected) => {
    expect(next(share(wanted), situation)).toBe(expected);
  });

  it("gives nothing to a candidate that this process does not know", () => {
    expect(next({ goal: "share", share: 0.25, candidate: undefined }, steady)).toBe(
      "REFUSED: Rollout digits has no candidate that could get traffic",
    );
    expect(next({ goal: "share", share: 0.5, candidate: undefined }, atQuarter)).toBe("continue");
  });

  it("stops where the router does not do as it is told", () => {
    const canary = { trafficRouting: { plugins: {} } };
    const weights = { canary: { weights: { canary: { weight: 5 } } } };
    expect(next(share(0.25), { ...atQuarter, canary, status: { ...pausedAt(1, 1), ...weights } })).toBe(
      "CONFLICT: Rollout digits stops at 25 %, and its router sends 5 % to the candidate",
    );
  });

  it.each<readonly [string, ArgoSituation, string]>([
    ["there is none", steady, "done"],
    ["it has not been seen, and an abort would be forgotten", unseen, "patch-template before"],
    ["it moves", moving, "abort"],
    ["it waits for us", atQuarter, "abort"],
    ["it waits for an analysis", inconclusive, "abort"],
    ["its pods are late", late, "abort"],
    ["it was paused by hand, and would not hear of an abort", byHand, "unpause-and-restore before"],
    ["it is being promoted fully", { status: { promoteFull: true, currentStepIndex: 1 } }, "abort"],
    ["it waits with no share", { steps: DARK, status: pausedAt(0, 0) }, "done"],
    ["the abort is not over", { status: { ...ABORTED, updatedReplicas: 1 } }, "wait"],
    ["it was aborted", aborted, "done"],
    ["it is stable already", promoted, "patch-template before"],
    ["it is on its way back", comingBack, "promote-full"],
    ["it is back", back, "done"],
  ])("to take everything from a candidate where %s", (_, situation, expected) => {
    expect(next(share(0), situation)).toBe(expected);
  });

  it("puts the template before where an abort does not take the weight back", () => {
    const canary = { trafficRouting: { plugins: {} }, dynamicStableScale: true };
    const stuck = { canary, status: { ...ABORTED, canary: { weights: { canary: { weight: 40 } } } } };
    expect(next(share(0), stuck)).toBe("wait");
    expect(next(share(0), stuck, { isDrained: false, abortedForMs: 30_000 })).toBe("patch-template before");
    const still = { ...back, canary, status: { ...HEALTHY, canary: { weights: { canary: { weight: 40 } } } } };
    expect(next(remove, still)).toBe("wait");
  });

  it.each<readonly [string, ArgoSituation, string]>([
    ["nothing is under way", steady, "done"],
    ["it has not been seen", unseen, "wait"],
    ["it waits for us the last time", atHalf, "continue"],
    ["it just goes on from there", { status: { controllerPause: true, currentStepIndex: 3 } }, "wait"],
    ["pauses are left", atQuarter, "promote-full"],
    ["it is on its way to a pause", moving, "promote-full"],
    ["it was told so", { status: { promoteFull: true, currentStepIndex: 0 } }, "wait"],
    ["it is there", promoted, "forget"],
    ["it was aborted", aborted, "CONFLICT: Rollout digits was aborted by somebody else"],
    ["its pods are late", late, "COMMAND: Rollout digits does not come up"],
    ["it waits for an analysis", inconclusive, "CONFLICT: Rollout digits waits for somebody else"],
    ["it is on its way back", comingBack, "CONFLICT: Rollout digits is on its way back to the version before"],
  ])("to promote where %s", (_, situation, expected) => {
    expect(next(promote, situation)).toBe(expected);
  });

  it("gives what is promoted the marks of its rollout", () => {
    const act = nextArgoAct(promote, argoState(promoted), MEMORY);
    expect(act).toMatchObject({ change: { marks: { "ml-release.dev/run": "7" } } });
  });

  it.each<readonly [string, ArgoSituation, string]>([
    ["nothing is under way", steady, "done"],
    ["it has traffic", atHalf, "abort"],
    ["requests under way need time", aborted, "drain"],
    ["it is stable already", promoted, "patch-template before"],
    [
      "the former template has not been seen",
      { spec: "before", isUnseen: true, current: CANDIDATE, status: HEALTHY },
      "wait",
    ],
    ["the former template would go through the steps", comingBack, "promote-full"],
    ["the former template waits at a pause", { ...comingBack, status: pausedAt(1, 1) }, "promote-full"],
    [
      "the former template is told to come at once",
      { ...comingBack, status: { promoteFull: true, updatedReplicas: 1 } },
      "wait",
    ],
    [
      "the former template is paused by hand",
      { ...comingBack, paused: true, status: { phase: "Paused" } },
      "unpause-and-restore before",
    ],
    [
      "the candidate is paused by hand and has no share left",
      { paused: true, status: { ...ABORTED, updatedReplicas: 0 } },
      "drain",
    ],
    ["pods of the candidate are left", { spec: "before", status: { ...HEALTHY, updatedReplicas: 3 } }, "wait"],
    ["everything is as before", back, "forget"],
    [
      "somebody aborted the way back",
      { ...comingBack, status: ABORTED },
      "CONFLICT: Rollout digits was aborted by somebody else",
    ],
    [
      "the former pods do not come up",
      { ...comingBack, status: { phase: "Degraded", message: "ProgressDeadlineExceeded" } },
      "COMMAND: Rollout digits does not come up",
    ],
  ])("to remove a candidate where %s", (_, situation, expected) => {
    expect(next(remove, situation)).toBe(expected);
  });

  it("gives the template before back once requests have ended, and takes a pause by hand away with it", () => {
    const drained = { isDrained: true, abortedForMs: 0 };
    expect(next(remove, aborted, drained)).toBe("patch-template before");
    expect(next(remove, { paused: true, ...aborted }, drained)).toBe("unpause-and-restore before");
  });

  it.each<readonly [string, ArgoSituation, string]>([
    ["another version serves", steady, "patch-template candidate"],
    [
      "another version serves badly",
      { ...steady, status: { phase: "Degraded", message: "x" } },
      "patch-template candidate",
    ],
    ["nothing was ever stable", { ...steady, current: BEFORE, stable: "" }, "patch-template candidate"],
    [
      "an update of somebody else is under way",
      { ...atQuarter, spec: "other", isOurs: false },
      "CONFLICT: Rollout digits must be Healthy before a candidate begins",
    ],
    ["it is in the spec", unseen, "wait"],
    ["it would go through the steps", moving, "promote-full"],
    ["it is there", promoted, "forget"],
    ["it serves", { ...promoted, isOurs: false }, "done"],
    ["it serves, but for a pod", { ...promoted, isOurs: false, status: { phase: "Progressing" } }, "wait"],
    [
      "another version is in the spec",
      { ...atQuarter, spec: "other" },
      "CONFLICT: Rollout digits has another pod template than the candidate's",
    ],
  ])("to replace what is stable where %s", (_, situation, expected) => {
    expect(next(replace, situation)).toBe(expected);
  });

  it("takes a replacement back where the version before is asked for", () => {
    expect(next({ goal: "replace", candidate: FORMER }, moving)).toBe("abort");
  });
});
