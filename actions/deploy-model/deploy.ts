import { formatForecast } from "../shared/domain/rollout/forecast.ts";
import { isUnfinished, type JournalEntry } from "../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../shared/domain/rollout/same-version.ts";
import { formatPlan } from "../shared/domain/rollout/traffic-plan.ts";
import type { Ended, Outcome } from "./outcome.ts";
import { type Prepared, prepare } from "./prepare/prepare.ts";
import { carryOut } from "./rollout/carry-out.ts";
import { endRecording } from "./rollout/end-recording.ts";
import { endLowering } from "./rollout/lower.ts";
import { newEntry } from "./rollout/new-entry.ts";
import { missingPods } from "./rollout/pods-back.ts";
import { showDeployment } from "./rollout/show-deployment.ts";
import { takeLease } from "./rollout/take-lease.ts";
import type { DeployStep, Ports } from "./step.ts";

/** The rollout of a version, from the chain of evidence behind it to the champion that it becomes, or does not. */
export async function deploy(step: DeployStep, ports: Ports): Promise<Outcome> {
  const prepared = await prepareAlone(step, ports);
  const { target, standing, candidate, serving, url } = prepared;
  const common = commonOf(step, prepared);
  const leftover = await target.journal.read();
  // A rollout that was cut short goes on, even where its version had become champion in its last moments.
  const resumes = isUnfinished(leftover) && leftover.rollout === prepared.rollout;
  // Where nothing begins, what a process of this job did not come to give back before it was killed is given back here.
  if (!resumes && standing.do !== "deploy" && standing.do !== "restore") await target.lease.release();
  if (!resumes && (standing.do === "refuse" || standing.do === "hold")) {
    const { reason, hint } = standing;
    const decision = standing.do === "refuse" ? "refused" : "held";
    return { ...common, state: "stopped", decision, model: candidate, url, reason, hint };
  }
  if (!resumes && standing.do === "nothing") {
    const exposure = isSameVersion(serving, candidate) ? 1 : 0;
    return { ...common, state: "unchanged", model: candidate, reason: standing.reason, exposure, url };
  }
  return underLease(step, prepared, async () => {
    if (!resumes && standing.do === "restore") return { ...common, ...(await restore(prepared, standing.reason)) };
    if (!resumes) announce(step, prepared);
    else
      step.log.info(
        `resumed the rollout of ${candidate.version}: ${leftover.phase}, begun at ${time(leftover.startedAtMs)}`,
      );
    const entry = resumes ? leftover : newEntry(step, prepared);
    return { ...common, ...(await roll(step, ports, { prepared, entry, resumed: resumes })) };
  });
}

/** A rollout that goes on from an entry of the journal although it had come to its end. */
export async function carryOn(
  step: DeployStep,
  ports: Ports,
  { prepared, entry }: { readonly prepared: Prepared; readonly entry: JournalEntry },
): Promise<Outcome> {
  const common = commonOf(step, prepared);
  return underLease(step, prepared, async () => ({
    ...common,
    ...(await roll(step, ports, { prepared, entry, resumed: true })),
  }));
}

function commonOf({ inputs }: DeployStep, { target, rehearsal }: Prepared) {
  return { target: target.address, rehearsal, allowHold: inputs["allow-hold"] };
}

async function underLease<T>(step: DeployStep, { target, candidate }: Prepared, act: () => Promise<T>): Promise<T> {
  step.state.save({ doing: "rollout", name: candidate.name });
  await takeLease(step, target);
  try {
    return await act();
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
  if (entry.phase === "recording") await endRecording(step, place, entry);
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

type Roll = { readonly prepared: Prepared; readonly entry: JournalEntry; readonly resumed: boolean };

async function roll(step: DeployStep, ports: Ports, { prepared, entry, resumed }: Roll): Promise<Rolled> {
  const { target } = prepared;
  const show = showDeployment(step, ports, { target: target.address });
  await show({ state: "in_progress", what: `${entry.candidate.version} is rolled out` });
  try {
    const rolled = await carryOut(step, ports, { prepared, entry, resumed });
    await target.serving.settle();
    const now = await target.serving.current();
    const { stable, url } = now;
    const missing = missingPods(entry, now);
    if (missing !== undefined) step.log.warn(missing);
    await show({ ...shownAs(rolled), url });
    return { ...rolled, url: stable === undefined ? undefined : url };
  } catch (error) {
    await show({ state: "failure", what: `${entry.candidate.version} was not rolled out` });
    throw error;
  }
}

function shownAs({ decision, entry, reasons }: Ended) {
  const { version } = entry.candidate;
  if (decision === "promoted") return { state: "success", what: `${version} serves` } as const;
  const why = entry.reason ?? reasons.map(({ why: reason }) => reason).join(", ");
  return { state: "failure", what: `${version} was ${decision === "held" ? "held" : "rolled back"}: ${why}` } as const;
}

function announce({ log }: DeployStep, { candidate, stable, plan, forecast, metrics, strategy }: Prepared): void {
  if (strategy !== "canary") {
    const over = stable === undefined ? "nothing that is known" : stable.version;
    log.info(`${strategy === "rolling" ? "rolling update" : "re-creation"} of ${over} with ${candidate.version}`);
    return;
  }
  log.info(
    stable === undefined
      ? `${candidate.name} ${candidate.version} is the first to serve: it is judged by smoke test, replay and absolute bounds`
      : `canary of ${candidate.name} ${candidate.version} beside ${stable.version}: ${formatPlan(plan)}`,
  );
  if (forecast !== undefined) log.info(formatForecast(forecast, plan, metrics?.traffic));
  for (const note of metrics?.notes ?? []) log.info(note);
}

const time = (ms: number) => new Date(ms).toISOString();
