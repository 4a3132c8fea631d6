import type { KubeObject } from "../manifest/object.ts";
import type { Problem } from "../problem.ts";
import { type ArgoRollout, type FormerTemplate, formatPosition } from "./argo-rollout.ts";

/** What is to be reached. `candidate`: the template with the new version in it, where this process knows it. */
export type ArgoGoal =
  | { readonly goal: "stage"; readonly candidate: KubeObject }
  /** At once and for good, without the Rollout's steps. */
  | { readonly goal: "replace"; readonly candidate: KubeObject }
  | { readonly goal: "share"; readonly share: number; readonly candidate: KubeObject | undefined }
  | { readonly goal: "promote" }
  | { readonly goal: "remove" };

/** What this process saw and did for the goal already. */
export type ArgoMemory = {
  /** Requests under way were given time to end. */
  readonly isDrained: boolean;
  /** How long an abort has been in the status. */
  readonly abortedForMs: number;
};

/** A change of the Rollout itself. */
export type SpecAct =
  /** `spec.template`, and what it was before where that is not kept yet. */
  | { readonly do: "patch-template"; readonly template: KubeObject; readonly keep: "former" | "as-is" }
  | { readonly do: "unpause-and-restore"; readonly template: KubeObject }
  /** The end of a rollout of ours: what there was before is forgotten. */
  | { readonly do: "forget"; readonly marks: FormerTemplate["marks"] | undefined };

/** A change of its status, by which it is told what to do. */
export type StatusAct =
  /** The step that it waits at is over. */
  { readonly do: "continue"; readonly step: number } | { readonly do: "promote-full" } | { readonly do: "abort" };

/** One step on the way: at most one write, or one wait. */
export type ArgoAct =
  | { readonly do: "done" }
  | { readonly do: "wait"; readonly for: string }
  | { readonly do: "drain" }
  | { readonly do: "write"; readonly change: SpecAct | StatusAct }
  | { readonly do: "fail"; readonly code: "COMMAND" | "CONFLICT" | "REFUSED"; readonly problem: Problem };

export const DONE: ArgoAct = { do: "done" };

export function write(change: SpecAct | StatusAct): ArgoAct {
  return { do: "write", change };
}

export function waiting(rollout: ArgoRollout): ArgoAct {
  return { do: "wait", for: formatPosition(rollout) };
}
