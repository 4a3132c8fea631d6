import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { ServingState } from "../../shared/ports/serving.ts";

/** What is to be said where stable, which gave pods up for the candidate, does not have as many as it had; by the journal, whatever the object says. */
export function missingPods(entry: JournalEntry | undefined, { stable }: ServingState): string | undefined {
  const pods = entry?.borrow?.pods;
  if (pods === undefined || stable?.runs.as !== "pods" || stable.runs.wanted === pods) return undefined;
  return `${stable.runs.kind} had ${pods} pods when the rollout began, and is to have ${stable.runs.wanted} now: somebody else changed it meanwhile`;
}
