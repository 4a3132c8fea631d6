import type { KubeObject } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Arm, ArmNames, ServingState } from "../../ports/serving.ts";

/** What a rollout does with an InferenceService in one of its modes. */
export type ArmServing = {
  current(): Promise<ServingState>;
  apply(arm: Arm, model: ServedModel): Promise<void>;
  split(share: number): Promise<void>;
  promote(): Promise<void>;
  remove(): Promise<void>;
  arms(): Promise<{ readonly candidate?: ArmNames; readonly stable?: ArmNames }>;
  /** What a version would change, and what was found that matters to it. */
  preview(
    isvc: KubeObject,
    uri: string,
  ): Promise<{ readonly changes: readonly Change[]; readonly notes: readonly string[] }>;
};

export type Change = { readonly what: string; readonly from?: string; readonly to?: string };

/** Somebody else changed the split since this process set it. */
export function foreignSplit(now: string, set: string, to: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: "the split is changed by one rollout only",
    where: { input: "target" },
    saw: `${now} for the candidate, where ${set} was set`,
    hint: `${to} was not set: see who changes it, then deploy again`,
  });
}
