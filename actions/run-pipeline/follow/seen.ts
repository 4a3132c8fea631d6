import type { GpuRequest } from "../../shared/domain/pipeline/gpus.ts";
import { formatDuration } from "../../shared/domain/quantity.ts";
import { type GpuMeter, gpuHours, meterGpus } from "../../shared/domain/run/gpu-hours.ts";
import { isOver, type RunStatus } from "../../shared/domain/run/task.ts";
import { gaveUpReason, waitAdvice } from "../../shared/domain/run/wait-words.ts";
import { overdueWait, type WaitBudgets, type Waits, watchWaits } from "../../shared/domain/run/waits.ts";

/** What the looks at a run have come to so far: plain data, which another job can go on with. */
export type Seen = { readonly waits: Waits; readonly gpus: GpuMeter };

export const NOTHING_SEEN: Seen = { waits: {}, gpus: {} };

export type Limits = {
  readonly waits: WaitBudgets;
  readonly gpuHours: number | undefined;
  /** The wait is handed over to another job after so long. */
  readonly attachedMs: number | undefined;
};

/** Why a run is ended by us, and what to do. */
export type GaveUp = { readonly reason: string; readonly advice: string; readonly task: string | undefined };

/** What follows from a look. */
export type NextLook =
  | { readonly do: "wait" }
  | { readonly do: "conclude" }
  | { readonly do: "give-up"; readonly why: GaveUp }
  | { readonly do: "hand-over" };

export type Look = {
  readonly requests: readonly GpuRequest[];
  readonly nowMs: number;
  /** Since the last look that had an answer. */
  readonly passedMs: number;
};

export function seeMore(before: Seen, status: RunStatus, look: Look): Seen {
  return {
    waits: watchWaits(before.waits, status, look.passedMs),
    gpus: meterGpus(before.gpus, status.tasks, look),
  };
}

/** An end that has come counts more than a budget that is over. */
export function nextLook(
  { status, seen, followedMs }: { readonly status: RunStatus; readonly seen: Seen; readonly followedMs: number },
  limits: Limits,
  requests: readonly GpuRequest[],
): NextLook {
  if (isOver(status.state)) return { do: "conclude" };
  const overdue = overdueWait(seen.waits, limits.waits);
  if (overdue !== undefined)
    return {
      do: "give-up",
      why: {
        reason: gaveUpReason(overdue, requests),
        advice: waitAdvice(overdue, requests),
        task: overdue.path === "" ? undefined : overdue.path,
      },
    };
  const spent = gpuHours(seen.gpus);
  if (limits.gpuHours !== undefined && spent >= limits.gpuHours)
    return { do: "give-up", why: gpuHoursSpent(seen.gpus, spent, limits.gpuHours) };
  if (limits.attachedMs !== undefined && followedMs >= limits.attachedMs) return { do: "hand-over" };
  return { do: "wait" };
}

function gpuHoursSpent(meter: GpuMeter, spent: number, allowed: number): GaveUp {
  const most = Object.values(meter).toSorted((a, b) => b.count * b.ranMs - a.count * a.ranMs)[0];
  const of =
    most === undefined
      ? ""
      : `, most by task ${most.path}: ${most.count} x ${most.type} for ${formatDuration(most.ranMs)}`;
  return {
    reason: `its tasks have had GPUs for ${spent.toFixed(2)} hours${of}; max-gpu-hours is ${allowed}`,
    advice: "Set max-gpu-hours higher, or train less; what has finished is kept where the engine can.",
    task: most?.path,
  };
}
