import type { RunStatus } from "../shared/domain/run/task.ts";
import type { TaskLog } from "../shared/ports/pipeline-engine.ts";

/** Why a run did not succeed, in one sentence, and the task that failed first. */
export function reasonOf(
  status: RunStatus,
  logs: readonly TaskLog[],
): { readonly reason: string | undefined; readonly failedTask: string | undefined } {
  const [task] = status.tasks.filter(({ state }) => state === "failed").toSorted((a, b) => endOf(a) - endOf(b));
  if (task === undefined) return { reason: status.reason, failedTask: undefined };
  const said = task.error ?? lastError(logs.find((log) => log.task === task.path)?.tail ?? "");
  const how =
    task.exitCode === undefined || task.exitCode === 0
      ? "failed"
      : `ended with exit code ${task.exitCode}${meaningOf(task.exitCode)}`;
  return { reason: `task ${task.path} ${how}${said === undefined ? "" : `: ${said}`}`, failedTask: task.path };
}

function endOf({ startedAtMs = 0, seconds = 0 }: RunStatus["tasks"][number]): number {
  return startedAtMs + seconds * 1_000;
}

function meaningOf(exitCode: number): string {
  if (exitCode === 137) return " (killed, perhaps for want of memory)";
  return exitCode > 128 ? ` (signal ${exitCode - 128})` : "";
}

/** `ValueError: 3 faults in the data`: the last line that reads like the end of a traceback. */
export function lastError(tail: string): string | undefined {
  const line = tail
    .split("\n")
    .findLast((one) => /^[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning)?: ?\S/.test(one));
  return line === undefined ? undefined : line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
