import { expect, test } from "vitest";
import {
  type GpuMeter,
  gpuHours,
  longestQueueMs,
  meterGpus,
} from "../../../../../actions/shared/domain/run/gpu-hours.ts";
import type { RunTask } from "../../../../../actions/shared/domain/run/task.ts";

const none = { parameters: {}, artifacts: {} };
const requests = [{ task: "loop/train", type: "nvidia.com/gpu", count: 2, times: 3 }];
const path = "loop-iteration-0/train";
const task = (more: Partial<RunTask>): RunTask => ({
  task: "train",
  path,
  state: "running",
  cached: false,
  inputs: none,
  outputs: none,
  ...more,
});
const queued = task({ state: "pending", wait: { kind: "unschedulable", message: "no room" } });
const NOW = Date.parse("2026-11-21T09:00:00Z");

/** Looks half an hour apart. */
function meter(looks: readonly RunTask[], before: GpuMeter = {}, passedMs = 1_800_000): GpuMeter {
  return looks.reduce((seen, one) => meterGpus(seen, [one], { requests, nowMs: NOW, passedMs }), before);
}

test("GPU hours are all GPUs of all executions, by the engine's own duration once there is one", () => {
  const done = task({ state: "succeeded", seconds: 5_400 });
  const other = task({ state: "succeeded", seconds: 3_600, path: "loop-iteration-1/train" });
  expect(gpuHours(meterGpus({}, [done, other], { requests, nowMs: NOW, passedMs: 0 }))).toBe(5);
  expect(gpuHours(meter([task({ startedAtMs: NOW }), task({}), task({ state: "failed", seconds: 7_200 })]))).toBe(4);
});

test("a running execution counts from its start as the engine tells it, then by what was seen: a clock that jumps adds nothing", () => {
  const begun = meter([task({ startedAtMs: NOW - 3_600_000 })]);
  expect(gpuHours(begun)).toBe(2);
  const jumped = meterGpus(begun, [task({ startedAtMs: NOW - 3_600_000 })], {
    requests,
    nowMs: NOW + 365 * 86_400_000,
    passedMs: 60_000,
  });
  expect(gpuHours(jumped)).toBeCloseTo(2 + 2 / 60);
  expect(gpuHours(meter([task({ startedAtMs: NOW + 3_600_000 })]))).toBe(0);
});

test("the time in the queue is what was seen of it, and no GPU hours", () => {
  const seen = meter([queued, queued, queued, task({ startedAtMs: NOW })]);
  expect([gpuHours(seen), longestQueueMs(seen)]).toEqual([0, 3_600_000]);
});

test("kept and skipped tasks, and those that ask for nothing, have none", () => {
  const all = [
    task({ state: "succeeded", cached: true, seconds: 100 }),
    task({ state: "skipped" }),
    task({ path: "prepare", state: "succeeded", seconds: 100 }),
  ];
  expect(meterGpus({}, all, { requests, nowMs: NOW, passedMs: 0 })).toEqual({});
});

test("counting goes on in another job", () => {
  const seen = JSON.parse(JSON.stringify(meter([task({ startedAtMs: NOW - 3_600_000 })]))) as GpuMeter;
  expect(gpuHours(meter([task({ startedAtMs: NOW - 3_600_000 })], seen))).toBe(3);
});
