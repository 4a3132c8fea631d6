import { type Answer, failure, type JsonObject, ok, refusal } from "./answer.ts";
import { artifactsOf } from "./native-artifacts.ts";
import { nativeTasks } from "./native-tasks.ts";
import type { KfpState } from "./state.ts";

// What a server of 3.0 keeps itself: tasks and artifacts. Older ones know none of these routes.

export function listArtifacts(state: KfpState, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const namespace = query.get("namespace") ?? "";
  const all = [...state.runs.values()]
    .filter((run) => namespace === "" || run.namespace === namespace)
    .flatMap((run) => artifactsOf(state, run));
  return pageBody(
    "artifacts",
    uniqueBy(
      all.map(({ artifact }) => artifact),
      "artifact_id",
    ),
    query,
  );
}

export function getArtifact(state: KfpState, id: string): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const all = [...state.runs.values()].flatMap((run) => artifactsOf(state, run));
  const found = all.find(({ artifact }) => artifact.artifact_id === id);
  return found
    ? ok(found.artifact)
    : failure(5, `Failed to get artifact: Artifact ${id} not found`, `Artifact ${id} not found`);
}

export function listArtifactTasks(state: KfpState, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const wanted = (name: string): readonly string[] => query.getAll(name).flatMap((one) => one.split(","));
  const [runs, tasks, artifacts] = [wanted("run_ids"), wanted("task_ids"), wanted("artifact_ids")];
  if (runs.length + tasks.length + artifacts.length === 0) {
    const inner = "at least one of run_ids, task_ids or artifact_ids must be provided";
    return failure(3, `Failed to list artifact tasks: Invalid input error: ${inner}`, inner);
  }
  const links = [...state.runs.values()]
    .flatMap((run) => artifactsOf(state, run))
    .map(({ link }) => link)
    .filter((link) => runs.length === 0 || runs.includes(String(link.run_id)))
    .filter((link) => tasks.length === 0 || tasks.includes(String(link.task_id)))
    .filter((link) => artifacts.length === 0 || artifacts.includes(String(link.artifact_id)));
  return pageBody("artifact_tasks", links, query);
}

export function listTasks(state: KfpState, runId: string, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const run = state.runs.get(runId);
  if (!run) return failure(5, `Failed to list tasks: Run ${runId} not found`, `Run ${runId} not found`);
  const parent = query.get("parent_id");
  const tasks = nativeTasks(state, run).filter((task) => parent === null || task.parent_task_id === parent);
  return pageBody("tasks", tasks, query);
}

function isNative(state: KfpState): boolean {
  return state.settings.release === "3.0";
}

function pageBody(key: string, all: readonly JsonObject[], query: URLSearchParams): Answer {
  const size = Number(query.get("page_size") ?? 0) || 20;
  const from = Number(query.get("page_token") ?? 0);
  const next = from + size < all.length ? { next_page_token: String(from + size) } : {};
  const items = all.slice(from, from + size);
  return ok(items.length === 0 ? {} : { [key]: items, total_size: all.length, ...next });
}

function uniqueBy(all: readonly JsonObject[], key: string): readonly JsonObject[] {
  return [...new Map(all.map((one) => [one[key], one])).values()];
}
