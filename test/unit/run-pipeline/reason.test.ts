import { expect, test } from "vitest";
import { lookDelay } from "../../../actions/run-pipeline/follow/follow-run.ts";
import { taskLine } from "../../../actions/run-pipeline/follow/progress.ts";
import { lastError, reasonOf } from "../../../actions/run-pipeline/reason.ts";
import type { RunStatus, RunTask } from "../../../actions/shared/domain/run/task.ts";

const none = { parameters: {}, artifacts: {} };
const task = (path: string, more: Partial<RunTask> = {}): RunTask => ({
  task: path,
  path,
  state: "failed",
  cached: false,
  inputs: none,
  outputs: none,
  ...more,
});
const status = (tasks: readonly RunTask[], reason?: string): RunStatus => ({
  state: "failed",
  canRetry: true,
  tasks,
  ...(reason === undefined ? {} : { reason }),
});

test("the reason is the task that failed first, with its exit code and the last error in its log", () => {
  const tasks = [
    task("fin", { state: "succeeded" }),
    task("late", { startedAtMs: 1_000, seconds: 9, exitCode: 1 }),
    task("early", { startedAtMs: 2_000, seconds: 1, exitCode: 3 }),
  ];
  const logs = [
    { task: "early", tail: "Traceback (most recent call last):\n  File x\nValueError: 3 faults\n[KFP] bye" },
  ];
  expect(reasonOf(status(tasks), logs)).toEqual({
    reason: "task early ended with exit code 3: ValueError: 3 faults",
    failedTask: "early",
  });
});

test.each([
  [137, "(killed, perhaps for want of memory)"],
  [139, "(signal 11)"],
  [2, "exit code 2"],
])("exit code %i is explained", (exitCode, said) => {
  expect(reasonOf(status([task("a", { exitCode })]), []).reason).toContain(said);
});

test("without a failed task the engine's own reason stands", () => {
  expect(reasonOf(status([], "signal SIGTERM"), [])).toEqual({ reason: "signal SIGTERM", failedTask: undefined });
});

test.each([
  ["sklearn.exceptions.NotFittedError: call fit", "sklearn.exceptions.NotFittedError: call fit"],
  ["KeyError: 'a'\nmore", "KeyError: 'a'"],
  ["nothing of that kind", undefined],
  ["", undefined],
])("the error in %j is %j", (tail, error) => {
  expect(lastError(tail)).toBe(error);
});

test.each([
  [task("a", { state: "running" }), "  a started"],
  [task("a", { state: "succeeded", seconds: 3.21 }), "  a succeeded after 3.2s"],
  [task("a", { state: "succeeded", cached: true, seconds: 0 }), "  a had finished before, its outputs are kept"],
  [task("a", { seconds: 70, exitCode: 1 }), "  a failed after 1m10s with exit code 1"],
  [task("a", { state: "cancelled" }), "  a was ended"],
])("%# of the lines about a task", (of, line) => {
  expect(taskLine(of)).toBe(line);
});

test.each([
  [0, 2_000],
  [300_000, 3_000],
  [9 * 3_600_000, 30_000],
])("after %i ms of waiting the next look is in %i ms", (waited, delay) => {
  expect(lookDelay(waited, { min: 2_000, max: 30_000 })).toBe(delay);
});
