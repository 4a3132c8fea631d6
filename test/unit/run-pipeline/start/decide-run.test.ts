import { expect, test } from "vitest";
import { type Attempt, decideRun } from "../../../../actions/run-pipeline/start/decide-run.ts";
import type { RunState } from "../../../../actions/shared/domain/release.ts";

const attempt = (number: number, state?: RunState, canRetry = true): Attempt => ({
  attempt: number,
  runId: `run-${number}`,
  ...(state === undefined ? {} : { known: { state, canRetry } }),
});

test.each([
  { has: [attempt(1)], on: "retry", does: "submit run-1" },
  { has: [attempt(1, "succeeded", false), attempt(2)], on: "retry", does: "adopt run-1" },
  { has: [attempt(1, "running", false), attempt(2)], on: "retry", does: "adopt run-1" },
  { has: [attempt(1, "pending", false), attempt(2)], on: "retry", does: "adopt run-1" },
  { has: [attempt(1, "failed"), attempt(2)], on: "retry", does: "retry run-1" },
  { has: [attempt(1, "failed"), attempt(2)], on: "adopt", does: "adopt run-1" },
  { has: [attempt(1, "failed", false), attempt(2)], on: "retry", does: "submit run-2" },
  { has: [attempt(1, "cancelled"), attempt(2)], on: "retry", does: "retry run-1" },
  { has: [attempt(1, "cancelled"), attempt(2)], on: "adopt", does: "retry run-1" },
  { has: [attempt(1, "lost"), attempt(2)], on: "retry", does: "retry run-1" },
  { has: [attempt(1, "lost", false), attempt(2)], on: "adopt", does: "submit run-2" },
  { has: [attempt(1, "failed", false), attempt(2, "succeeded", false), attempt(3)], on: "retry", does: "adopt run-2" },
] as const)("where the engine has $has, on-failed $on: $does", ({ has, on, does }) => {
  const { do: act, runId, why } = decideRun(has, on);
  expect(`${act} ${runId}`).toBe(does);
  expect(why).not.toBe("");
});
