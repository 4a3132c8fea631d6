import { type Answer, failure, uploadError } from "./answer.ts";
import { courseOf } from "./course.ts";
import { type Node, podName, statusAt } from "./nodes.ts";
import type { KfpState, Run, Workflow } from "./state.ts";

/** `GET /runs/{run}/nodes/{node}/artifacts/{name}:read`: only what Argo keeps, which is `main-logs`. */
export function readArtifact(state: KfpState, { run: id, node, name }: Readonly<Record<string, string>>): Answer {
  const run = state.runs.get(id ?? "");
  if (!run) return failure(5, `Failed to read artifact: Run ${id} not found`, `Run ${id} not found`);
  const text = name === "main-logs" ? logOf(state, run, node ?? "") : undefined;
  if (text === undefined || state.switches.has("logs-gone"))
    return uploadError(404, "artifact not found: <nil>", "text");
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ data: Buffer.from(text).toString("base64") }),
  };
}

/** `GET /apis/v1alpha1/runs/{run}/nodes/{pod}/log`: raw text; the status is out before anything is known. */
export function readLog(state: KfpState, { run: id, node }: Readonly<Record<string, string>>): Answer {
  const run = state.runs.get(id ?? "");
  const text = run && !state.switches.has("logs-gone") ? logOf(state, run, node ?? "") : undefined;
  if (text !== undefined) return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: text };
  const inner = `pods "${node}" not found`;
  const body = JSON.stringify({ error_message: `Failed to fetch run logs: ${inner}`, error_details: inner });
  const status = state.switches.has("log-errors-after-200") ? 200 : 500;
  return { status, headers: { "content-type": "application/json" }, body };
}

/** Of the pod with this name, or of the node with this id. */
function logOf(state: KfpState, run: Run, wanted: string): string | undefined {
  const kept = state.logs.get(wanted);
  if (kept !== undefined) return kept;
  const { workflow } = run;
  const last = workflow.tries.at(-1);
  if (last === undefined) return undefined;
  const nodes = statusAt(workflow, last, state.clock.now())?.nodes ?? [];
  const node = nodes.find((one) => one.type === "Pod" && (one.id === wanted || podName(workflow.name, one) === wanted));
  if (node === undefined || node.phase === "Pending") return undefined;
  return logText(workflow, node);
}

function logText(workflow: Workflow, node: Node): string {
  const last = workflow.tries.at(-1);
  const courses = last ? courseOf(last).tasks : [];
  const task = courses.find((one) => node.name.endsWith(`.${one.task.name}.executor`));
  return task?.task.log ?? `${node.displayName} of ${workflow.name}\n`;
}
