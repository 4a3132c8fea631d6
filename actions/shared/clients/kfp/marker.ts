import { formatProblem } from "../../domain/problem.ts";
import { markedMetrics } from "../../domain/run/marker.ts";
import type { RunTask } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { MarkedTask, ReadMarked } from "./read-results.ts";

/** Everything that a pod's main container printed, or the end of it; undefined where it is gone. */
export type PodLog = (
  runId: string,
  pod: string,
) => Promise<{ readonly text: string; readonly place: string } | undefined>;

const AT_ONCE = 4;

/** Metrics of marker lines (`domain/run/marker.ts`) in the logs of a run's tasks. Logs that are gone or not ours to read are told, not thrown. */
export function markedReader(podLog: PodLog): ReadMarked {
  return async ({ runId, tasks = [] }) => {
    const ran = tasks.filter((task) => task.state === "succeeded" && task.pod !== undefined);
    if (ran.length === 0)
      return { tasks: [], notices: ["no pod of a finished task is known whose log could hold metrics"] };
    const read: Read[] = [];
    for (let i = 0; i < ran.length; i += AT_ONCE)
      read.push(...(await Promise.all(ran.slice(i, i + AT_ONCE).map((task) => readTask(task, runId)))));
    return { tasks: read.flatMap((one) => one.marked), notices: read.flatMap((one) => one.notices) };
  };

  async function readTask(task: RunTask, runId: string): Promise<Read> {
    try {
      const log = await podLog(runId, task.pod ?? "");
      if (log === undefined) return { marked: [], notices: [`the log of task ${task.path} is gone`] };
      const { metrics, faults } = markedMetrics(log.text);
      const notices = faults.map((fault) => `in the log of task ${task.path}: ${fault}`);
      return { marked: Object.keys(metrics).length === 0 ? [] : [{ task, metrics, place: log.place }], notices };
    } catch (error) {
      if (!isReleaseError(error, "AUTH", "NOT_FOUND", "CONFLICT", "PROTOCOL")) throw error;
      const why = error.problems.map(formatProblem).join("; ");
      return { marked: [], notices: [`the log of task ${task.path} could not be read for metrics: ${why}`] };
    }
  }
}

type Read = { readonly marked: readonly MarkedTask[]; readonly notices: readonly string[] };
