import { isUnfinished, type JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { Outcome } from "../outcome.ts";
import { nameOfModel } from "../prepare/subject.ts";
import { endRecording } from "../rollout/end-recording.ts";
import { endLowering } from "../rollout/lower.ts";
import { missingPods } from "../rollout/pods-back.ts";
import { saveEvidence } from "../rollout/save-evidence.ts";
import { showDeployment } from "../rollout/show-deployment.ts";
import { formatHolder, heldError } from "../rollout/take-lease.ts";
import type { DeployStep, Ports } from "../step.ts";

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

/**
 * As `recover`, for a schedule: a rollout that is under way in another job is left to it, and one whose lease has run out is brought to a
 * safe end.
 */
export async function reconcile(step: DeployStep, ports: Ports): Promise<Outcome> {
  const name = nameOfModel(step);
  const target = await ports.open({ name });
  const taken = await target.lease.take();
  if (taken.state === "held") return leftAlone(target, name, formatHolder(taken.by));
  try {
    return await bringToEnd(step, ports, { name, target, by: "reconcile" });
  } finally {
    await target.lease.release();
  }
}

async function leftAlone(target: Target, name: string, holder: string): Promise<Outcome> {
  const { url } = await target.serving.current();
  const said = [`A rollout is under way: ${holder}.`, "Nothing was changed."];
  const common = { target: target.address, rehearsal: false, allowHold: false, url };
  return { ...common, state: "lowered", by: "reconcile", name, said, entry: undefined };
}

/** As `recover`, at once and by hand: a rollout that is under way in another job stops at its next look, since its journal is not its own any more. */
export async function abort(step: DeployStep, ports: Ports): Promise<Outcome> {
  const name = nameOfModel(step);
  const target = await ports.open({ name });
  return bringToEnd(step, ports, { name, target, by: "abort" });
}

type Ending = { readonly name: string; readonly target: Target; readonly by: "recover" | "reconcile" | "abort" };

async function bringToEnd(step: DeployStep, ports: Ports, { name, target, by }: Ending): Promise<Outcome> {
  const place = { target, store: ports.store };
  const claimed = await claim(target, by);
  const said: string[] = [];
  let entry = claimed.entry;
  if (claimed.state === "ended") {
    await target.serving.remove();
    said.push(entry === undefined ? "There was no rollout." : "The last rollout had come to its end.");
  } else if (claimed.state === "promoted") {
    entry = await endRecording(step, place, claimed.entry);
    said.push(
      entry.decision === "promoted"
        ? `${entry.candidate.version} had been promoted: its promotion was finished.`
        : `${entry.candidate.version} had been promoted, and was taken back: ${entry.reason}.`,
    );
  } else {
    entry = await endLowering(step, place, claimed.entry);
    said.push(`The candidate ${entry.candidate.version} gets no traffic, and its server was ended.`);
  }
  if (claimed.state !== "ended" && entry !== undefined) {
    await saveEvidence(step, entry);
    const show = showDeployment(step, ports, { target: target.address, commit: entry.commit });
    await show({ state: entry.decision === "promoted" ? "success" : "failure", what: said.join(" ") });
  }
  await target.serving.settle();
  const now = await target.serving.current();
  const { stable, url } = now;
  said.push(stable === undefined ? "Nothing serves." : `${stable.model.version} serves.`);
  const missing = claimed.state === "ended" ? undefined : missingPods(entry, now);
  if (missing !== undefined) said.push(`${missing}.`);
  return {
    target: target.address,
    rehearsal: false,
    allowHold: false,
    url,
    state: "lowered",
    by,
    name,
    said,
    entry,
  };
}

type Claimed =
  | { readonly state: "ended"; readonly entry: JournalEntry | undefined }
  | { readonly state: "promoted"; readonly entry: JournalEntry }
  | { readonly state: "lowering"; readonly entry: JournalEntry };

const TRIES = 50;

/** Makes the journal ours: a rollout that lives in another job writes it at each look, and stops once it finds our entry there. */
async function claim({ journal }: Target, by: Ending["by"]): Promise<Claimed> {
  for (let tries = 1; ; tries++) {
    const entry = await journal.read();
    if (!isUnfinished(entry)) return { state: "ended", entry };
    if (entry.phase === "recording") return { state: "promoted", entry };
    const lowering: JournalEntry = {
      ...entry,
      phase: "lowering",
      share: 0,
      decision: entry.decision ?? "aborted",
      reason: entry.reason ?? (by === "abort" ? "aborted by hand" : "its step was killed"),
    };
    try {
      await journal.write(lowering);
      return { state: "lowering", entry: lowering };
    } catch (error) {
      if (!isReleaseError(error, "CONFLICT") || tries >= TRIES) throw error;
    }
  }
}
