import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";

/** The first entry with a share. Time that passed while nobody looked does not count as time of a step. */
export function firstEntry(entry: JournalEntry, nowMs: number): JournalEntry {
  if (entry.phase !== "staging") {
    const phase = entry.phase === "canary" ? "canary" : "baking";
    const last = entry.looks.at(-1);
    const waitedMs = last?.phase === phase && last.step === entry.step ? last.waitedMs : 0;
    return { ...entry, sinceMs: nowMs - waitedMs };
  }
  return { ...entry, phase: "canary", step: 0, share: entry.plan.rollout.shares[0] ?? 1, sinceMs: nowMs };
}
