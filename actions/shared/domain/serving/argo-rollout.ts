import { canonicalJson, isJsonObject, type JsonObject } from "../canonical.ts";
import { type KubeObject, listAt, numberAt, recordAt, textAt, textsAt, valueAt } from "../manifest/object.ts";
import { parseJson } from "../parse-json.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { type ArgoSteps, type Stop, stepsOf } from "./argo-steps.ts";
import { FORMER_MARK, markedModel } from "./marks.ts";
import { shareOfPods } from "./pod-share.ts";
import { isSameTemplate } from "./same-template.ts";

/** What is needed to go back, and to tell later whose rollout it was: kept in an annotation of the Rollout while one of ours is under way. */
export type FormerTemplate = {
  readonly template: KubeObject;
  /** Its pods' hash; "" where nothing was stable. */
  readonly hash: string;
  /** Of which shares are made where pods make them: an autoscaler that changes the number later changes no step. */
  readonly replicas: number;
  /** Annotations that what serves gets once it is promoted. */
  readonly marks: Readonly<Record<string, string>>;
};

/** A Rollout as it is now. */
export type ArgoRollout = {
  readonly name: string;
  /** For changes that hold only for what was read. */
  readonly version: string;
  readonly template: KubeObject;
  /** Whether it is paused by hand (`spec.paused`): the controller then scales nothing. */
  readonly isPausedByHand: boolean;
  readonly isPromotedFully: boolean;
  readonly steps: ArgoSteps;
  readonly step: number;
  /** `rollouts-pod-template-hash` of the newest template that the controller has seen, and of what is stable; "" before there is one. */
  readonly currentHash: string;
  readonly stableHash: string;
  readonly former: FormerTemplate | undefined;
  readonly position: Position;
  /** The candidate's weight at the router, where the controller tells one. */
  readonly routed: number | undefined;
  readonly pods: { readonly wanted: number; readonly all: number; readonly updated: number };
  /** AnalysisRuns of the present step and in the background. */
  readonly analyses: readonly Analysis[];
};

export type Analysis = { readonly name: string; readonly status: string; readonly message: string };

/** Where the controller is with the newest template. Messages are Argo's own. */
export type Position =
  /** It has not seen the newest spec yet: what the status says is of the one before. */
  | { readonly at: "unseen" }
  | { readonly at: "moving"; readonly message: string }
  /** It waits for us. */
  | { readonly at: "stop"; readonly stop: Stop }
  /** It waits for somebody else: an inconclusive analysis, a pause by hand. */
  | { readonly at: "paused"; readonly message: string }
  | { readonly at: "aborted"; readonly message: string }
  | { readonly at: "failed"; readonly message: string }
  /** All pods are of the newest template, which is the stable one. */
  | { readonly at: "settled" };

/** The label of a Rollout's pods and ReplicaSets that tells its templates apart. */
export const HASH_LABEL = "rollouts-pod-template-hash";

export function readRollout(object: KubeObject): ArgoRollout {
  const former = parseFormer(textAt(object, ["metadata", "annotations", FORMER_MARK]));
  const steps = stepsOf(object, former?.replicas);
  const routed = numberAt(object, ["status", "canary", "weights", "canary", "weight"]);
  return {
    name: textAt(object, ["metadata", "name"]) ?? "",
    version: textAt(object, ["metadata", "resourceVersion"]) ?? "",
    template: recordAt(object, ["spec", "template"]),
    isPausedByHand: valueAt(object, ["spec", "paused"]) === true,
    isPromotedFully: valueAt(object, ["status", "promoteFull"]) === true,
    steps,
    step: stepOf(object),
    currentHash: textAt(object, ["status", "currentPodHash"]) ?? "",
    stableHash: textAt(object, ["status", "stableRS"]) ?? "",
    former,
    position: positionOf(object, steps),
    routed: routed === undefined ? undefined : routed / steps.maxWeight,
    pods: {
      wanted: numberAt(object, ["spec", "replicas"]) ?? 1,
      all: numberAt(object, ["status", "replicas"]) ?? 0,
      updated: numberAt(object, ["status", "updatedReplicas"]) ?? 0,
    },
    analyses: ["currentBackgroundAnalysisRunStatus", "currentStepAnalysisRunStatus"].flatMap((key) => {
      const run = recordAt(object, ["status", "canary", key]);
      const name = textAt(run, ["name"]);
      if (name === undefined) return [];
      return [{ name, status: textAt(run, ["status"]) ?? "", message: textAt(run, ["message"]) ?? "" }];
    }),
  };
}

/** Whether a candidate of ours is in its spec: what is there is not what there was before. */
export function hasCandidate({ former, template }: ArgoRollout): boolean {
  return former !== undefined && !isSameTemplate(template, former.template);
}

/** Whether it is on its way back to the template that it had before a candidate of ours. */
export function isGoingBack({ former, template }: ArgoRollout): boolean {
  return former !== undefined && isSameTemplate(template, former.template);
}

/** Whether what there was before is the version that Argo goes back to by itself: the candidate is not stable yet. */
export function isFormerStable({ former, stableHash }: ArgoRollout): boolean {
  return former !== undefined && former.hash === stableHash;
}

/** The candidate's share of the traffic, by the step, the router and, where pods make it on the way down, the pods. */
export function shareInForce(rollout: ArgoRollout): number {
  if (rollout.former === undefined) return 0;
  if (isGoingBack(rollout)) return shareLeft(rollout);
  if (!isFormerStable(rollout)) return 1;
  const { position, steps, routed } = rollout;
  // What the controller has not seen is not served.
  if (position.at === "unseen" && !isUpdating(rollout)) return 0;
  if (position.at === "aborted") return routed ?? shareOfNewest(rollout);
  if (rollout.isPromotedFully || rollout.step >= steps.count) return 1;
  const weight = steps.weights[rollout.step] ?? 0;
  const stop = steps.stops.find(({ step }) => step >= rollout.step);
  const share = stop?.weight === weight ? stop.share : weight / steps.maxWeight;
  const isWrong = position.at === "stop" && routed !== undefined && !isSameShare(routed, share);
  return isWrong ? routed : share;
}

/** Shares are quotients of whole numbers. */
export function isSameShare(one: number, other: number): boolean {
  return Math.abs(one - other) < 1e-9;
}

/** The version that a template serves, by our marks in it. */
export function modelOf(template: KubeObject): ServedModel | undefined {
  return markedModel(textsAt(template, ["metadata", "annotations"]));
}

/** The template of a ReplicaSet as it was written into the Rollout: without what the controller adds. */
export function templateOfSet(replicaSet: KubeObject): KubeObject {
  const template = recordAt(replicaSet, ["spec", "template"]);
  const { [HASH_LABEL]: _, ...labels } = textsAt(template, ["metadata", "labels"]);
  const { creationTimestamp: __, ...metadata } = recordAt(template, ["metadata"]);
  return { ...template, metadata: { ...metadata, labels } };
}

export function formatFormer(former: FormerTemplate): string {
  return canonicalJson(former);
}

/** `Paused at 20 %`, in a line of the log. */
export function formatPosition(rollout: ArgoRollout): string {
  const { position } = rollout;
  switch (position.at) {
    case "unseen":
      return "its controller has not seen the change yet";
    case "moving":
      return position.message;
    case "stop":
      return `CanaryPauseStep at steps[${position.stop.step}], setWeight: ${position.stop.weight}`;
    case "paused":
    case "aborted":
    case "failed":
      return position.message;
    case "settled":
      return "Healthy";
  }
}

function parseFormer(text: string | undefined): FormerTemplate | undefined {
  const read = text === undefined ? undefined : parseJson(text);
  if (!isJsonObject(read as JsonObject)) return undefined;
  const template = recordAt(read as JsonObject, ["template"]);
  if (listAt(template, ["spec", "containers"]).length === 0) return undefined;
  const replicas = numberAt(read as JsonObject, ["replicas"]) ?? 1;
  const hash = textAt(read as JsonObject, ["hash"]) ?? "";
  return { template, hash, replicas, marks: textsAt(read as JsonObject, ["marks"]) };
}

/** What the candidate still has while the template before it comes back. */
function shareLeft(rollout: ArgoRollout): number {
  const { position, steps, routed } = rollout;
  if (!isFormerStable(rollout)) {
    if (position.at === "unseen") return 1;
    return steps.isRouted ? 1 - (routed ?? 0) : 1 - shareOfNewest(rollout);
  }
  if (position.at !== "unseen") return steps.isRouted ? (routed ?? 0) : 1 - shareOfNewest(rollout);
  return isUpdating(rollout) ? (routed ?? shareOfNewest(rollout)) : 0;
}

function isUpdating({ currentHash, stableHash }: ArgoRollout): boolean {
  return currentHash !== stableHash;
}

function shareOfNewest({ pods }: ArgoRollout): number {
  return shareOfPods(pods.updated, pods.all - pods.updated);
}

function stepOf(object: KubeObject): number {
  return numberAt(object, ["status", "currentStepIndex"]) ?? 0;
}

function positionOf(object: KubeObject, steps: ArgoSteps): Position {
  const status = recordAt(object, ["status"]);
  if (!isObserved(object)) return { at: "unseen" };
  const message = textAt(status, ["message"]) ?? "";
  const [current, stable] = [textAt(status, ["currentPodHash"]), textAt(status, ["stableRS"])];
  const isUpdating = current !== stable;
  if (valueAt(status, ["abort"]) === true && isUpdating) return { at: "aborted", message: message || "aborted" };
  const reasons = listAt(status, ["pauseConditions"]).map((one) => textAt(one, ["reason"]) ?? "");
  if (valueAt(status, ["controllerPause"]) === true && reasons.length === 0)
    return { at: "moving", message: "it goes on from its pause" };
  if (valueAt(object, ["spec", "paused"]) === true) return { at: "paused", message: message || "manually paused" };
  const other = reasons.find((reason) => reason !== "CanaryPauseStep");
  if (other !== undefined) return { at: "paused", message: other };
  if (reasons.length > 0) return pausedAt(object, steps);
  const phase = textAt(status, ["phase"]) ?? "";
  if (phase === "Degraded") return { at: "failed", message };
  if (phase === "Healthy" && !isUpdating) return { at: "settled" };
  return { at: "moving", message: message || phase || "its controller has not seen it yet" };
}

function pausedAt(object: KubeObject, { stops }: ArgoSteps): Position {
  const step = stepOf(object);
  const stop = stops.find((one) => one.step === step);
  // A pause with a duration ends by itself.
  return stop === undefined
    ? { at: "moving", message: `it pauses at steps[${step}] for a while` }
    : { at: "stop", stop };
}

/** `status.observedGeneration` is text. Versions before 1.0 put a hash there, of which nothing can be told. */
function isObserved(object: KubeObject): boolean {
  const text = textAt(object, ["status", "observedGeneration"]);
  if (text === undefined) return false;
  const generation = numberAt(object, ["metadata", "generation"]) ?? 0;
  return !/^\d+$/.test(text) || Number(text) >= generation;
}
