import { expect, test } from "vitest";
import { type ExecutionNode, executionPlaces } from "../../../../../actions/shared/domain/run/execution-paths.ts";
import { pipelinePackage, python } from "../../../../support/pipeline-package.ts";

const dag = (id: string, name: string, more: Partial<ExecutionNode> = {}): ExecutionNode => ({
  id,
  name,
  isDag: true,
  isLoop: false,
  ...more,
});

const task = (id: string, name: string, more: Partial<ExecutionNode> = {}) => dag(id, name, { isDag: false, ...more });

const pathsOf = (nodes: readonly ExecutionNode[], pipeline = pipelinePackage()) =>
  Object.fromEntries([...executionPlaces(nodes, pipeline)].map(([id, { path }]) => [id, path]));

const root = dag("0", "");

test("tasks, sub-DAGs, loops and loops in loops", () => {
  const nodes = [
    root,
    task("1", "prepare", { parent: "0" }),
    dag("2", "condition-1", { parent: "0" }),
    task("3", "train", { parent: "2" }),
    dag("4", "for-loop-1", { parent: "0", isLoop: true }),
    dag("5", "for-loop-1", { parent: "4", iteration: 0 }),
    dag("6", "for-loop-1", { parent: "4", iteration: 1 }),
    task("7", "train", { parent: "5" }),
    dag("8", "for-loop-2", { parent: "6", isLoop: true }),
    dag("9", "for-loop-2", { parent: "8", iteration: 3 }),
    task("10", "train", { parent: "9" }),
  ];
  expect(pathsOf(nodes)).toMatchObject({
    "1": "prepare",
    "3": "condition-1/train",
    "7": "for-loop-1-iteration-0/train",
    "10": "for-loop-1-iteration-1/for-loop-2-iteration-3/train",
  });
});

test("a task that is the loop's own body, a body of another name, and a number that was only handed on", () => {
  const nodes = [
    root,
    dag("1", "for-loop-1", { parent: "0", isLoop: true }),
    task("2", "train", { parent: "1", iteration: 2 }),
    dag("3", "iteration-item", { parent: "1", iteration: 0 }),
    task("4", "train", { parent: "3", iteration: 0 }),
    dag("5", "for-loop-2", { parent: "3", isLoop: true, iteration: 0 }),
    dag("6", "for-loop-2", { parent: "5", iteration: 1 }),
    task("7", "score", { parent: "6" }),
  ];
  expect(pathsOf(nodes)).toMatchObject({
    "2": "for-loop-1-iteration-2/train",
    "4": "for-loop-1-iteration-0/train",
    "7": "for-loop-1-iteration-0/for-loop-2-iteration-1/score",
  });
});

test("a parent that is not known, or is its own child, or lies deeper than any pipeline", () => {
  const deep = Array.from({ length: 200 }, (_, i) => dag(`d${i}`, `d${i}`, { parent: i === 0 ? "0" : `d${i - 1}` }));
  const nodes = [
    root,
    task("1", "lost", { parent: "99" }),
    dag("2", "self", { parent: "2" }),
    task("3", "in", { parent: "2" }),
    ...deep,
    task("4", "end", { parent: "d199" }),
  ];
  const paths = pathsOf(nodes);
  expect(paths["1"]).toBe("lost");
  expect([paths["2"], paths["3"], paths["4"]]).toEqual([undefined, undefined, undefined]);
});

test("a task with the name of a prototype", () =>
  expect(pathsOf([root, task("1", "constructor", { parent: "0" })])["1"]).toBe("constructor"));

test("names that are shown become names of the package, where they are one task's", () => {
  const pipeline = pipelinePackage({
    executors: { "exec-train": python() },
    components: {
      "comp-inner": {
        dag: { tasks: { "train-2": { componentRef: { name: "comp-train" }, taskInfo: { name: "Train it" } } } },
      },
    },
    tasks: {
      inner: { componentRef: { name: "comp-inner" }, taskInfo: { name: "All of it" } },
      train: { componentRef: { name: "comp-train" }, taskInfo: { name: "Same" } },
      "train-3": { componentRef: { name: "comp-train" }, taskInfo: { name: "Same" } },
    },
  });
  const nodes = [
    root,
    dag("1", "All of it", { parent: "0" }),
    task("2", "Train it", { parent: "1" }),
    task("3", "Same", { parent: "0" }),
    task("4", "train", { parent: "0" }),
  ];
  expect(pathsOf(nodes, pipeline)).toMatchObject({ "2": "inner/train-2", "3": "Same", "4": "train" });
});
