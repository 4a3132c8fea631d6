import { expect, test } from "vitest";
import type { Artifact, Event, Execution } from "../../../../../actions/shared/clients/mlmd/messages.ts";
import { type RecordedRun, recordedTasks } from "../../../../../actions/shared/clients/mlmd/run-tasks.ts";

const execution = (id: number, properties: Execution["properties"], more: Partial<Execution> = {}): Execution => ({
  id,
  typeId: 1,
  type: "system.ContainerExecution",
  state: "complete",
  properties,
  ...more,
});

const artifact = (id: number, more: Partial<Artifact> = {}): Artifact => ({
  id,
  typeId: 1,
  type: "system.Dataset",
  uri: `s3://b/${id}`,
  properties: {},
  ...more,
});

const input = (executionId: number, artifactId: number, key: string): Event => ({
  type: "input",
  executionId,
  artifactId,
  key,
});

const output = (executionId: number, artifactId: number, key: string): Event => ({
  ...input(executionId, artifactId, key),
  type: "output",
});

const read = (run: Partial<RecordedRun>) =>
  recordedTasks({ executions: [], artifacts: [], events: [], root: "s3://b/p/run", keptFrom: new Map(), ...run });

test.each([
  ["new", "pending"],
  ["running", "running"],
  ["complete", "succeeded"],
  ["cached", "succeeded"],
  ["failed", "failed"],
  ["canceled", "skipped"],
  ["unknown", "pending"],
] as const)("an execution that is %s is %s", (state, told) => {
  const { tasks } = read({ executions: [execution(1, { task_name: "t" }, { state })] });
  expect(tasks).toMatchObject([{ task: "t", path: "t", state: told, cached: state === "cached" }]);
});

test("of a task that was tried again the last execution counts", () => {
  const executions = [
    execution(5, { task_name: "train", pod_name: "second" }),
    execution(2, { task_name: "train", pod_name: "first" }, { state: "failed" }),
    execution(3, { task_name: "next" }),
  ];
  const { tasks } = read({ executions });
  expect(tasks.map(({ path, state, pod }) => [path, state, pod])).toEqual([
    ["next", "succeeded", undefined],
    ["train", "succeeded", "second"],
  ]);
});

test("inputs name the execution that made them, several artifacts of one name stay in their order", () => {
  const executions = [
    execution(1, {}, { type: "system.DAGExecution" }),
    execution(2, { task_name: "prepare", parent_dag_id: 1 }),
    execution(3, { task_name: "train", parent_dag_id: 1 }),
  ];
  const events = [
    output(2, 11, "parts"),
    output(2, 10, "parts"),
    input(3, 11, "parts"),
    input(3, 10, "parts"),
    input(3, 12, "base"),
  ];
  const { tasks } = read({ executions, events, artifacts: [artifact(10), artifact(11), artifact(12)] });
  expect(tasks[0]?.outputs.artifacts.parts?.map(({ uri }) => uri)).toEqual(["s3://b/11", "s3://b/10"]);
  expect(tasks[1]?.inputs.artifacts).toEqual({
    parts: [
      { type: "system.Dataset", uri: "s3://b/11", metadata: {}, producer: "prepare" },
      { type: "system.Dataset", uri: "s3://b/10", metadata: {}, producer: "prepare" },
    ],
    base: [{ type: "system.Dataset", uri: "s3://b/12", metadata: {} }],
  });
});

test("what a cached task took over names the run that made it", () => {
  const executions = [
    execution(1, { task_name: "train", cached_execution_id: "77" }, { state: "cached" }),
    execution(2, { task_name: "fresh", cached_execution_id: "77" }),
  ];
  const events = [output(1, 10, "model"), output(2, 11, "model")];
  const { tasks } = read({
    executions,
    events,
    artifacts: [artifact(10), artifact(11)],
    keptFrom: new Map([[77, "old-run"]]),
  });
  expect(tasks.map(({ cached, outputs }) => [cached, outputs.artifacts.model?.[0]?.producer])).toEqual([
    [true, "old-run"],
    [false, undefined],
  ]);
});

test("the executor's log is the task's log, not one of its artifacts", () => {
  const { tasks } = read({
    executions: [execution(1, { task_name: "t" })],
    events: [output(1, 10, "executor-logs"), output(1, 11, "model")],
    artifacts: [artifact(10), artifact(11)],
  });
  expect(tasks[0]?.log).toBe("s3://b/10");
  expect(Object.keys(tasks[0]?.outputs.artifacts ?? {})).toEqual(["model"]);
});

test("artifacts without an event belong to the task that their address names, or to the only task", () => {
  const two = [execution(1, { task_name: "train" }), execution(2, { task_name: "judge" })];
  const found = read({
    executions: two,
    artifacts: [
      artifact(10, { uri: "s3://b/p/run/judge/0a1b/metrics" }),
      artifact(11, { properties: { display_name: "roc" } }),
    ],
  });
  expect(found.tasks.map(({ outputs }) => Object.keys(outputs.artifacts))).toEqual([[], ["metrics"]]);
  expect(found.notices).toEqual(["no event tells which task made roc: left out"]);
  const only = read({
    executions: two.slice(0, 1),
    artifacts: [artifact(11, { properties: { display_name: "__proto__" } })],
  });
  expect(Object.keys(only.tasks[0]?.outputs.artifacts ?? {})).toEqual(["__proto__"]);
});

test("an artifact that was deleted since is told", () => {
  const { tasks, notices } = read({
    executions: [execution(1, { task_name: "t" })],
    events: [output(1, 10, "model")],
  });
  expect(tasks[0]?.outputs.artifacts).toEqual({ model: [] });
  expect(notices).toEqual(["ML Metadata no longer has artifacts of this run: 10"]);
});

test("executions that contain themselves end nothing but themselves", () => {
  const executions = [
    execution(1, { task_name: "a", parent_dag_id: 2 }, { type: "system.DAGExecution" }),
    execution(2, { task_name: "b", parent_dag_id: 1 }, { type: "system.DAGExecution" }),
    execution(3, { task_name: "inside", parent_dag_id: 1 }),
    execution(4, { task_name: "outside" }),
  ];
  expect(read({ executions }).tasks.map(({ path }) => path)).toEqual(["outside"]);
});

test("properties of other kinds than KFP writes are passed over", () => {
  const { tasks } = read({
    executions: [
      execution(1, { task_name: 7, display_name: "", pod_name: [], inputs: "text", outputs: [1], parent_dag_id: "x" }),
    ],
  });
  expect(tasks).toEqual([
    {
      task: "task-1",
      path: "task-1",
      state: "succeeded",
      cached: false,
      inputs: { parameters: {}, artifacts: {} },
      outputs: { parameters: {}, artifacts: {} },
    },
  ]);
});
