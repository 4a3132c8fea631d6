import type { GpuRequest } from "../pipeline/gpus.ts";
import type { RunTask } from "./task.ts";

/** What one execution had of the GPUs that it asked for. */
export type GpuUse = {
  readonly path: string;
  readonly type: string;
  readonly count: number;
  /** Waited for the node that has them, as far as it was seen. */
  readonly queuedMs: number;
  /** Had them. */
  readonly ranMs: number;
};

/** By the execution's path. Plain data, so that counting goes on in another job. */
export type GpuMeter = Readonly<Record<string, GpuUse>>;

export type GpuLook = {
  readonly requests: readonly GpuRequest[];
  readonly nowMs: number;
  /** Since the last look, by our own clock. */
  readonly passedMs: number;
};

/**
 * Adds what was seen since the last look. The engine's own duration wins once there is one; until then the time in which an execution was
 * seen running is counted, so that a clock that jumps adds nothing. Kept outputs cost nothing.
 */
export function meterGpus(before: GpuMeter, tasks: readonly RunTask[], look: GpuLook): GpuMeter {
  const used = tasks.flatMap((task) => {
    const request = look.requests.find((one) => one.task === withoutIterations(task.path));
    if (request === undefined || task.cached || task.state === "skipped") return [];
    return [useOf(task, request, { ...look, before: before[task.path] })];
  });
  return { ...before, ...Object.fromEntries(used.map((one) => [one.path, one])) };
}

function useOf(
  task: RunTask,
  { type, count }: GpuRequest,
  { before, nowMs, passedMs }: GpuLook & { readonly before: GpuUse | undefined },
): GpuUse {
  const { path, state, startedAtMs, seconds } = task;
  const isQueued = task.wait?.kind === "unschedulable" || task.wait?.kind === "quota";
  const queuedMs = (before?.queuedMs ?? 0) + (state === "pending" && isQueued && before !== undefined ? passedMs : 0);
  const use = { path, type, count, queuedMs };
  if (state === "pending") return { ...use, ranMs: before?.ranMs ?? 0 };
  if (state !== "running") return { ...use, ranMs: seconds === undefined ? (before?.ranMs ?? 0) : seconds * 1_000 };
  // seen running for the first time: it may have run for long under another job
  if (before === undefined || before.ranMs === 0)
    return { ...use, ranMs: startedAtMs === undefined ? 0 : Math.max(0, nowMs - startedAtMs) };
  return { ...use, ranMs: before.ranMs + passedMs };
}

/** GPU hours: all GPUs added up. */
export function gpuHours(meter: GpuMeter): number {
  return Object.values(meter).reduce((total, { count, ranMs }) => total + (count * ranMs) / 3_600_000, 0);
}

/** The longest that one execution waited for its GPUs. */
export function longestQueueMs(meter: GpuMeter): number {
  return Object.values(meter).reduce((longest, { queuedMs }) => Math.max(longest, queuedMs), 0);
}

/** `for-loop-1-iteration-0/train` is an execution of the task `for-loop-1/train`. */
export function withoutIterations(path: string): string {
  return path.replaceAll(/-iteration-\d+(?=\/)/g, "");
}
