import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";

/** Whether both versions are up beside each other: a canary. Else one takes the place of the other. */
export function isComparing({ strategy = "canary" }: Pick<JournalEntry, "strategy">): boolean {
  return strategy === "canary";
}
