import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";

/** Where the candidate of a rollout has its room, also for a process that was not told: beside stable, or that of pods of stable. */
export function roomOf({ borrow }: JournalEntry): "borrow" | undefined {
  return borrow === undefined ? undefined : "borrow";
}
