import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import type { Target } from "../../shared/ports/target.ts";
import { roomOf } from "./room-of.ts";

/**
 * Where the candidate of a rollout that is taken back has become stable, the former version comes up beside it and takes everything. Goes
 * on where a killed process had begun it: then the former version is the candidate already.
 */
export async function putStableBack({ serving }: Target, entry: JournalEntry): Promise<void> {
  const { candidate, stable } = entry;
  if (stable === undefined || isSameVersion(stable, candidate)) return;
  const now = await serving.current();
  const isBeside = now.candidate === undefined || isSameVersion(now.candidate.model, stable);
  if (!isBeside || !isSameVersion(now.stable?.model, candidate)) return;
  await serving.apply("candidate", stable, roomOf(entry));
  await serving.split(1, HOLD_MS);
  await serving.promote();
}

/** Long enough for the one change that follows. */
const HOLD_MS = 60_000;
