import { type Answer, failure, ok } from "./answer.ts";
import { type Listable, listBody, pageOf } from "./listing.ts";
import { nativeTasks } from "./native-tasks.ts";
import { runBody, runBodyV1 } from "./run-body.ts";
import type { KfpState, Run } from "./state.ts";

const RUNS: Listable<Run> = {
  plural: "runs",
  type: "Run",
  model: "",
  prefix: "",
  idOf: (one) => one.id,
  columns: {
    id: { column: "UUID", of: (one) => one.id },
    run_id: { column: "UUID", of: (one) => one.id },
    name: { column: "DisplayName", of: (one) => one.displayName },
    display_name: { column: "DisplayName", of: (one) => one.displayName },
    created_at: { column: "CreatedAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    scheduled_at: { column: "ScheduledAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    finished_at: { column: "FinishedAtInSec", of: (one) => Math.floor((one.finishedMs ?? 0) / 1_000) },
    description: { column: "Description", of: (one) => one.description },
    storage_state: { column: "StorageState", of: (one) => one.storageState },
    state: { column: "State", of: (one) => one.state },
    status: { column: "State", of: (one) => one.state },
    namespace: { column: "Namespace", of: (one) => one.namespace },
    experiment_id: { column: "ExperimentUUID", of: (one) => one.experimentId },
    recurring_run_id: { column: "JobUUID", of: () => "" },
  },
};

/** Looks are by far the most calls, and mostly nothing has changed. */
const answers = new WeakMap<Run, { readonly revision: number; readonly answer: Answer }>();

export function getRun(state: KfpState, id: string, query: URLSearchParams): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to get a run: ");
  if (state.settings.release === "3.0" && query.get("view") === "FULL")
    return ok({ ...runBody(state, run), tasks: nativeTasks(state, run) });
  const last = answers.get(run);
  if (last?.revision === state.revision) return last.answer;
  const answer = ok(runBody(state, run));
  answers.set(run, { revision: state.revision, answer });
  return answer;
}

export function noRun(id: string, prefix: string): Answer {
  const inner = `Run ${id} not found`;
  return failure(5, `${prefix}Failed to fetch run ${id}: ResourceNotFoundError: ${inner}`, inner);
}

export function listRuns(state: KfpState, query: URLSearchParams): Answer {
  const experiment = query.get("experiment_id");
  const namespace = query.get("namespace");
  const own = [...state.runs.values()]
    .filter((one) => experiment === null || one.experimentId === experiment)
    .filter((one) => !state.settings.multiUser || namespace === null || one.namespace === namespace);
  const page = pageOf(state, own, { of: RUNS, query });
  return ok(listBody("runs", { ...page, items: page.items.map((run) => runBody(state, run)) }));
}

export function terminateRun(state: KfpState, id: string): Answer {
  const prefix = `Failed to terminate a run: Failed to terminate run ${id}`;
  const run = state.runs.get(id);
  if (!run) return noRun(id, `${prefix} due to error fetching the run: `);
  if (run.state !== "PENDING" && run.state !== "RUNNING") {
    if (run.state === "CANCELING" && !state.switches.has("terminate-twice-refused")) return ok({});
    const inner = `Failed to terminate a run ${id}. Row not found`;
    return failure(3, `${prefix}: Invalid input error: ${inner}`, inner);
  }
  run.state = "CANCELING";
  const last = run.workflow.tries.at(-1);
  if (last && !state.switches.has("terminate-forgotten")) last.terminatedMs = state.clock.now();
  state.cluster?.terminate(run);
  return ok({});
}

export function storeRun(state: KfpState, id: string, storageState: Run["storageState"]): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to archive a run: ");
  run.storageState = storageState;
  return ok({});
}

export function deleteRun(state: KfpState, id: string): Answer {
  const run = state.runs.get(id);
  if (!run) return noRun(id, "Failed to delete a run: ");
  state.runs.delete(id);
  return ok({});
}

export function getRunV1(state: KfpState, id: string): Answer {
  const run = state.runs.get(id);
  return run ? ok(runBodyV1(state, run)) : noRun(id, "Failed to get a v1beta1 run: ");
}
