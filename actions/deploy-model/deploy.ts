import { formatForecast } from "../shared/domain/rollout/forecast.ts";
import { isUnfinished, type JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import { formatReason, type Reason } from "../shared/domain/rollout/reason.ts";
import { formatPlan } from "../shared/domain/rollout/traffic-plan.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import type { Target } from "../shared/ports/target.ts";
import { type CanaryEnd, runCanary } from "./canary.ts";
import { finish } from "./finish.ts";
import { endLowering, lowerAndVerify } from "./lower.ts";
import type { Ended, Outcome, Verified } from "./outcome.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { Rolling } from "./rolling.ts";
import { saveEvidence } from "./save-evidence.ts";
import { bringUp } from "./stage.ts";
import type { DeployStep, Ports } from "./step.ts";
import { takeLease } from "./take-lease.ts";

/** The rollout of a version, from the chain of evidence behind it to the champion that it becomes, or does not. */
export async function deploy(step: DeployStep, ports: Ports): Promise<Outcome> {
  const prepared = await prepareAlone(step, ports);
  const { target, standing, candidate, serving, url } = prepared;
  const common = { target: step.inputs.target, rehearsal: prepared.rehearsal, allowHold: step.inputs["allow-hold"] };
  const leftover = await target.journal.read();
  // A rollout that was cut short goes on, even where its version had become champion in its last moments.
  const resumes = isUnfinished(leftover) && leftover.rollout === prepared.rollout;
  if (!resumes && (standing.do === "refuse" || standing.do === "hold")) {
    const { reason, hint } = standing;
    const decision = standing.do === "refuse" ? "refused" : "held";
    return { ...common, state: "stopped", decision, model: candidate, url, reason, hint };
  }
  if (!resumes && standing.do === "nothing") {
    const exposure = serving?.digest === candidate.digest ? 1 : 0;
    return { ...common, state: "unchanged", model: candidate, reason: standing.reason, exposure, url };
  }
  step.state.save({ doing: "rollout", name: candidate.name });
  await takeLease(step, target);
  try {
    if (!resumes && standing.do === "restore") return { ...common, ...(await restore(prepared, standing.reason)) };
    return { ...common, ...(await roll(step, ports, { prepared, leftover: resumes ? leftover : undefined })) };
  } finally {
    // On a signal `cancel` does this, after it has lowered the share.
    if (!step.signal.aborted) await target.lease.release();
  }
}

/** Prepares; where the rollout of another version, or of one that is out of use, was never finished, it is brought to its end first. */
async function prepareAlone(step: DeployStep, ports: Ports): Promise<Prepared> {
  const prepared = await prepare(step, ports);
  const entry = await prepared.target.journal.read();
  const isOwn = entry?.rollout === prepared.rollout && !prepared.isRetired;
  if (!isUnfinished(entry) || isOwn) return prepared;
  await takeLease(step, prepared.target);
  const place = { target: prepared.target, store: ports.store };
  if (entry.phase === "recording") await finish(step, place, entry);
  else await endLowering(step, place, { ...entry, decision: entry.decision ?? "aborted" });
  await prepared.target.lease.release();
  step.log.warn(
    `the rollout of ${entry.candidate.version}, begun at ${time(entry.startedAtMs)}, had been cut short: ended it`,
  );
  return prepare(step, ports);
}

async function restore({ target, candidate }: Prepared, reason: string) {
  await target.serving.apply("stable", candidate);
  const { url } = await target.serving.current();
  return { state: "unchanged", model: candidate, reason: `${reason}, and serves again`, exposure: 1, url } as const;
}

type Rolled = Ended & { readonly url: string | undefined };

type Roll = { readonly prepared: Prepared; readonly leftover: JournalEntry | undefined };

async function roll(step: DeployStep, ports: Ports, { prepared, leftover }: Roll): Promise<Rolled> {
  const { target, candidate } = prepared;
  if (leftover === undefined) announce(step, prepared);
  else
    step.log.info(
      `resumed the rollout of ${candidate.version}: ${leftover.phase}, begun at ${time(leftover.startedAtMs)}`,
    );
  const entry = leftover ?? newEntry(step, prepared);
  const rolled = await carryOut(step, ports, { prepared, entry, resumed: leftover !== undefined });
  await target.serving.settle();
  const { stable, url } = await target.serving.current();
  return { ...rolled, url: stable === undefined ? undefined : url };
}

type Work = { readonly prepared: Prepared; readonly entry: JournalEntry; readonly resumed: boolean };

async function carryOut(step: DeployStep, { store }: Ports, { prepared, entry, resumed }: Work): Promise<Ended> {
  const { target, settings } = prepared;
  const traffic = target.traffic(settings.payloads, entry.plan);
  const place = { target, store };
  const conclude = async (end: Omit<Concluding, "imageExecuted">, imageExecuted: boolean): Promise<Ended> => ({
    state: "ended",
    ...end,
    differing: traffic.differing(),
    evidence: await saveEvidence(step, end.entry),
    imageExecuted,
    resumed,
  });
  if (entry.phase === "recording") {
    const done = await finish(step, place, entry);
    return conclude({ decision: "promoted", reasons: [], entry: done, verdict: undefined, verified: undefined }, false);
  }
  if (entry.phase === "lowering") {
    const done = await endLowering(step, place, entry);
    const reasons: readonly Reason[] = [{ why: "rule", rule: entry.reason ?? "its rollout was being taken back" }];
    const decision = entry.decision === "held" ? "held" : "rolled-back";
    return conclude({ decision, reasons, entry: done, verdict: undefined, verified: undefined }, false);
  }
  try {
    await target.journal.write(entry);
    const staged = await bringUp(step, target, { entry, payloads: settings.payloads });
    const rolling: Rolling = {
      step,
      store,
      target,
      traffic,
      plan: entry.plan,
      restarted: resumed && staged.startedCandidate,
    };
    traffic.start((await target.serving.current()).url);
    const begun: JournalEntry = staged.duel === undefined ? entry : { ...entry, duel: staged.duel };
    const end: CanaryEnd =
      staged.stopped === undefined
        ? await runCanary(rolling, firstOf(begun, step.clock.now()))
        : { ...staged.stopped, entry: begun, verdict: undefined };
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

/** The first entry with a share. Time that passed while nobody looked does not count as time of a step. */
function firstOf(entry: JournalEntry, nowMs: number): JournalEntry {
  if (entry.phase !== "staging") {
    const waitedMs = entry.looks.at(-1)?.waitedMs ?? 0;
    return { ...entry, sinceMs: nowMs - waitedMs };
  }
  return { ...entry, phase: "canary", step: 0, share: entry.plan.rollout.shares[0] ?? 1, sinceMs: nowMs };
}

function newEntry(step: DeployStep, { candidate, stable, plan, rollout }: Prepared): JournalEntry {
  const now = step.clock.now();
  return {
    schema: 1,
    rollout,
    target: step.inputs.target,
    release: step.release.id,
    by: step.job.github.actor || step.release.source.actor,
    startedAtMs: now,
    candidate,
    ...(stable === undefined ? {} : { stable }),
    plan,
    phase: "staging",
    step: 0,
    share: 0,
    sinceMs: now,
    looks: [],
  };
}

function announce({ log }: DeployStep, { candidate, stable, plan, forecast }: Prepared): void {
  log.info(
    stable === undefined
      ? `${candidate.name} ${candidate.version} is the first to serve: it is judged by smoke test, replay and absolute bounds`
      : `canary of ${candidate.name} ${candidate.version} beside ${stable.version}: ${formatPlan(plan)}`,
  );
  if (forecast !== undefined) log.info(formatForecast(forecast, plan));
}

const time = (ms: number) => new Date(ms).toISOString();
