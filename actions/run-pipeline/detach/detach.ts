import { isOver, type RunStatus } from "../../shared/domain/run/task.ts";
import { saveRelease } from "../../shared/lib/release-store.ts";
import { knownState } from "../follow/follow-run.ts";
import { patiently } from "../follow/patiently.ts";
import { NOTHING_SEEN } from "../follow/seen.ts";
import type { Detached } from "../outcome.ts";
import type { Prepared } from "../prepare/prepared.ts";
import { recordedPipeline, recordedRun } from "../recorded-run.ts";
import type { RunDecision } from "../start/decide-run.ts";
import type { SavedRun } from "../start/saved-run.ts";
import type { Ports, RunStep } from "../step.ts";
import type { HeldRun } from "./hold-run.ts";
import { runCheck } from "./run-check.ts";

type Going = { readonly prepared: Prepared; readonly decision: RunDecision; readonly held: HeldRun | undefined };

/**
 * Lets the run go on without this job: what it takes to conclude it is in the store, and the commit has a check in progress. Undefined where
 * it is over already.
 */
export async function detach(step: RunStep, ports: Ports, going: Going): Promise<Detached | undefined> {
  const { prepared, decision, held } = going;
  const { release, log } = step;
  const status: RunStatus = await patiently(step, () => knownState(ports.engine, decision.runId));
  if (isOver(status.state)) return undefined;
  const pipeline = recordedPipeline(ports.engine, prepared);
  const run = recordedRun({ facts: prepared, decision, status });
  const { data } = prepared;
  await saveRelease(ports.store, release, { pipeline, run, ...(data.length === 0 ? {} : { data }) });
  await held?.handOver(NOTHING_SEEN);
  step.state.save({ runId: decision.runId, releaseId: release.id, do: "detached" } satisfies SavedRun);
  log.info(`Run ${decision.runId} goes on without this job`);
  return {
    state: "detached",
    how: "first",
    releaseId: release.id,
    pipeline,
    data,
    decision,
    findings: prepared.findings,
    rehearsal: false,
    run,
    posted: await runCheck(step, ports, { conclusion: "in-progress", facts: prepared, run }),
    release: undefined,
  };
}
