import type { RolloutDecision } from "../../shared/domain/release.ts";
import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { actOf } from "../../shared/lib/act.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import { findAlias, moveAlias } from "../../shared/lib/model-registry/aliases.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { Verified } from "../outcome.ts";
import type { DeployStep, Ports } from "../step.ts";
import { isComparing } from "./is-comparing.ts";
import { logDecision } from "./log-decision.ts";
import { putStableBack } from "./put-stable-back.ts";
import type { Rolling } from "./rolling.ts";

export type Lowering = {
  readonly decision: RolloutDecision;
  readonly reason: string;
};

/** Everything back to stable: the share first, then the count that nothing is sent elsewhere, then the candidate's end. */
export async function lowerAndVerify(
  rolling: Rolling,
  entry: JournalEntry,
  lowering: Lowering,
): Promise<{ readonly entry: JournalEntry; readonly verified: Verified | undefined }> {
  const { target } = rolling;
  const lowered: JournalEntry = { ...entry, phase: "lowering", share: 0, ...lowering };
  await target.journal.write(lowered);
  const isCanary = isComparing(entry);
  if (isCanary) await target.serving.split(0, 0);
  const verified = entry.stable === undefined || !isCanary ? undefined : await countElsewhere(rolling);
  return { entry: await endLowering(rolling.step, { target, store: rolling.store }, lowered), verified };
}

/** The rest of a lowering that is in the journal: also what a killed process left of it. */
export async function endLowering(
  step: DeployStep,
  { target, store }: { readonly target: Target; readonly store: Ports["store"] },
  entry: JournalEntry,
): Promise<JournalEntry> {
  if (isComparing(entry)) {
    await putStableBack(target, entry);
    await target.serving.remove();
  }
  // In its place: the version before comes back as the other one came.
  else if (entry.stable !== undefined) await target.serving.apply("stable", entry.stable);
  await championBack(step, store, entry);
  const { name, version } = entry.candidate;
  const isHeld = entry.decision === "held";
  const why = entry.reason === undefined ? "" : `: ${entry.reason}`;
  await target.events?.({
    reason: isHeld ? "CanaryHeld" : "CanaryRolledBack",
    note: `${name} ${version} gets no traffic${why}`,
  });
  if (entry.decision === "rolled-back") await logDecision(step, store, { entry, event: "rolled-back" });
  const ended: JournalEntry = { ...entry, phase: "ended", share: 0, endedAtMs: step.clock.now() };
  await target.journal.write(ended);
  return ended;
}

/** Where the champion had moved to the candidate already, it goes back to stable. */
async function championBack(
  step: DeployStep,
  store: Ports["store"],
  { candidate, stable }: JournalEntry,
): Promise<void> {
  const champion = await findAlias(store, candidate.name, "champion");
  if (stable === undefined || champion === undefined || isSameVersion(stable, candidate)) return;
  if (!isSameVersion(champion, candidate)) return;
  await moveAlias(store, {
    name: candidate.name,
    alias: "champion",
    to: { version: stable.version, digest: stable.digest },
    expected: champion.etag,
    act: actOf(step),
  });
  step.log.info(`moved champion back to ${stable.version}`);
}

const WANTED_REQUESTS = 200;
const LONGEST_COUNT_MS = 10_000;

/** How many of the next requests still reach the candidate. */
async function countElsewhere({ step, traffic }: Rolling): Promise<Verified | undefined> {
  try {
    const base = await traffic.counts("change");
    const end = step.clock.now() + LONGEST_COUNT_MS;
    for (;;) {
      await step.clock.sleep(100, step.signal);
      const now = await traffic.counts();
      const elsewhere = now.candidate.started - base.candidate.started;
      const requests = elsewhere + now.stable.started - base.stable.started;
      if (requests >= WANTED_REQUESTS || step.clock.now() >= end) return { requests, elsewhere };
    }
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE", "NOT_FOUND")) throw error;
    step.log.warn(`what went elsewhere could not be counted: ${error.message}`);
    return undefined;
  }
}
