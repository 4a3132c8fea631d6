import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { formatReason } from "../../shared/domain/rollout/reason.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { DeployStep, Ports } from "../step.ts";
import { finish } from "./finish.ts";
import { endLowering } from "./lower.ts";
import { refusedSince } from "./refused-since.ts";

type Place = { readonly target: Target; readonly store: Ports["store"] };

/**
 * The end of a rollout whose promotion had been decided when its process was killed: it is finished, unless its version may not serve any
 * more. Then stable gets everything back, also where the candidate had taken its place.
 */
export async function endRecording(step: DeployStep, place: Place, entry: JournalEntry): Promise<JournalEntry> {
  const { target, store } = place;
  const refused = await refusedSince({ step, store }, entry);
  if (refused === undefined) return finish(step, place, entry);
  const reason = formatReason(refused);
  step.log.warn(`${entry.candidate.version} is not promoted: ${reason}`);
  const lowering: JournalEntry = { ...entry, phase: "lowering", share: 0, decision: "rolled-back", reason };
  await target.journal.write(lowering);
  return endLowering(step, place, lowering);
}
