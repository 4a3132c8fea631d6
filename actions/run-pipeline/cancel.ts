import * as v from "valibot";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { dropDetachedRun } from "./detach/detached-run.ts";
import { letGoOfRun } from "./detach/hold-run.ts";
import { SavedRunSchema } from "./start/saved-run.ts";
import type { Ports, RunStep } from "./step.ts";

/** Ends the run that this step has started, unless it is to go on. One that another job has started is left to it. */
export async function cancel(step: RunStep, ports: Ports): Promise<readonly string[]> {
  const saved = v.safeParse(SavedRunSchema, step.state.last());
  if (!saved.success) return ["No run was started."];
  const { runId, do: act } = saved.output;
  switch (act) {
    case "terminate": {
      const said = await ports.engine.cancel(runId);
      await dropDetachedRun(ports.store, saved.output);
      return said;
    }
    case "leave":
      return [`Run ${runId} was started by another job, and goes on.`];
    case "keep":
    case "detached":
      await letGoOfRun(step, ports.store, saved.output);
      return [`Run ${runId} goes on.`, ...howToGoOn(saved.output.releaseId, outlivesJob(step.job, ports.store))];
  }
}

function howToGoOn(releaseId: string, canAttach: boolean): readonly string[] {
  return canAttach
    ? [`mode: attach with release: ${releaseId} takes it up; so does running the step again.`]
    : [
        "Running the step again takes it up; the store of this job goes with it, so that mode: attach could not find it.",
      ];
}
