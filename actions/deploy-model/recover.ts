import { isUnfinished, type JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import type { Target } from "../shared/ports/target.ts";
import { finish } from "./finish.ts";
import { endLowering } from "./lower.ts";
import type { Outcome } from "./outcome.ts";
import { saveEvidence } from "./save-evidence.ts";
import type { DeployStep, Ports } from "./step.ts";
import { nameOfModel } from "./subject.ts";
import { heldError } from "./take-lease.ts";

/**
 * Brings what a killed step left to a safe end: a rollout that was decided is finished, any other one goes back to stable. Refuses while
 * its process lives. Never raises an exposure.
 */
export async function recover(step: DeployStep, ports: Ports): Promise<Outcome> {
  const name = nameOfModel(step);
  const target = await ports.open({ name });
  const taken = await target.lease.take();
  if (taken.state === "held") throw heldError(taken.by);
  try {
    return await bringToEnd(step, ports, { name, target, by: "recover" });
  } finally {
    await target.lease.release();
  }
}

/** As `recover`, at once and by hand: a rollout that is under way in another job stops at its next look, since its journal is not its own any more. */
export async function abort(step: DeployStep, ports: Ports): Promise<Outcome> {
  const name = nameOfModel(step);
  const target = await ports.open({ name });
  return bringToEnd(step, ports, { name, target, by: "abort" });
}

type Ending = { readonly name: string; readonly target: Target; readonly by: "recover" | "abort" };

async function bringToEnd(step: DeployStep, { store }: Ports, { name, target, by }: Ending): Promise<Outcome> {
  const entry = await target.journal.read();
  const place = { target, store };
  const said: string[] = [];
  let ended: JournalEntry | undefined = entry;
  if (!isUnfinished(entry)) {
    await target.serving.remove();
    said.push(entry === undefined ? "There was no rollout." : "The last rollout had come to its end.");
  } else if (entry.phase === "recording") {
    ended = await finish(step, place, entry);
    said.push(`${entry.candidate.version} had been promoted: its promotion was finished.`);
  } else {
    const lowering: JournalEntry = {
      ...entry,
      phase: "lowering",
      share: 0,
      decision: entry.decision ?? "aborted",
      reason: entry.reason ?? (by === "abort" ? "aborted by hand" : "its step was killed"),
    };
    await target.journal.write(lowering);
    ended = await endLowering(step, place, lowering);
    said.push(`The candidate ${entry.candidate.version} gets no traffic, and its server was ended.`);
  }
  if (ended !== undefined && isUnfinished(entry)) await saveEvidence(step, ended);
  await target.serving.settle();
  const { stable, url } = await target.serving.current();
  said.push(stable === undefined ? "Nothing serves." : `${stable.model.version} serves.`);
  return {
    target: step.inputs.target,
    rehearsal: false,
    allowHold: false,
    url,
    state: "lowered",
    by,
    name,
    said,
    entry: ended,
  };
}
