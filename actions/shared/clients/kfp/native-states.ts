import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import { executionPlaces } from "../../domain/run/execution-paths.ts";
import type { RunTask } from "../../domain/run/task.ts";
import { decode } from "../../lib/decode.ts";
import { SERVICE } from "./connection.ts";
import { RunSchema } from "./native-answers.ts";
import { nativeTasks, nodeOf } from "./native-tasks.ts";
import { timeOf } from "./node-place.ts";

/** The tasks that a run of KFP 3.0 tells itself, where it is looked at whole. */
export function nativeStates(given: readonly unknown[], pipeline: PipelinePackage | undefined): readonly RunTask[] {
  const { tasks } = decode(RunSchema, { tasks: given }, `${SERVICE}, the tasks of a run`);
  const places = executionPlaces(tasks.map(nodeOf), pipeline);
  const timed = tasks.map((task, i) => ({ path: places.get(task.task_id)?.path, times: timesOf(given[i]) }));
  const times = new Map(timed.map((one) => [one.path, one.times]));
  return nativeTasks({ tasks, links: [], artifacts: [], places, keptFrom: new Map() }).map((task) => ({
    ...task,
    ...(task.state === "pending" ? {} : times.get(task.path)),
  }));
}

function timesOf(given: unknown): Pick<RunTask, "startedAtMs" | "seconds"> {
  const { create_time: from, end_time: to } = given as { readonly create_time?: unknown; readonly end_time?: unknown };
  const startedAtMs = timeOf(typeof from === "string" ? from : undefined);
  const endedAtMs = timeOf(typeof to === "string" ? to : undefined);
  if (startedAtMs === undefined) return {};
  return { startedAtMs, ...(endedAtMs === undefined ? {} : { seconds: (endedAtMs - startedAtMs) / 1_000 }) };
}
