import { formatDuration } from "../../shared/domain/quantity.ts";
import type { Section, Text } from "../../shared/domain/report.ts";
import { gpuHours, longestQueueMs } from "../../shared/domain/run/gpu-hours.ts";
import type { RunTask } from "../../shared/domain/run/task.ts";
import type { Ended } from "../outcome.ts";

/** Every execution; a column is there where it has something to say. */
export function taskSection({ tasks, gpus }: Pick<Ended, "tasks" | "gpus">): Section {
  const columns = [
    { title: "task", of: (task: RunTask) => task.path },
    { title: "state", of: stateOf },
    { title: "duration", align: "right" as const, of: durationOf },
    { title: "GPUs", of: (task: RunTask) => gpuOf(task) },
    { title: "waited for them", align: "right" as const, of: (task: RunTask) => queueOf(task) },
  ].filter(({ title, of }) => title === "task" || title === "state" || tasks.some((task) => of(task) !== ""));
  const rows = tasks.map((task) => columns.map(({ of }) => of(task)));
  return {
    title: "Tasks",
    priority: 3,
    blocks: [
      { kind: "table", columns: columns.map(({ of: _, ...column }) => column), rows },
      ...gpuLines(gpus).map((text) => ({ kind: "paragraph" as const, text })),
    ],
  };

  function gpuOf({ path }: RunTask): string {
    const use = gpus[path];
    return use === undefined ? "" : `${use.count} x ${use.type}`;
  }

  function queueOf({ path }: RunTask): string {
    const queuedMs = gpus[path]?.queuedMs ?? 0;
    return queuedMs === 0 ? "" : formatDuration(queuedMs);
  }
}

function stateOf(task: RunTask): string {
  if (task.cached) return "kept from before";
  return task.state === "pending" && task.wait !== undefined ? `waits: ${task.wait.message}` : task.state;
}

function durationOf({ seconds, cached }: RunTask): string {
  return seconds === undefined || cached ? "" : formatDuration(seconds * 1_000);
}

function gpuLines(gpus: Ended["gpus"]): readonly Text[] {
  if (Object.keys(gpus).length === 0) return [];
  const hours = gpuHours(gpus);
  const queuedMs = longestQueueMs(gpus);
  const queue = queuedMs === 0 ? "" : `; the longest wait for a GPU was ${formatDuration(queuedMs)}`;
  return [`${hours === 0 ? "No GPU was had" : `${Number(hours.toPrecision(3))} GPU hours`}${queue}.`];
}
