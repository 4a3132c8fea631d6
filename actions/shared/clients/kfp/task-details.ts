import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import { taskSites } from "../../domain/pipeline/tasks.ts";
import type { RunTask, TaskState } from "../../domain/run/task.ts";
import { timeOf } from "./node-place.ts";
import type { KfpRun } from "./runs.ts";

type Detail = NonNullable<KfpRun["run_details"]>["task_details"][number];

/** Changes whenever anything in the run does. */
export function detailsSignature(run: KfpRun): string {
  const details = run.run_details?.task_details ?? [];
  return details.map(({ task_id, display_name, state }) => `${task_id} ${display_name} ${state}`).join("\n");
}

/**
 * Tasks as far as a run of KFP 2 tells them itself: names and states of Argo's nodes, without the DAGs around them, pods and reasons. What
 * has one name (a task in a loop) is one task here.
 */
export function detailTasks(run: KfpRun, pipeline: PipelinePackage | undefined): readonly RunTask[] {
  const sites = pipeline === undefined ? undefined : taskSites(pipeline);
  const all = run.run_details?.task_details ?? [];
  const byName = [...Map.groupBy(all, ({ display_name }) => display_name)];
  const tasks = byName.flatMap(([name, of]) => {
    const places = sites?.filter(({ task }) => task === name);
    const isTask = places === undefined ? isTaskName(name) : places.length > 0 && !isPod(name);
    return isTask ? [taskOf(name, places?.length === 1 ? (places[0]?.path ?? name) : name, of)] : [];
  });
  // the node of a task runs while its pod waits, and which pod is whose is not told
  const waiting = all.filter(({ display_name, state }) => isPod(display_name) && state === "PENDING").length;
  const running = tasks.filter(({ state }) => state === "running").length;
  return waiting > 0 && waiting >= running ? tasks.map(asWaiting) : tasks;
}

function isPod(name: string): boolean {
  return /^executor(\(\d+\))?$/.test(name);
}

const UNTOLD = { kind: "starting", message: "the server does not say what it waits for" } as const;

function asWaiting(task: RunTask): RunTask {
  if (task.state !== "running") return task;
  const { startedAtMs: _, ...rest } = task;
  return { ...rest, state: "pending", wait: UNTOLD };
}

/** Where no package says which names are tasks. */
function isTaskName(name: string): boolean {
  // the workflow itself ends in five of Kubernetes' random characters, which have no vowels
  const isFrame = /-driver$|^executor(\(\d+\))?$|^iteration-|\.onExit$|-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
  return name !== "" && name !== "root" && !isFrame.test(name);
}

const WORST: readonly TaskState[] = ["failed", "running", "pending", "cancelled", "succeeded", "skipped"];

function taskOf(name: string, path: string, details: readonly Detail[]): RunTask {
  const states = details.map(({ state }) => stateOf(state));
  const state = WORST.find((one) => states.includes(one)) ?? "pending";
  const starts = details.flatMap((detail) => timeOf(text(detail.start_time)) ?? []);
  const ends = details.flatMap((detail) => timeOf(text(detail.end_time)) ?? []);
  const startedAtMs = state === "pending" || starts.length === 0 ? undefined : Math.min(...starts);
  const isOver = state !== "running" && ends.length === details.length;
  return {
    task: name,
    path,
    state,
    cached: false,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(startedAtMs === undefined || !isOver ? {} : { seconds: (Math.max(...ends) - startedAtMs) / 1_000 }),
    ...(state === "pending" ? { wait: UNTOLD } : {}),
    inputs: { parameters: {}, artifacts: {} },
    outputs: { parameters: {}, artifacts: {} },
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function stateOf(state: string): TaskState {
  switch (state) {
    case "SUCCEEDED":
      return "succeeded";
    case "FAILED":
      return "failed";
    case "SKIPPED":
      return "skipped";
    case "CANCELED":
    case "CANCELING":
      return "cancelled";
    case "RUNNING":
      return "running";
    default:
      return "pending";
  }
}

/** When each task's pod went from waiting to running, by the name and creation of its node: Argo tells only when the pod was made. */
export function runningSince(
  run: KfpRun,
): (node: { readonly name: string; readonly madeAtMs: number }) => number | undefined {
  const details = run.run_details?.task_details ?? [];
  return ({ name, madeAtMs }) => {
    const found = details.filter(
      (detail) => detail.display_name === name && timeOf(text(detail.start_time)) === madeAtMs,
    );
    const times = found.map((detail) => runningAt(detail.state_history));
    // several nodes of one name that were made in the same second: none of them can be told from the others
    return new Set(times).size === 1 ? times[0] : undefined;
  };
}

function runningAt(history: unknown): number | undefined {
  if (!Array.isArray(history)) return undefined;
  const at = history.findLastIndex((one: { state?: unknown }) => one?.state === "RUNNING");
  const before = history[at - 1] as { state?: unknown } | undefined;
  if (before?.state !== "PENDING") return undefined;
  return timeOf(text((history[at] as { update_time?: unknown }).update_time));
}
