import { isUnfinished, type JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { formatReason, type Reason } from "../../shared/domain/rollout/reason.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { Ended, Verified } from "../outcome.ts";
import type { Prepared } from "../prepare/prepare.ts";
import type { DeployStep, Ports } from "../step.ts";
import { type CanaryEnd, runCanary } from "./canary.ts";
import { endRecording } from "./end-recording.ts";
import { finish } from "./finish.ts";
import { firstEntry } from "./first-entry.ts";
import { isComparing } from "./is-comparing.ts";
import { endLowering, lowerAndVerify } from "./lower.ts";
import { meet } from "./meet.ts";
import { noTraffic } from "./no-traffic.ts";
import { rollOver } from "./roll-over.ts";
import type { Rolling } from "./rolling.ts";
import { saveEvidence } from "./save-evidence.ts";
import { saveWatching } from "./save-watching.ts";
import { bringUp } from "./stage.ts";

type Work = { readonly prepared: Prepared; readonly entry: JournalEntry; readonly resumed: boolean };

/** A rollout from wherever it stands to its end, whatever that is. */
export async function carryOut(step: DeployStep, { store }: Ports, { prepared, entry, resumed }: Work): Promise<Ended> {
  const { target, settings } = prepared;
  const isCanary = isComparing(entry);
  const memory = resumed ? entry.counters : undefined;
  const traffic = isCanary ? target.traffic(settings.payloads, entry.plan, memory) : noTraffic;
  const place = { target, store };
  const conclude = async (end: Omit<Concluding, "imageExecuted">, imageExecuted: boolean): Promise<Ended> => {
    await saveWatching(step, traffic, end.entry.looks);
    return {
      state: "ended",
      ...end,
      differing: traffic.differing(),
      oddMetrics: traffic.findings?.() ?? [],
      evidence: await saveEvidence(step, end.entry),
      imageExecuted,
      resumed,
    };
  };
  if (entry.phase === "recording") {
    const done = await endRecording(step, place, entry);
    const isPromoted = done.decision === "promoted";
    const reasons: readonly Reason[] = isPromoted ? [] : [{ why: "rule", rule: done.reason ?? "it may not serve" }];
    const decision = isPromoted ? "promoted" : "rolled-back";
    return conclude({ decision, reasons, entry: done, verdict: undefined, verified: undefined }, false);
  }
  if (entry.phase === "lowering") {
    const done = await endLowering(step, place, entry);
    const reasons: readonly Reason[] = [{ why: "rule", rule: entry.reason ?? "its rollout was being taken back" }];
    const decision = entry.decision === "held" ? "held" : "rolled-back";
    return conclude({ decision, reasons, entry: done, verdict: undefined, verified: undefined }, false);
  }
  try {
    await target.journal.write(entry);
    if (!isCanary) {
      const rolling: Rolling = { step, store, target, traffic, plan: entry.plan, restarted: false };
      return await conclude(await settle(rolling, await rollOver(rolling, entry, settings.payloads)), true);
    }
    const staging = { entry, payloads: settings.payloads };
    const staged = await bringUp(step, target, staging);
    const rolling: Rolling = {
      step,
      store,
      target,
      traffic,
      plan: entry.plan,
      memory,
      restarted: resumed && staged.startedCandidate,
    };
    traffic.start((await target.serving.current()).url);
    const { stopped, duel } = staged.isUnmet === undefined ? staged : await meet(rolling, staging);
    const begun: JournalEntry = duel === undefined ? entry : { ...entry, duel };
    const end: CanaryEnd =
      stopped === undefined
        ? await runCanary(rolling, firstEntry(begun, step.clock.now()))
        : { ...stopped, entry: begun, verdict: undefined };
    return await conclude(await settle(rolling, end), staged.imageExecuted);
  } catch (error) {
    // Whatever went wrong on our side must not leave users with a candidate that nobody watches. Where somebody else has taken the
    // journal or the lease, they see to it, and this process changes nothing more.
    if (!step.signal.aborted && !isReleaseError(error, "CONFLICT")) await lowerQuietly(step, place);
    throw error;
  } finally {
    await traffic.stop();
  }
}

type Concluding = Pick<Ended, "decision" | "reasons" | "entry" | "verdict" | "imageExecuted"> & {
  readonly verified: Verified | undefined;
};

async function settle(rolling: Rolling, end: CanaryEnd): Promise<Omit<Concluding, "imageExecuted">> {
  const { step, target, store } = rolling;
  if (end.do === "finish") {
    const entry = await finish(step, { target, store }, end.entry);
    return { decision: "promoted", reasons: [], entry, verdict: end.verdict, verified: undefined };
  }
  const decision = end.do === "rollback" ? "rolled-back" : "held";
  const reason = end.reasons.map(formatReason).join("; ");
  step.log.info(`${decision}: ${reason}`);
  const { entry, verified } = await lowerAndVerify(rolling, end.entry, { decision, reason });
  return { decision, reasons: end.reasons, entry, verdict: end.verdict, verified };
}

async function lowerQuietly(
  step: DeployStep,
  place: { readonly target: Target; readonly store: Ports["store"] },
): Promise<void> {
  try {
    const entry = await place.target.journal.read();
    if (isUnfinished(entry) && entry.phase !== "recording")
      await endLowering(step, place, { ...entry, decision: "aborted", reason: "the rollout failed on its own side" });
    await place.target.serving.settle();
  } catch (error) {
    if (!isReleaseError(error)) throw error;
    step.log.warn(`what was left of the rollout could not be taken back; \`mode: recover\` does it: ${error.message}`);
  }
}
