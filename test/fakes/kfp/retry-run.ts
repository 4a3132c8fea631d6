import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { courseOf, pathOf } from "./course.ts";
import { isObject } from "./proto-json.ts";
import { noRun } from "./runs.ts";
import { type KfpState, type Run, serverNow } from "./state.ts";

/** Tries the same workflow again; what succeeded in it is kept. */
export function retryRun(state: KfpState, id: string): Answer {
  const prefix = `Failed to retry a run: `;
  const run = state.runs.get(id);
  if (!run) return noRun(id, `${prefix}Failed to retry run ${id} due to error fetching the run: `);
  const conflict = state.switches.has("retry-refused-by-409") ? (10 as const) : (3 as const);
  if (run.reported === undefined) {
    const inner = `Failed to retry run ${id} due to error fetching workflow manifest`;
    return failure(
      conflict,
      `${prefix}BadRequestError: ${inner}: Invalid input error: Workflow manifest cannot be empty`,
      inner,
    );
  }
  const status = isObject(run.reported.status) ? run.reported.status : {};
  if (status.phase !== "Failed" && status.phase !== "Error") {
    const inner = "Workflow must be Failed/Error to retry";
    return failure(
      conflict,
      `${prefix}Failed to retry run ${id}: BadRequestError: ${inner}: workflow cannot be retried`,
      inner,
    );
  }
  if (state.switches.has("nodes-offloaded")) {
    const inner = "cannot retry a workflow whose node status is offloaded";
    return failure(conflict, `${prefix}Failed to retry run ${id}: BadRequestError: ${inner}`, inner);
  }
  tryAgain(state, run);
  run.state = "RUNNING";
  run.finishedMs = undefined;
  run.history.push({ atMs: serverNow(state), state: "RUNNING" });
  run.reported = { ...run.reported, metadata: retried(run.reported.metadata), status: { ...statusToRetry(status) } };
  return ok({});
}

function tryAgain(state: KfpState, run: Run): void {
  state.cluster?.retry(run);
  if (state.cluster) return;
  const { workflow } = run;
  const last = workflow.tries.at(-1);
  if (last === undefined) return;
  const now = state.clock.now();
  const number = last.number + 1;
  const parameters = isObject(run.runtimeConfig.parameters) ? run.runtimeConfig.parameters : {};
  const schedule = state.settings.scheduleOf({ runId: run.id, attempt: number, spec: run.spec, parameters });
  const endMs = Math.min(now, last.terminatedMs ?? Number.POSITIVE_INFINITY);
  const kept = courseOf(last)
    .tasks.filter((task) => task.outcome === "Succeeded" && task.endMs <= endMs)
    .map((task) => pathOf(task.task));
  if (schedule) workflow.tries.push({ number, fromMs: now, schedule, kept, terminatedMs: undefined });
}

function retried(metadata: Json | undefined): JsonObject {
  const fields = isObject(metadata) ? metadata : {};
  const labels = isObject(fields.labels) ? fields.labels : {};
  const { "workflows.argoproj.io/completed": _, ...rest } = labels;
  return { ...fields, labels: { ...rest, "workflows.argoproj.io/phase": "Running" } };
}

function statusToRetry(status: JsonObject): JsonObject {
  const nodes = isObject(status.nodes) ? status.nodes : {};
  const kept = Object.entries(nodes).filter(([, node]) => isObject(node) && node.phase === "Succeeded");
  return {
    ...status,
    phase: "Running",
    finishedAt: null,
    nodes: Object.fromEntries(kept),
    conditions: [{ type: "Completed", status: "False" }],
  };
}
