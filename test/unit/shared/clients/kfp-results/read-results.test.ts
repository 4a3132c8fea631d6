import { expect, test } from "vitest";
import { markedReader } from "../../../../../actions/shared/clients/kfp/marker.ts";
import { type ReadResults, resultsReader } from "../../../../../actions/shared/clients/kfp/read-results.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";
import type { RunTask } from "../../../../../actions/shared/domain/run/task.ts";
import { type ErrorCode, ReleaseError } from "../../../../../actions/shared/lib/error.ts";
import type { Clock } from "../../../../../actions/shared/ports/clock.ts";

/** Sleeps take no time. */
function virtualClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

const task = (path: string, metrics: Readonly<Record<string, number>> = {}, more: Partial<RunTask> = {}): RunTask => ({
  task: path,
  path,
  state: "succeeded",
  cached: false,
  pod: `pod-${path}`,
  inputs: { parameters: {}, artifacts: {} },
  outputs: {
    parameters: {},
    artifacts:
      Object.keys(metrics).length === 0 ? {} : { metrics: [{ type: "system.Metrics", uri: "", metadata: metrics }] },
  },
  ...more,
});

const knows =
  (...tasks: readonly RunTask[]): ReadResults =>
  async () => ({ tasks, notices: [] });
const knowsNothing: ReadResults = async () => undefined;
const fails =
  (code: ErrorCode, rule = "it is broken"): ReadResults =>
  async () => {
    throw new ReleaseError(code, { rule, hint: "mend it" });
  };

type Given = {
  readonly from?: "auto" | "logs";
  readonly native?: ReadResults;
  readonly metadata?: ReadResults;
  /** What pods printed. */
  readonly logs?: Readonly<Record<string, string>>;
  readonly tasks?: readonly RunTask[];
};

async function read({ from = "auto", native = knowsNothing, metadata = knowsNothing, logs = {}, tasks }: Given) {
  const marked = markedReader(async (_, pod) => {
    const text = logs[pod];
    return text === undefined ? undefined : { text, place: `log of ${pod}` };
  });
  const results = resultsReader({ metricsFrom: from, native, metadata, marked, clock: virtualClock() });
  const { tasks: found, notices } = await results({ runId: "run-1", ...(tasks === undefined ? {} : { tasks }) });
  const metrics = Object.fromEntries(metricsOf(found, []).metrics.map(({ name, value }) => [name, value]));
  return { paths: found.map(({ path }) => path), metrics, notices };
}

test("the API of KFP 3.0 comes first, and nothing else is asked", async () => {
  const native = knows(task("judge", { accuracy: 0.9 }));
  expect(
    await read({ native, metadata: fails("INTERNAL"), logs: { "pod-judge": 'ml-release-metrics {"a": 1}' } }),
  ).toEqual({
    paths: ["judge"],
    metrics: { accuracy: 0.9 },
    notices: [],
  });
});

test("then ML Metadata; that the API cannot be read is told", async () => {
  const metadata = knows(task("judge", { accuracy: 0.9 }));
  expect(await read({ native: fails("AUTH", "no right to list artifacts"), metadata })).toEqual({
    paths: ["judge"],
    metrics: { accuracy: 0.9 },
    notices: ["the pipelines API could not be read: no right to list artifacts; mend it"],
  });
});

test("then marker lines in the logs of the tasks that are known", async () => {
  const logs = { "pod-train": "epoch 1\n", "pod-judge": 'ml-release-metrics {"accuracy": 0.9}' };
  const tasks = [task("train"), task("judge"), task("broken", {}, { state: "failed" }), task("gone")];
  expect(await read({ metadata: fails("NOT_FOUND", "the gateway does not know ML Metadata"), logs, tasks })).toEqual({
    paths: ["judge"],
    metrics: { accuracy: 0.9 },
    notices: [
      "ML Metadata could not be read: the gateway does not know ML Metadata; mend it",
      "the log of task gone is gone",
    ],
  });
});

test("nothing anywhere is told, and is no success", async () => {
  expect(await read({})).toEqual({
    paths: [],
    metrics: {},
    notices: [
      "ML Metadata does not know run run-1",
      "no pod of a finished task is known whose log could hold metrics",
      "no place knows what run run-1 produced: it has no metrics and no artifacts",
    ],
  });
});

test("a place that is not to be asked is not missed", async () => {
  const marked = markedReader(async () => undefined);
  const results = resultsReader({
    metricsFrom: "auto",
    native: knowsNothing,
    metadata: undefined,
    marked,
    clock: virtualClock(),
  });
  expect((await results({ runId: "run-1" })).notices.join()).not.toContain("ML Metadata");
});

test("with metrics from logs, artifacts are the records' and metrics the logs', also where the records have them", async () => {
  const metadata = knows(task("train"), task("judge", { accuracy: 0.5, loss: 1 }));
  const logs = { "pod-train": "", "pod-judge": 'ml-release-metrics {"accuracy": 0.9}' };
  expect(await read({ from: "logs", metadata, logs })).toEqual({
    paths: ["train", "judge"],
    metrics: { accuracy: 0.9, loss: 1 },
    notices: [],
  });
});

test("a place that is not available is asked again, for two minutes", async () => {
  let asked = 0;
  const metadata: ReadResults = async (run) => {
    asked++;
    return asked < 4 ? fails("UNAVAILABLE")(run) : knows(task("judge", { accuracy: 0.9 }))(run);
  };
  expect(await read({ metadata })).toMatchObject({ metrics: { accuracy: 0.9 }, notices: [] });
  expect((await read({ metadata: fails("UNAVAILABLE", "no healthy upstream") })).notices[0]).toBe(
    "ML Metadata could not be read: no healthy upstream; mend it",
  );
});

test("our own bugs and a cancelled step are no notices", async () => {
  await expect(read({ metadata: fails("INTERNAL") })).rejects.toThrow("[INTERNAL]");
  await expect(read({ metadata: fails("CANCELLED") })).rejects.toThrow("[CANCELLED]");
});

test("a log that may not be read costs its task's metrics, not the others'", async () => {
  const tasks = [task("a"), task("b")];
  const marked = markedReader(async (_, pod) => {
    if (pod === "pod-a") throw new ReleaseError("PROTOCOL", { rule: "the log is too large" });
    return { text: 'ml-release-metrics {"x": 1}\nml-release-metrics {"y"', place: "log" };
  });
  const found = await marked({ runId: "run-1", tasks });
  expect(found.tasks.map(({ task, metrics }) => [task.path, metrics])).toEqual([["b", { x: 1 }]]);
  expect(found.notices).toEqual([
    "the log of task a could not be read for metrics: the log is too large",
    'in the log of task b: a marker line is no JSON object: {"y"',
  ]);
});
