import { formatDuration } from "../shared/domain/quantity.ts";
import { isOver, type RunStatus, type RunTask } from "../shared/domain/run/task.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { poll } from "../shared/lib/poll.ts";
import type { PipelineEngine } from "../shared/ports/pipeline-engine.ts";
import type { RunStep } from "./step.ts";

/** A wait says that it is alive this often. */
const HEARTBEAT_MS = 60_000;

/** Waits for the end of a run and tells each task's start, end, state, duration and cache use as it happens. */
export async function followRun(
  { clock, log, signal }: RunStep,
  engine: PipelineEngine,
  runId: string,
): Promise<RunStatus> {
  const told = new Map<string, string>();
  let spokeAt = clock.now();
  const say = (line: string) => {
    spokeAt = clock.now();
    log.info(line);
  };
  return poll({
    clock,
    signal,
    delayMs: (waitedMs) => lookDelay(waitedMs, engine.lookMs),
    look: async (waitedMs) => {
      const status = await engine.state(runId);
      if (status === undefined)
        throw new ReleaseError("PROTOCOL", {
          rule: "the engine must know a run that it has accepted",
          saw: `run ${runId} is unknown`,
          hint: "was it deleted? Run the step again: it starts over",
        });
      // a run that had ended before has nothing new to tell
      if (waitedMs === 0 && told.size === 0 && isOver(status.state)) return status;
      for (const task of status.tasks) {
        const line = taskLine(task);
        if (told.get(task.path) === line) continue;
        told.set(task.path, line);
        say(line);
      }
      if (isOver(status.state)) return status;
      if (clock.now() - spokeAt >= HEARTBEAT_MS) say(heartbeat(status, waitedMs));
      return undefined;
    },
  });
}

/** 1 % of what was waited: whoever waits for hours can wait half a minute more. */
export function lookDelay(waitedMs: number, { min, max }: PipelineEngine["lookMs"]): number {
  return Math.min(max, Math.max(min, waitedMs / 100));
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

function heartbeat({ tasks }: RunStatus, waitedMs: number): string {
  const running = tasks.filter(({ state }) => state === "running").map(({ path }) => path);
  const done = tasks.filter(({ state }) => state !== "running").length;
  return `  running for ${formatDuration(waitedMs)}: ${done} tasks are done, now ${running.join(", ") || "none"}`;
}
