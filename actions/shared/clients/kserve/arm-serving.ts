import type { KubeObject } from "../../domain/manifest/object.ts";
import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Arm, ArmNames, ServingState } from "../../ports/serving.ts";
import type { KServeMode } from "./read-service.ts";

/** What a rollout does with an InferenceService in one of its modes. */
export type ArmServing = {
  current(): Promise<ServingState>;
  apply(arm: Arm, model: ServedModel): Promise<void>;
  split(share: number): Promise<void>;
  promote(): Promise<void>;
  remove(): Promise<void>;
  /** What the candidate will be called, or a name that nothing has. */
  armsToBe(): Promise<{ readonly candidate: ArmNames; readonly stable: ArmNames }>;
  /** Whether traffic is split by whole percents only. */
  takesWholePercents(isvc: KubeObject, uri: string): Promise<boolean>;
  arms(): Promise<{ readonly candidate?: ArmNames; readonly stable?: ArmNames }>;
  /** What a version would change, and what was found that matters to it. */
  preview(
    isvc: KubeObject,
    uri: string,
  ): Promise<{ readonly changes: readonly Change[]; readonly notes: readonly string[] }>;
};

export type Change = { readonly what: string; readonly from?: string; readonly to?: string };

/** A share that KServe has no number for. */
export function oddShare(mode: KServeMode, share: number): Problem {
  return {
    rule: `${mode === "knative" ? "KServe in Knative mode" : "spec.canary of KServe"} splits traffic by whole percents`,
    where: { input: "steps" },
    saw: `${Number((share * 100).toFixed(4))}%`,
    hint: "write the steps as whole percents, such as 1%, 5%, 25%",
  };
}

/** Somebody else changed the split since this process set it. */
export function foreignSplit(now: string, set: string, to: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: "the split is changed by one rollout only",
    where: { input: "target" },
    saw: `${now} for the candidate, where ${set} was set`,
    hint: `${to} was not set: see who changes it, then deploy again`,
  });
}
