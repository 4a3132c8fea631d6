import { setTimeout as pause } from "node:timers/promises";
import type { Action, Declarations } from "./action.ts";
import type { Reached } from "./prepare-step.ts";
import { isPlan } from "./prepare-step.ts";

/** What came of the one small safe act. */
export type CancelResult =
  | { readonly state: "nothing to do" }
  | { readonly state: "done"; readonly said: readonly string[] }
  | { readonly state: "failed"; readonly error: unknown };

/** Calls the action's `cancel` with a signal that ends it in time; answers at the latest then. */
export async function cancelAct<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  { step, ports, inputs }: Reached<D, Ports>,
  limitMs: number,
): Promise<CancelResult> {
  if (action.cancel === undefined || step === undefined || ports === undefined || isPlan(inputs))
    return { state: "nothing to do" };
  const late = new Error(`no answer within ${limitMs / 1_000} s`);
  const signal = AbortSignal.timeout(limitMs);
  const act = action.cancel({ ...step, signal }, ports).then(
    (said): CancelResult => ({ state: "done", said }),
    (error): CancelResult => ({ state: "failed", error: signal.aborted ? late : error }),
  );
  return Promise.race([act, pause(limitMs + 50).then((): CancelResult => ({ state: "failed", error: late }))]);
}
