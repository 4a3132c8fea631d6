import { describe, expect, test } from "vitest";
import type { RunStatus, RunTask, TaskWait } from "../../../../../actions/shared/domain/run/task.ts";
import { gaveUpReason, waitAdvice, waitSentence } from "../../../../../actions/shared/domain/run/wait-words.ts";
import {
  overdueWait,
  type WaitBudgets,
  type Waits,
  watchWaits,
} from "../../../../../actions/shared/domain/run/waits.ts";

const budgets: WaitBudgets = { startMs: 300_000, unschedulableMs: 900_000, imagePullMs: 300_000 };
const none = { parameters: {}, artifacts: {} };
const MINUTE = 60_000;

const wait = (kind: TaskWait["kind"], message = `it is ${kind}`): TaskWait => ({ kind, message });
const task = (path: string, more: Partial<RunTask>): RunTask => ({
  task: path,
  path,
  state: "pending",
  cached: false,
  inputs: none,
  outputs: none,
  ...more,
});
const status = (...tasks: readonly RunTask[]): RunStatus => ({ state: "running", canRetry: false, tasks });
const waiting = (kind: TaskWait["kind"], message?: string) => status(task("train", { wait: wait(kind, message) }));

/** Looks a minute apart. */
function lookedAt(looks: readonly RunStatus[], stepMs = MINUTE): Waits {
  return looks.reduce<Waits>((seen, look, i) => watchWaits(seen, look, i === 0 ? 0 : stepMs), {});
}

const times = (n: number, look: RunStatus): readonly RunStatus[] => Array.from({ length: n }, () => look);

describe("a wait is over its budget", () => {
  test.each([
    { kind: "start", minutes: 5, input: "start-timeout" },
    { kind: "config", minutes: 5, input: "start-timeout" },
    { kind: "unschedulable", minutes: 15, input: "unschedulable-timeout" },
    { kind: "quota", minutes: 15, input: "unschedulable-timeout" },
    { kind: "image-pull", minutes: 5, input: "image-pull-timeout" },
  ] as const)("of $kind after $minutes minutes ($input), not earlier", ({ kind, minutes, input }) => {
    expect(overdueWait(lookedAt(times(minutes, waiting(kind))), budgets)).toBeUndefined();
    expect(overdueWait(lookedAt(times(minutes + 1, waiting(kind))), budgets)).toMatchObject({
      path: "train",
      waitedMs: minutes * MINUTE,
      budgetMs: minutes * MINUTE,
      input,
    });
  });

  test("at the first look where waiting cannot mend it", () => {
    expect(overdueWait(lookedAt([waiting("image-invalid")]), budgets)).toMatchObject({ budgetMs: 0, input: undefined });
  });

  test("never where nothing is wrong", () => {
    expect(overdueWait(lookedAt(times(600, waiting("starting"))), budgets)).toBeUndefined();
  });

  test("of the run as a whole, when nothing of it begins", () => {
    const nothing: RunStatus = { state: "pending", canRetry: false, tasks: [], wait: wait("start") };
    expect(overdueWait(lookedAt(times(6, nothing)), budgets)).toMatchObject({ path: "", input: "start-timeout" });
  });

  test("of two, by the one that is over for longer", () => {
    const two = status(task("a", { wait: wait("image-pull") }), task("b", { wait: wait("unschedulable") }));
    expect(overdueWait(lookedAt(times(17, two)), budgets)).toMatchObject({ path: "a" });
  });
});

describe("the same trouble", () => {
  test("is counted through messages that flap, between no room and no quota, and through a pod that is made anew", () => {
    const flapping = Array.from({ length: 16 }, (_, i) =>
      i % 3 === 0 ? waiting("quota") : waiting("unschedulable", `0/${i} nodes are available`),
    );
    expect(overdueWait(lookedAt(flapping), budgets)).toMatchObject({ waitedMs: 15 * MINUTE });
    const half = Array.from({ length: 60 }, (_, i) => (i % 10 === 5 ? waiting("starting") : waiting("unschedulable")));
    expect(overdueWait(lookedAt(half, 20_000), budgets)?.waitedMs).toBeGreaterThanOrEqual(900_000);
  });

  test("begins anew once the task has started", () => {
    const looks = [...times(14, waiting("unschedulable")), status(task("train", { state: "running" }))];
    expect(lookedAt(looks)).toEqual({});
    expect(overdueWait(lookedAt([...looks, ...times(10, waiting("unschedulable"))]), budgets)).toBeUndefined();
  });

  test("begins anew where nothing was wrong for a minute", () => {
    const looks = [...times(14, waiting("unschedulable")), waiting("starting"), waiting("starting")];
    expect(overdueWait(lookedAt([...looks, ...times(5, waiting("unschedulable"))]), budgets)).toBeUndefined();
  });

  test("is another one where the image does not come after the node did", () => {
    const looks = [...times(14, waiting("unschedulable")), ...times(3, waiting("image-pull"))];
    expect(lookedAt(looks).train).toMatchObject({ wait: { kind: "image-pull" }, waitedMs: 2 * MINUTE });
  });

  test("goes on in another job: what was seen is plain data", () => {
    const seen = JSON.parse(JSON.stringify(lookedAt(times(10, waiting("unschedulable"))))) as Waits;
    const later = times(6, waiting("unschedulable")).reduce<Waits>((now, look) => watchWaits(now, look, MINUTE), seen);
    expect(overdueWait(later, budgets)).toMatchObject({ waitedMs: 15 * MINUTE });
  });
});

describe("in words", () => {
  const gpus = [{ task: "loop/train", type: "nvidia.com/gpu", count: 2, times: 1 }];
  const words = { gpus, budgets };
  const one = {
    path: "loop-iteration-3/train",
    wait: wait("unschedulable", "0/4 nodes are available: 4 Insufficient nvidia.com/gpu"),
    waitedMs: 14 * MINUTE,
    goneMs: 0,
  };

  test("a wait says for what, since when, in whose words, and when it is given up", () => {
    expect(waitSentence("digits v1.1.0", one, words)).toBe(
      "digits v1.1.0 waits for a GPU since 14m: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu (task loop-iteration-3/train asks for 2 x nvidia.com/gpu; gives up in 1m: unschedulable-timeout)",
    );
  });

  test("giving up says what was asked for and which input said so", () => {
    const overdue = { ...one, budgetMs: 15 * MINUTE, input: "unschedulable-timeout" } as const;
    expect(gaveUpReason(overdue, gpus)).toBe(
      "task loop-iteration-3/train waited for 2 x nvidia.com/gpu longer than 15m (unschedulable-timeout): 0/4 nodes are available: 4 Insufficient nvidia.com/gpu",
    );
  });

  test.each([
    { message: "0/4 nodes are available: 4 node(s) had untolerated taint {gpu: yes}", says: "add the toleration" },
    { message: "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector", says: "node selector" },
    { message: "0/4 nodes are available: 4 Insufficient nvidia.com/gpu", says: "2 x nvidia.com/gpu free" },
  ])("$message: $says", ({ message, says }) => {
    expect(waitAdvice({ ...one, wait: wait("unschedulable", message) }, gpus)).toContain(says);
  });
});
