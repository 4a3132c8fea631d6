import * as v from "valibot";
import type { Ports, RunStep } from "./step.ts";

const StateSchema = v.object({ runId: v.string(), owned: v.boolean() });

/** Ends the run that this step has started. One that another job has started is left to it. */
export async function cancel({ state }: RunStep, { engine }: Ports): Promise<readonly string[]> {
  const saved = v.safeParse(StateSchema, state.last());
  if (!saved.success) return ["No run was started."];
  const { runId, owned } = saved.output;
  if (!owned) return [`Run ${runId} was started by another job, and goes on.`];
  return engine.cancel(runId);
}
