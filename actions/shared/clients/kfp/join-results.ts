import type { RunTask } from "../../domain/run/task.ts";

/**
 * What pods and the run's own record tell (states, reasons, exit codes) with what was recorded of inputs and outputs. Executions that only
 * one side knows stay; one that the run tells without its place gives way to those with one.
 */
export function joinResults(own: readonly RunTask[], recorded: readonly RunTask[]): readonly RunTask[] {
  const byPath = new Map(recorded.map((task) => [task.path, task]));
  const placed = new Set(recorded.map(({ task }) => task));
  const known = own.filter((task) => byPath.has(task.path) || !placed.has(task.task) || hasPlace(task));
  const paths = new Set(known.map(({ path }) => path));
  return [
    ...known.map((task) => join(task, byPath.get(task.path))),
    ...recorded.filter(({ path }) => !paths.has(path)),
  ];
}

/** What was read from pods has one. */
function hasPlace({ pod, path, task }: RunTask): boolean {
  return pod !== undefined || path !== task;
}

function join(own: RunTask, recorded: RunTask | undefined): RunTask {
  if (recorded === undefined) return own;
  const { startedAtMs, seconds, exitCode, error } = recorded;
  return {
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(error === undefined ? {} : { error }),
    ...(recorded.pod === undefined ? {} : { pod: recorded.pod }),
    ...own,
    cached: own.cached || recorded.cached,
    inputs: recorded.inputs,
    outputs: recorded.outputs,
  };
}
