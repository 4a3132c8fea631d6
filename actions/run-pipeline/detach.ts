import { isOver, type RunStatus } from "../shared/domain/run/task.ts";
import { saveRelease } from "../shared/lib/release-store.ts";
import type { RunDecision } from "./decide-run.ts";
import type { HeldRun } from "./detached-run.ts";
import { knownState } from "./follow-run.ts";
import type { Detached } from "./outcome.ts";
import { patiently } from "./patiently.ts";
import type { Prepared } from "./prepared.ts";
import { recordedPipeline, recordedRun } from "./recorded-run.ts";
import { runCheck } from "./run-check.ts";
import type { SavedRun } from "./saved-run.ts";
import { NOTHING_SEEN } from "./seen.ts";
import type { Ports, RunStep } from "./step.ts";

type Going = { readonly prepared: Prepared; readonly decision: RunDecision; readonly held: HeldRun | undefined };

/**
 * Lets the run go on without this job: what it takes to conclude it is in the store, and the commit has a check in progress. Undefined where
 * it is over already.
 */
export async function detach(step: RunStep, ports: Ports, going: Going): Promise<Detached | undefined> {
  const { prepared, decision, held } = going;
  const { release, inputs, log } = step;
  const waiter = { ...step, maxOutageMs: inputs["max-outage"] };
  const status: RunStatus = await patiently(waiter, () => knownState(ports.engine, decision.runId));
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
