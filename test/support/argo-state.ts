import type { JsonObject } from "../../actions/shared/domain/canonical.ts";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import { type ArgoRollout, formatFormer, readRollout } from "../../actions/shared/domain/serving/argo-rollout.ts";
import { withVersion } from "../../actions/shared/domain/serving/pod-template.ts";
import { digits, digitsRollout, type RolloutOptions } from "./rollout-target.ts";

/** Hashes of the template before, of the candidate's, and of one that somebody else made. */
export const BEFORE = "before";
export const CANDIDATE = "candidate";

export type ArgoSituation = {
  /** What is in the spec; default the candidate. */
  readonly spec?: "before" | "candidate" | "other";
  /** Whether a rollout of ours is under way. */
  readonly isOurs?: boolean;
  /** The controller has not seen the spec yet. */
  readonly isUnseen?: boolean;
  readonly current?: string;
  readonly stable?: string;
  readonly status?: JsonObject;
  readonly paused?: boolean;
} & Pick<RolloutOptions, "steps" | "canary" | "replicas">;

/** The template that is before every candidate. */
export const FORMER = (JSON.parse(digitsRollout()) as { readonly spec: { readonly template: KubeObject } }).spec
  .template;

export function candidateTemplate(version = "2"): KubeObject {
  const model = digits(version);
  return withVersion({
    template: FORMER,
    version: { model, uri: `s3://models/digits/${version}`, marks: {} },
    container: "server",
  });
}

const OTHER: KubeObject = {
  ...FORMER,
  metadata: { labels: { app: "digits" }, annotations: { "example.test/by": "hand" } },
};

/** A Rollout of four pods with pauses at a quarter and at a half, as its controller tells it. */
export function argoState({
  spec = "candidate",
  isOurs = true,
  isUnseen = false,
  current = spec === "before" ? BEFORE : CANDIDATE,
  stable = BEFORE,
  status = {},
  paused = false,
  ...options
}: ArgoSituation): ArgoRollout {
  const object = JSON.parse(digitsRollout(options)) as { readonly spec: KubeObject; readonly metadata: KubeObject };
  const template = { before: FORMER, candidate: candidateTemplate(), other: OTHER }[spec];
  const former = formatFormer({ template: FORMER, hash: BEFORE, replicas: 4, marks: { "ml-release.dev/run": "7" } });
  return readRollout({
    ...object,
    metadata: {
      ...object.metadata,
      resourceVersion: "12",
      generation: 5,
      annotations: isOurs ? { "ml-release.dev/former": former } : {},
    },
    spec: { ...object.spec, template, paused },
    status: {
      observedGeneration: isUnseen ? "4" : "5",
      phase: "Progressing",
      message: "more replicas need to be updated",
      currentPodHash: current,
      stableRS: stable,
      replicas: 4,
      ...status,
    },
  });
}

/** Paused at a step, with so many pods of the candidate. */
export function pausedAt(step: number, updated: number): JsonObject {
  return {
    phase: "Paused",
    message: "CanaryPauseStep",
    controllerPause: true,
    pauseConditions: [{ reason: "CanaryPauseStep", startTime: "2026-11-21T09:00:00Z" }],
    currentStepIndex: step,
    updatedReplicas: updated,
  };
}

export const HEALTHY: JsonObject = { phase: "Healthy", message: null, currentStepIndex: 4, updatedReplicas: 4 };
export const ABORTED: JsonObject = {
  phase: "Degraded",
  message: "RolloutAborted: Rollout aborted update to revision 2",
  abort: true,
  currentStepIndex: 0,
};
