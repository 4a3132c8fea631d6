import * as v from "valibot";
import { isUnfinished } from "../shared/domain/rollout/journal-entry.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import { endRecording } from "./rollout/end-recording.ts";
import { isComparing } from "./rollout/is-comparing.ts";
import { endLowering } from "./rollout/lower.ts";
import type { DeployStep, Ports } from "./step.ts";

const StateSchema = v.object({ doing: v.literal("rollout"), name: v.string() });

/** The share to 0 before anything else; then the candidate ends, and the journal says so. What was promoted for good stays. */
export async function cancel(step: DeployStep, ports: Ports): Promise<readonly string[]> {
  const saved = v.safeParse(StateSchema, step.state.last());
  if (!saved.success) return ["No rollout had begun."];
  const target = await ports.open({ name: saved.output.name });
  const entry = await target.journal.read();
  const place = { target, store: ports.store };
  if (!isUnfinished(entry)) {
    await target.serving.remove();
    await target.serving.settle();
    await target.lease.release();
    return ["The rollout had come to its end."];
  }
  if (entry.phase === "recording") {
    const ended = await endRecording(step, place, entry);
    await target.serving.settle();
    await target.lease.release();
    return [
      ended.decision === "promoted"
        ? `${entry.candidate.version} had been promoted: its promotion was finished.`
        : `${entry.candidate.version} had been promoted, and was taken back: ${ended.reason}.`,
    ];
  }
  // What is being taken back already may have stable on its way up in the candidate's place: its share is not to fall.
  if (isComparing(entry) && entry.phase !== "lowering") await lowerFirst(target.serving.split(0, 0));
  const lowering = {
    ...entry,
    phase: "lowering" as const,
    share: 0,
    decision: "cancelled" as const,
    reason: "the step was cancelled",
  };
  await target.journal.write(lowering);
  await endLowering(step, place, lowering);
  await target.serving.settle();
  await target.lease.release();
  return [
    `The share of ${entry.candidate.version} was set to 0 and its server ended.`,
    entry.stable === undefined ? "Nothing serves." : `${entry.stable.version} has everything again.`,
  ];
}

/** Where the splitter is not up, nobody gets anything: that is 0 too. */
async function lowerFirst(split: Promise<void>): Promise<void> {
  try {
    await split;
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE", "NOT_FOUND", "INTERNAL")) throw error;
  }
}
