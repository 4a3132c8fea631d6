import { isOver } from "../../shared/domain/run/task.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { RunRequest, Work } from "../../shared/ports/pipeline-engine.ts";
import { patiently } from "../follow/patiently.ts";
import type { Prepared } from "../prepare/prepared.ts";
import type { Ports, RunStep } from "../step.ts";
import { claimRun, isClaimedByAnother } from "./claim-run.ts";
import type { RunDecision } from "./decide-run.ts";
import type { SavedRun } from "./saved-run.ts";

export type ToStart = {
  readonly prepared: Prepared;
  readonly first: RunDecision;
  /** Decides anew, by what the engine has then. */
  readonly decide: () => Promise<RunDecision>;
};

export type Started = { readonly decision: RunDecision; readonly submit: () => Promise<void> };

/** Starts what is to be started. Afterwards the engine knows the run, whoever has started it. */
export async function startRun(step: RunStep, ports: Ports, wanted: ToStart): Promise<Started> {
  const { decide } = wanted;
  const claimed = wanted.first.do === "submit" ? await claimRun(step, ports, wanted.first) : "known";
  // somebody else has started it in the meantime: that is an adoption
  const decision = wanted.first.do === "submit" && claimed === "known" ? await decide() : wanted.first;
  const submit = submitter(step, ports, { prepared: wanted.prepared, decision });
  if (decision.do === "adopt") {
    const isForeign = await isClaimedByAnother(step, ports, decision);
    save(step, decision.runId, isForeign ? "leave" : step.inputs["on-cancel"]);
    return { decision, submit };
  }
  try {
    await submit();
    return { decision, submit };
  } catch (error) {
    if (decision.do !== "retry" || !isReleaseError(error, "CONFLICT")) throw error;
    step.log.info(`Run ${decision.runId} cannot be tried again: ${error.message}`);
    return startRun(step, ports, { ...wanted, first: await decide() });
  }
}

type Submission = { readonly prepared: Prepared; readonly decision: RunDecision };

function submitter(step: RunStep, ports: Ports, { prepared, decision }: Submission): () => Promise<void> {
  const { runId, attempt } = decision;
  const { work, parameters, origin } = prepared;
  return async () => {
    // a cancel that came before has said that nothing was started
    step.signal.throwIfAborted();
    save(step, runId, step.inputs["on-cancel"]);
    await submitOnce(step, ports, { runId, attempt, work, parameters, origin });
  };
}

function save({ state, release }: RunStep, runId: string, act: SavedRun["do"]): void {
  state.save({ runId, releaseId: release.id, do: act } satisfies SavedRun);
}

/** An answer that was lost says nothing: the engine is asked for the run, and the run is not asked for twice. */
async function submitOnce(step: RunStep, { engine }: Ports, request: RunRequest<Work>): Promise<void> {
  try {
    await engine.submit(request);
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    step.log.warn(`The answer to the start of run ${request.runId} was lost: asking whether it has begun`);
    const known = await patiently(step, () => engine.state(request.runId));
    if (known === undefined || isOver(known.state)) throw error;
  }
}
