import type { JournalEntry } from "../domain/rollout/journal-entry.ts";

/** What a rollout is about to do, beside the target. Written before each change, so that any process can take over. */
export interface Journal {
  read(): Promise<JournalEntry | undefined>;
  /** Replaces what this process read or wrote last. Throws `CONFLICT` where somebody else has written since. */
  write(entry: JournalEntry): Promise<void>;
}
