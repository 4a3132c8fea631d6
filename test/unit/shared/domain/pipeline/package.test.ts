import { expect, test } from "vitest";
import { linkFaults } from "../../../../../actions/shared/domain/pipeline/links.ts";
import { readPackage } from "../../../../../actions/shared/domain/pipeline/package.ts";
import { taskSites } from "../../../../../actions/shared/domain/pipeline/tasks.ts";
import { pipelineDocuments, pipelinePackage, python } from "../../../../support/pipeline-package.ts";

test("both documents are read, and kept as they were", () => {
  const documents = pipelineDocuments({
    platform: { deploymentSpec: { executors: { "exec-train": { pvcMount: [] } } } },
  });
  const read = readPackage(documents);
  expect(read).toMatchObject({ state: "ok", package: { documents, platform: { platforms: { kubernetes: {} } } } });
});

test("an infinity is told with its place: JSON has none", () => {
  const parameters = { rate: { parameterType: "NUMBER_DOUBLE", defaultValue: Number.POSITIVE_INFINITY } };
  const path = [0, "root", "inputDefinitions", "parameters", "rate", "defaultValue"];
  expect(readPackage(pipelineDocuments({ parameters }))).toMatchObject({
    state: "bad",
    faults: [{ path, saw: "Infinity" }],
  });
});

test("a package of KFP 1 is named as such, with what to do", () => {
  const read = readPackage([{ apiVersion: "argoproj.io/v1alpha1", kind: "Workflow", spec: {} }]);
  expect(read).toMatchObject({
    state: "bad",
    faults: [{ path: [0, "kind"], rule: expect.stringContaining("KFP 1"), hint: expect.stringContaining("kfp 2") }],
  });
});

test.each([
  ["nothing", []],
  ["three documents", [{}, {}, {}]],
  ["a text", ["hello"]],
  ["no name", [{ ...(pipelineDocuments()[0] as object), pipelineInfo: {} }]],
  ["executors that are a text", [{ ...(pipelineDocuments()[0] as object), deploymentSpec: { executors: "x" } }]],
])("%s is no package", (_, documents) => {
  expect(readPackage(documents)).toMatchObject({ state: "bad", faults: [{ level: "error" }] });
});

test("tasks are found through sub-DAGs and loops, with how many run at once", () => {
  const loop = (iterator: Readonly<Record<string, string>>, limit = 0) => ({
    componentRef: { name: "comp-loop" },
    parameterIterator: { items: iterator, itemInput: "item" },
    iteratorPolicy: { parallelismLimit: limit },
  });
  const found = taskSites(
    pipelinePackage({
      tasks: {
        train: { componentRef: { name: "comp-train" } },
        "for-loop-1": loop({ raw: "[1, 2, 3]" }),
        "for-loop-2": loop({ raw: "[1, 2, 3]" }, 2),
        "for-loop-3": loop({ inputParameter: "xs" }),
      },
      components: { "comp-loop": { dag: { tasks: { tune: { componentRef: { name: "comp-train" } } } } } },
    }),
  );
  expect(found.map(({ path, times }) => [path, times])).toEqual([
    ["train", 1],
    ["for-loop-1/tune", 3],
    ["for-loop-2/tune", 2],
    ["for-loop-3/tune", "unknown"],
  ]);
});

test("references that lead nowhere are found, each with its place", () => {
  const faults = linkFaults(
    pipelinePackage({
      tasks: {
        train: { componentRef: { name: "comp-missing" } },
        judge: {
          componentRef: { name: "comp-train" },
          inputs: {
            parameters: {
              a: { componentInputParameter: "loop-item-param-9" },
              b: { taskOutputParameter: { producerTask: "nobody", outputParameterKey: "Output" } },
            },
            artifacts: { c: { componentInputArtifact: "none" } },
          },
        },
      },
      components: {
        "comp-lost": { executorLabel: "exec-lost" },
        "comp-empty": {},
        "comp-a": { dag: { tasks: { b: { componentRef: { name: "comp-b" } } } } },
        "comp-b": { dag: { tasks: { a: { componentRef: { name: "comp-a" } } } } },
      },
      executors: { "exec-train": python() },
    }),
  );
  expect(faults.map(({ rule, saw }) => `${rule}: ${saw ?? ""}`)).toEqual([
    "task train runs a component that the package lacks: comp-missing",
    "input a of task judge comes from nowhere: loop-item-param-9",
    "input b of task judge comes from nowhere: task nobody",
    "input c of task judge comes from nowhere: none",
    "component comp-lost has no executor: exec-lost",
    "component comp-empty has neither an executor nor a DAG: ",
    "component comp-a contains itself: ",
  ]);
  expect(faults[0]?.path).toEqual([0, "root", "dag", "tasks", "train", "componentRef", "name"]);
});
