import type { GpuRequest } from "../../shared/domain/pipeline/gpus.ts";
import { formatCount, formatDuration } from "../../shared/domain/quantity.ts";
import { gpuHours } from "../../shared/domain/run/gpu-hours.ts";
import { isOver, type RunStatus, type RunTask } from "../../shared/domain/run/task.ts";
import { waitSentence } from "../../shared/domain/run/wait-words.ts";
import { limitOf, type WaitBudgets, type Waiting } from "../../shared/domain/run/waits.ts";
import type { RunStep } from "../step.ts";
import type { Seen } from "./seen.ts";

/** A wait says that it is alive this often at first, later after a tenth of what it took, at the latest after ten minutes. */
const HEARTBEAT_MS = 60_000;
const LONGEST_HEARTBEAT_MS = 600_000;

type Told = {
  readonly name: string;
  readonly gpus: readonly GpuRequest[];
  readonly limits: { readonly waits: WaitBudgets };
};

export type Progress = {
  readonly status: RunStatus;
  readonly seen: Seen;
  readonly followedMs: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
};

/** Tells what is new at each look, and now and then that there is nothing new; the table of all tasks at the end. */
export function progressTeller(
  { log, clock }: Pick<RunStep, "log" | "clock">,
  told: Told,
): (progress: Progress) => void {
  const lines = new Map<string, string>();
  let spokeAt = clock.now();
  const say = (line: string) => {
    spokeAt = clock.now();
    log.info(line);
  };
  return ({ status, seen, followedMs, isFirst, isLast }) => {
    // a run that had ended before has nothing new to tell
    if (isFirst && isOver(status.state)) return;
    if (isFirst && status.url?.startsWith("http")) say(`  look at it: ${status.url}`);
    if (status.progress !== undefined && status.progress !== lines.get("")) {
      lines.set("", status.progress);
      say(`  ${status.progress}`);
    }
    for (const task of status.tasks) {
      const line = taskLine(task);
      if (lines.get(task.path) === line) continue;
      lines.set(task.path, line);
      say(line);
    }
    const heartbeatMs = Math.min(LONGEST_HEARTBEAT_MS, Math.max(HEARTBEAT_MS, followedMs / 10));
    // after a minute the lines above have scrolled away
    if (isLast && followedMs >= HEARTBEAT_MS) for (const line of taskTable(status.tasks, seen)) log.info(line);
    else if (!isLast && Math.abs(clock.now() - spokeAt) >= heartbeatMs)
      say(heartbeat(status, seen, { ...told, followedMs }));
  };
}

export function taskLine(task: RunTask): string {
  const took = formatDuration((task.seconds ?? 0) * 1_000);
  switch (task.state) {
    case "pending":
      return `  ${task.path} waits${task.wait === undefined ? "" : `: ${task.wait.message}`}`;
    case "running":
      return `  ${task.path} started`;
    case "succeeded":
      return task.cached
        ? `  ${task.path} had finished before, its outputs are kept`
        : `  ${task.path} succeeded after ${took}`;
    case "failed":
      return `  ${task.path} failed after ${took}${task.exitCode === undefined ? "" : ` with exit code ${task.exitCode}`}`;
    case "cancelled":
      return `  ${task.path} was ended`;
    case "skipped":
      return `  ${task.path} was skipped`;
  }
}

export function heartbeat(
  { tasks }: RunStatus,
  { waits, gpus: meter }: Seen,
  { name, gpus, limits, followedMs }: Told & { readonly followedMs: number },
): string {
  const stuck = longestTrouble(Object.values(waits), limits.waits);
  if (stuck !== undefined) return `  ⏳ ${waitSentence(name, stuck, { gpus, budgets: limits.waits })}`;
  const running = tasks.filter(({ state }) => state === "running").map(({ path }) => path);
  const done = tasks.filter(({ state }) => state !== "running" && state !== "pending").length;
  const hours = gpuHours(meter);
  const used = hours === 0 ? "" : `; ${hours.toFixed(2)} GPU hours so far`;
  return `  running for ${formatDuration(followedMs)}: ${done} tasks are done, now ${running.join(", ") || "none"}${used}`;
}

/** The wait that has something wrong with it, for longest. */
function longestTrouble(waits: readonly Waiting[], budgets: WaitBudgets): Waiting | undefined {
  return waits
    .filter(({ wait, goneMs }) => goneMs === 0 && limitOf(wait, budgets) !== undefined)
    .toSorted((a, b) => b.waitedMs - a.waitedMs)[0];
}

/** Every task with its state, how long it had waited for a GPU, and how long it took. */
export function taskTable(tasks: readonly RunTask[], { gpus }: Seen): readonly string[] {
  if (tasks.length === 0) return [];
  const rows = tasks.map((task) => {
    const use = gpus[task.path];
    return [
      task.path,
      task.cached ? "kept from before" : task.state,
      task.seconds === undefined || task.cached ? "" : formatDuration(task.seconds * 1_000),
      use === undefined ? "" : `${use.count} x ${use.type}`,
      use === undefined || use.queuedMs === 0 ? "" : `queued ${formatDuration(use.queuedMs)}`,
    ];
  });
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
  return [`  ${formatCount(tasks.length, "task")}:`, ...lines];
}
