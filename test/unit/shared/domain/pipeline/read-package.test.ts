import { expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { applyPins, pinImages } from "../../../../../actions/shared/domain/pipeline/images.ts";
import { linkFaults } from "../../../../../actions/shared/domain/pipeline/links.ts";
import { readPackage } from "../../../../../actions/shared/domain/pipeline/read-package.ts";
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

const whole = pipelineDocuments()[0] as Readonly<Record<string, Json>>;

test.each([
  [
    "a job of the betas",
    { pipelineSpec: whole, runtimeConfig: {} },
    "is a job that wraps a package",
    "compile the pipeline with kfp 2",
  ],
  [
    "a manifest",
    { apiVersion: "pipelines.kubeflow.org/v2beta1", kind: "PipelineVersion" },
    "is a manifest for Kubernetes",
    "--kubernetes-manifest-format",
  ],
  [
    "a component of KFP 1",
    { name: "a", implementation: { container: {} } },
    "is a component of KFP 1",
    "load_component_from_file",
  ],
  ["a package of the betas", { ...whole, schemaVersion: "2.0.0" }, "must have the schema version", "kfp 2.0 or later"],
  ["one without a version", { ...whole, schemaVersion: null }, "must have the schema version", "kfp 2.0 or later"],
])("%s is named as such, with what to do", (...[, document, rule, hint]) => {
  expect(readPackage([document as Json])).toMatchObject({
    state: "bad",
    faults: [{ rule: expect.stringContaining(rule), hint: expect.stringContaining(hint) }],
  });
});

test("empty documents at the end are no documents", () => {
  expect(readPackage([whole, null, null]).state).toBe("ok");
});

test.each([
  [
    { root: { dag: { tasks: { train: { componentRef: { name: 3 } } } } } },
    "root.dag.tasks.train.componentRef.name",
    "3",
    "a text",
  ],
  [{ root: { dag: { tasks: [] } } }, "root.dag.tasks", "a list of 0", "an object"],
  [
    { deploymentSpec: { executors: { "exec-train": { container: { args: [1] } } } } },
    "deploymentSpec.executors.exec-train.container.args.0",
    "1",
    "a text",
  ],
  [
    {
      root: {
        dag: { tasks: { train: { componentRef: { name: "comp-train" }, retryPolicy: { maxRetryCount: 1.5 } } } },
      },
    },
    "root.dag.tasks.train.retryPolicy.maxRetryCount",
    "1.5",
    "a whole number",
  ],
  [
    { root: { inputDefinitions: { parameters: { a: { parameterType: "TEXT" } } } } },
    "root.inputDefinitions.parameters.a.parameterType",
    '"TEXT"',
    expect.stringContaining("NUMBER_INTEGER"),
  ],
  [{ root: { dag: {}, executorLabel: "exec-train" } }, "root", "dag, executorLabel", "one of them"],
])("what has another type than KFP declares is told with its place: %j", (...[part, path, saw, allowed]) => {
  expect(readPackage([{ ...whole, ...(part as object) }])).toMatchObject({
    state: "bad",
    faults: [{ path: [0, ...path.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key))], saw, allowed }],
  });
});

test("fields that KFP may declare one day are kept", () => {
  const read = readPackage([{ ...whole, ofTomorrow: [1] }]);
  expect(read).toMatchObject({ state: "ok", package: { spec: { ofTomorrow: [1] } } });
});

test("numbers as texts, numbers of enums and snake_case are read as what they are", () => {
  const root = {
    input_definitions: { parameters: { n: { parameter_type: 2, default_value: 1 } } },
    dag: { tasks: { train: { component_ref: { name: "comp-train" }, retry_policy: { max_retry_count: "3" } } } },
  };
  const read = readPackage([{ ...whole, root }]);
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  expect(read.package.spec.root.inputDefinitions.parameters).toEqual({
    n: { parameterType: "NUMBER_INTEGER", defaultValue: 1 },
  });
  expect(taskSites(read.package)[0]?.retries).toBe(3);
  const twice = { ...root, inputDefinitions: {} };
  expect(readPackage([{ ...whole, root: twice }])).toMatchObject({ state: "bad", faults: [{ path: [0, "root"] }] });
});

test("an image that stands in snake_case is pinned where it stands", () => {
  const trainer = `ghcr.io/acme/trainer@sha256:${"a".repeat(64)}`;
  const { deploymentSpec: _, ...rest } = whole;
  const documents = [
    { ...rest, deployment_spec: { executors: { "exec-train": { container: { image: "image://trainer" } } } } },
  ];
  const read = readPackage(documents);
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  const { pins } = pinImages(read.package, { trainer }, { runsImages: true });
  expect(pins.map(({ path }) => path.join("."))).toEqual(["0.deployment_spec.executors.exec-train.container.image"]);
  expect(applyPins(documents, pins)).toMatchObject([
    { deployment_spec: { executors: { "exec-train": { container: { image: trainer } } } } },
  ]);
});

test("init containers of the second document are pinned too", () => {
  const trainer = `ghcr.io/acme/trainer@sha256:${"a".repeat(64)}`;
  const initContainers = [
    { name: "a", image: "busybox" },
    { name: "b", image: "image://trainer" },
  ];
  const pipeline = pipelinePackage({
    platform: { deploymentSpec: { executors: { "exec-train": { initContainers } } } },
  });
  const { pins, faults } = pinImages(pipeline, { trainer }, { runsImages: true });
  expect(pins.map(({ path, to }) => [path.slice(-3), to])).toEqual([[["initContainers", 1, "image"], trainer]]);
  expect(applyPins(pipeline.documents, pins)[1]).toMatchObject({
    platforms: {
      kubernetes: {
        deploymentSpec: { executors: { "exec-train": { initContainers: [{ image: "busybox" }, { image: trainer }] } } },
      },
    },
  });
  expect(faults.map(({ saw }) => saw)).toContain("busybox");
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
