import { outlivesJob } from "../../shared/lib/outlives-job.ts";
import { NOTHING_SEEN } from "../follow/seen.ts";
import type { Prepared, RunFacts } from "../prepare/prepared.ts";
import type { RunDecision } from "../start/decide-run.ts";
import type { Ports, RunStep } from "../step.ts";
import { type DetachedRun, findDetachedRun } from "./detached-run.ts";
import { type HeldRun, holdRun, mayFollow } from "./hold-run.ts";

type Own = { readonly prepared: Prepared; readonly decision: RunDecision };

/**
 * Keeps in the store what it takes to conclude this run, so that another job can go on when this one dies or lets go. Undefined for an engine
 * whose run ends with the job, for a store that does, and while another job follows the run.
 */
export async function holdOwnRun(step: RunStep, ports: Ports, own: Own): Promise<HeldRun | undefined> {
  const { engine, store } = ports;
  if (engine.kind === "local" || !outlivesJob(step.job, ports.store)) return undefined;
  const before = await findDetachedRun(store, step.release.id);
  const isSame = before?.run.runId === own.decision.runId;
  if (before !== undefined && isSame && before.run.concludedBy === undefined && !mayFollow(before.run, step)) {
    step.log.info(`Run ${own.decision.runId} is followed by another job too`);
    return undefined;
  }
  return holdRun(step, store, { run: detachedRun(step, ports, own), etag: before?.etag });
}

function detachedRun({ release, job, clock }: RunStep, { engine }: Ports, { prepared, decision }: Own): DetachedRun {
  const { runId, attempt, why } = decision;
  return {
    schema: 1,
    releaseId: release.id,
    repository: job.github.repository,
    runId,
    attempt,
    why,
    engine: engine.kind,
    endpoint: engine.endpoint,
    facts: factsOf(prepared),
    seen: { ...NOTHING_SEEN, at: new Date(clock.now()).toISOString() },
  };
}

function factsOf({ work, parameters, data, handed, tasks, model, gpus, images }: Prepared): RunFacts {
  const { kind, name, version, digest } = work;
  return { work: { kind, name, version, digest }, parameters, data, handed, tasks, model, gpus, images };
}
