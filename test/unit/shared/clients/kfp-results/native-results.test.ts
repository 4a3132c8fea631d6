import { expect, test } from "vitest";
import { nativeReader } from "../../../../../actions/shared/clients/kfp/native-results.ts";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";
import type { Send } from "../../../../../actions/shared/lib/http.ts";

type Answers = Readonly<Record<string, Json | { readonly status: number; readonly html: string }>>;

/** The far end: JSON by path and query. What nobody named is 404, as on an older server. */
function far(answers: Answers): Send {
  return async ({ url, okStatus = [200] }) => {
    const { pathname, search } = new URL(url);
    const found = answers[`${decodeURIComponent(pathname).replace("/pipeline/apis/v2beta1/", "")}${search}`];
    const page =
      typeof found === "object" && found !== null && "html" in found ? (found as { html: string }) : undefined;
    const status = found === undefined ? 404 : 200;
    if (!okStatus.includes(status)) throw new Error(`nobody expected ${url}`);
    const text = page?.html ?? JSON.stringify(found ?? { code: 5, message: "Not Found" });
    const headers = new Headers({ "content-type": page === undefined ? "application/json" : "text/html" });
    return { status, headers, bytes: Buffer.from(text), text: () => text, json: () => JSON.parse(text) };
  };
}

const read = (answers: Answers) =>
  nativeReader({ send: far({ "artifacts?page_size=1": {}, ...answers }), endpoint: "https://host/pipeline" })({
    runId: "r1",
  });

const NO_LINKS = { "artifact_tasks?run_ids=r1&page_size=200": {} };

const scalar = (id: string, name: string, value: Json): Json => ({
  artifact_id: id,
  name,
  type: "Metric",
  number_value: value,
  metadata: { display_name: name },
});

const TASKS: Json = [
  { task_id: "t0", name: "root", type: "ROOT", state: "SUCCEEDED" },
  {
    task_id: "t1",
    parent_task_id: "t0",
    name: "train",
    type: "RUNTIME",
    state: "SUCCEEDED",
    pods: [
      { name: "driver-pod", type: "DRIVER" },
      { name: "train-pod", type: "EXECUTOR" },
    ],
    inputs: { parameters: [{ parameter_key: "epochs", value: 3 }, { parameter_key: "none" }] },
    outputs: {
      artifacts: [
        {
          artifact_key: "model",
          artifacts: [{ artifact_id: "a1", name: "model", type: "Model", uri: "s3://m", metadata: { a: [1] } }],
        },
        { artifact_key: "executor-logs", artifacts: [{ artifact_id: "a9", type: "Artifact", uri: "s3://log" }] },
      ],
    },
  },
  {
    task_id: "t2",
    parent_task_id: "t0",
    name: "for-loop-1",
    type: "LOOP",
    type_attributes: { iteration_count: "2" },
    state: "SUCCEEDED",
  },
  { task_id: "t3", parent_task_id: "t2", name: "for-loop-1", type: "DAG", type_attributes: { iteration_index: "1" } },
  {
    task_id: "t4",
    parent_task_id: "t3",
    name: "judge",
    type: "RUNTIME",
    state: "SUCCEEDED",
    inputs: {
      artifacts: [{ artifact_key: "model", artifacts: [{ artifact_id: "a1", type: "Model", uri: "s3://m" }] }],
    },
    outputs: {
      parameters: [{ parameter_key: "Output", value: "yes" }],
      artifacts: [
        {
          artifact_key: "metrics",
          artifacts: [scalar("a2", "accuracy", 0.9612345), scalar("a3", "n", 40), scalar("a4", "loss", "NaN")],
        },
        {
          artifact_key: "roc",
          artifacts: [
            {
              artifact_id: "a5",
              type: "ClassificationMetric",
              metadata: { confidenceMetrics: [{ confidenceThreshold: 0.5, falsePositiveRate: 0.1, recall: 0.8 }] },
            },
          ],
        },
      ],
    },
  },
  {
    task_id: "t5",
    parent_task_id: "t0",
    name: "broken",
    type: "RUNTIME",
    state: "FAILED",
    status_metadata: { message: "OOMKilled" },
  },
  { task_id: "t6", parent_task_id: "t0", name: "left-out", type: "RUNTIME", state: "SKIPPED" },
];

test("scalars become one output again; curves, parameters, pods, logs, loops and lineage come along", async () => {
  const found = await read({ "runs/r1?view=FULL": { run_id: "r1", tasks: TASKS }, ...NO_LINKS });
  expect(found?.notices).toEqual([]);
  const [train, judge, broken, left] = found?.tasks ?? [];
  expect(train).toEqual({
    task: "train",
    path: "train",
    state: "succeeded",
    cached: false,
    pod: "train-pod",
    log: "s3://log",
    inputs: { parameters: { epochs: 3 }, artifacts: {} },
    outputs: { parameters: {}, artifacts: { model: [{ type: "system.Model", uri: "s3://m", metadata: { a: [1] } }] } },
  });
  expect(judge).toMatchObject({
    path: "for-loop-1-iteration-1/judge",
    iteration: "1",
    inputs: { artifacts: { model: [{ type: "system.Model", uri: "s3://m", producer: "train" }] } },
    outputs: {
      parameters: { Output: "yes" },
      artifacts: { metrics: [{ type: "system.Metrics", metadata: { accuracy: 0.9612345, n: 40, loss: "NaN" } }] },
    },
  });
  expect([broken?.state, broken?.error, left?.state]).toEqual(["failed", "OOMKilled", "skipped"]);
  const { metrics, curves } = metricsOf(found?.tasks ?? [], []);
  expect(metrics.map(({ name, value, n }) => [name, value, n])).toEqual([
    ["accuracy", 0.9612345, 40],
    ["auc", expect.closeTo(0.85), undefined],
    ["loss", "NaN", 40],
  ]);
  expect(curves).toHaveLength(1);
});

test("tasks that the run leaves out are listed, page by page", async () => {
  const page = (name: string, more: Json) => ({
    tasks: [{ task_id: name, name, type: "RUNTIME", state: "SUCCEEDED" }],
    ...(more as object),
  });
  const found = await read({
    "runs/r1?view=FULL": { run_id: "r1" },
    "runs/r1/tasks?page_size=200": page("a", { next_page_token: "x" }),
    "runs/r1/tasks?page_size=200&page_token=x": page("b", {}),
    ...NO_LINKS,
  });
  expect(found?.tasks.map(({ path }) => path)).toEqual(["a", "b"]);
});

test("outputs that only links tell of are fetched; what is gone is left out", async () => {
  const found = await read({
    "runs/r1?view=FULL": { tasks: [{ task_id: "t1", name: "judge", type: "RUNTIME", state: "SUCCEEDED" }] },
    "artifact_tasks?run_ids=r1&page_size=200": {
      artifact_tasks: [
        { artifact_id: "a1", task_id: "t1", run_id: "r1", type: "OUTPUT", key: "metrics" },
        { artifact_id: "a2", task_id: "t1", run_id: "r1", type: "OUTPUT", key: "metrics" },
        { artifact_id: "a3", task_id: "t1", run_id: "r1", type: "TASK_OUTPUT_INPUT", key: "data" },
      ],
    },
    "artifacts/a1": scalar("a1", "accuracy", 0.5),
  });
  expect(found?.tasks[0]?.outputs.artifacts).toEqual({
    metrics: [{ type: "system.Metrics", uri: "", metadata: { accuracy: 0.5 } }],
  });
});

test("what a cached task took over names the run that made it", async () => {
  const model = { artifact_key: "model", artifacts: [{ artifact_id: "a1", type: "Model", uri: "s3://m" }] };
  const found = await read({
    "runs/r1?view=FULL": {
      tasks: [{ task_id: "t1", name: "fit", type: "RUNTIME", state: "CACHED", outputs: { artifacts: [model] } }],
    },
    ...NO_LINKS,
    "artifact_tasks?artifact_ids=a1&page_size=200": {
      artifact_tasks: [
        { artifact_id: "a1", run_id: "r0", task_id: "x", type: "OUTPUT" },
        { artifact_id: "a1", run_id: "r1", task_id: "t1", type: "OUTPUT" },
      ],
    },
  });
  expect(found?.tasks[0]).toMatchObject({
    state: "succeeded",
    cached: true,
    outputs: { artifacts: { model: [{ uri: "s3://m", producer: "r0" }] } },
  });
});

test.each([
  ["an older server", {}],
  ["a page of a gateway", { "artifacts?page_size=1": { status: 200, html: "<html>" } }],
] as const)("%s does not keep artifacts itself", async (_, answers) => {
  expect(
    await nativeReader({ send: far(answers), endpoint: "https://host/pipeline" })({ runId: "r1" }),
  ).toBeUndefined();
});

test("a run without tasks, and a run that is not there, are unknown", async () => {
  expect(await read({})).toBeUndefined();
  expect(await read({ "runs/r1?view=FULL": {}, "runs/r1/tasks?page_size=200": {} })).toBeUndefined();
});

test("an answer of another form is PROTOCOL, with the place; pages without end are given up", async () => {
  await expect(read({ "runs/r1?view=FULL": { tasks: [{ name: "x" }] } })).rejects.toThrow(
    /^\[PROTOCOL\] run r1: tasks\[0\]\.task_id/,
  );
  const endless = {
    "runs/r1/tasks?page_size=200": { next_page_token: "x" },
    "runs/r1/tasks?page_size=200&page_token=x": { next_page_token: "x" },
  };
  await expect(read({ "runs/r1?view=FULL": {}, ...endless })).rejects.toThrow(/^\[PROTOCOL\].*never end/);
});
