import { formatCount } from "../../shared/domain/quantity.ts";
import { isOver } from "../../shared/domain/run/task.ts";
import { isReleaseError, ReleaseError } from "../../shared/lib/error.ts";
import { findRelease, saveRelease } from "../../shared/lib/release-store.ts";
import { conclude } from "../conclude.ts";
import { finishRun } from "../follow/finish-run.ts";
import type { Seen } from "../follow/seen.ts";
import { tellLogs } from "../follow/tell-logs.ts";
import type { Outcome } from "../outcome.ts";
import { recordedPipeline, recordedRun } from "../recorded-run.ts";
import type { RunDecision } from "../start/decide-run.ts";
import type { SavedRun } from "../start/saved-run.ts";
import type { Ports, RunStep } from "../step.ts";
import { type DetachedRun, type FoundRun, findDetachedRun, listDetachedRuns } from "./detached-run.ts";
import { type HeldRun, holdRun, mayFollow } from "./hold-run.ts";
import { refuseLostStore } from "./lasting-store.ts";
import { runCheck } from "./run-check.ts";

/** Of the step's time a tenth is kept to let go of a run that still goes on; with less than this, one look is all. */
const LETTING_GO = { share: 0.1, leastMs: 10_000, mostMs: 60_000 };

/** Goes on with a run that another job has let go of, or died over. One job at a time; who is second does nothing, and says so. */
export async function attach(step: RunStep, ports: Ports): Promise<Outcome> {
  refuseLostStore(step, ports);
  const picked = await pickRun(step, ports);
  if (picked.state === "none") return idle(step, picked.why);
  const { run } = picked.found;
  const held = mayFollow(run, step) ? await holdRun(step, ports.store, picked.found) : undefined;
  if (held === undefined) return idle(step, `run ${run.runId} of ${run.releaseId} is continued by another job`);
  step.state.save({ runId: run.runId, releaseId: run.releaseId, do: "detached" } satisfies SavedRun);
  const release = (await findRelease(ports.store, run.releaseId)) ?? { ...step.release, id: run.releaseId };
  return continueRun({ ...step, release }, ports, held);
}

async function continueRun(step: RunStep, ports: Ports, held: HeldRun): Promise<Outcome> {
  const { inputs, log, clock, release } = step;
  const { run } = held;
  const { facts, runId } = run;
  const decision: RunDecision = { do: "adopt", attempt: run.attempt, runId, why: "it went on without its job" };
  log.info(
    `Goes on with run ${runId} of ${run.releaseId} (${facts.work.name} ${facts.work.version}, attempt ${run.attempt})`,
  );
  const lost = new AbortController();
  const finished = await log
    .group("Run", () =>
      finishRun({ ...step, signal: AbortSignal.any([step.signal, lost.signal]) }, ports, {
        runId,
        facts,
        attachedMs: followingMs(inputs.timeout),
        before: { seen: run.seen, agoMs: Math.max(0, clock.now() - Date.parse(run.seen.at)) },
        onLook: async (seen: Seen) => {
          if (!(await held.renew(seen))) lost.abort();
        },
      }),
    )
    .catch(async (error: unknown) => {
      if (lost.signal.aborted && !step.signal.aborted) return undefined;
      // the engine has forgotten the run: nobody could ever conclude it
      if (isReleaseError(error, "PROTOCOL")) await held.remove();
      throw error;
    });
  if (finished === undefined) return idle(step, `run ${runId} of ${run.releaseId} is continued by another job by now`);
  if (finished.state === "goes-on") {
    await held.handOver(finished.seen);
    const going = recordedRun({ facts, decision, status: finished.status });
    return {
      state: "detached",
      how: "again",
      releaseId: release.id,
      pipeline: recordedPipeline(ports.engine, facts),
      data: facts.data,
      decision,
      findings: [],
      rehearsal: false,
      run: going,
      posted: await runCheck(step, ports, { conclusion: "in-progress", facts, run: going }),
      release,
    };
  }
  const ended = await conclude(step, ports, { facts, findings: [], decision, ...finished });
  await tellLogs(step, ended.logs);
  const { metrics, reason } = ended;
  await runCheck(step, ports, {
    conclusion: ended.run.state === "succeeded" ? "success" : "failure",
    facts,
    run: ended.run,
    reason,
    metrics,
  });
  const { pipeline, recorded, data } = ended;
  // before anybody may forget the run: the runner keeps the record only after this
  const parts = { pipeline, run: ended.run, metrics: recorded, ...(data.length === 0 ? {} : { data }) };
  await saveRelease(ports.store, release, parts);
  await held.conclude();
  return { ...ended, release, packagePath: undefined };
}

function followingMs(timeoutMs: number): number {
  const { share, leastMs, mostMs } = LETTING_GO;
  return Math.max(0, timeoutMs - Math.min(mostMs, Math.max(leastMs, timeoutMs * share)));
}

type Picked = { readonly state: "found"; readonly found: FoundRun } | { readonly state: "none"; readonly why: string };

/** The run of the release that is named; else of those that wait the first that is over, else the one that was looked at longest ago. */
async function pickRun(step: RunStep, { store, engine }: Ports): Promise<Picked> {
  const { release, inputs, log } = step;
  if (inputs.release !== undefined || release.source.tag !== undefined) {
    const found = await findDetachedRun(store, release.id);
    if (found === undefined) return { state: "none", why: `no run of ${release.id} goes on without its job` };
    refuseOtherEngine(found.run, engine);
    return { state: "found", found };
  }
  const all = await listDetachedRuns(store, step);
  const free = all.filter(({ run }) => mayFollow(run, step) && isOurs(run, engine));
  log.info(`${formatCount(all.length, "run")} went on without a job, ${free.length} to be continued here`);
  for (const found of free) {
    const status = await engine.state(found.run.runId);
    if (found.run.concludedBy !== undefined || (status !== undefined && isOver(status.state)))
      return { state: "found", found };
  }
  const [first] = free;
  return first === undefined
    ? { state: "none", why: "no run of this repository waits to be continued" }
    : { state: "found", found: first };
}

function isOurs({ engine: kind, endpoint }: DetachedRun, engine: Ports["engine"]): boolean {
  return kind === engine.kind && endpoint === engine.endpoint;
}

function refuseOtherEngine(run: DetachedRun, engine: Ports["engine"]): void {
  if (isOurs(run, engine)) return;
  throw new ReleaseError("INPUT", {
    rule: "the run is on another engine than the one that these inputs name",
    where: { input: run.engine === "kubeflow" ? "endpoint" : "engine" },
    saw: `${engine.kind} ${engine.endpoint}`,
    allowed: `${run.engine} ${run.endpoint}`,
    hint: "give the inputs of the step that detached it",
  });
}

function idle({ log }: RunStep, why: string): Outcome {
  log.info(`Nothing was done: ${why}`);
  return { state: "idle", why };
}
