import { expect, test } from "vitest";
import { taskSites } from "../../../../../actions/shared/domain/pipeline/tasks.ts";
import { chooseModelOutput } from "../../../../../actions/shared/domain/run/model-output.ts";
import { type PackageParts, pipelinePackage } from "../../../../support/pipeline-package.ts";

const writes = (...outputs: readonly string[]) => ({
  executorLabel: "exec-train",
  outputDefinitions: {
    artifacts: Object.fromEntries(
      outputs.map((name) => [
        name,
        { artifactType: { schemaTitle: name === "table" ? "system.Dataset" : "system.Model" } },
      ]),
    ),
  },
});
const runs = (name: string) => ({ componentRef: { name } });
const choose = (parts: PackageParts, named?: string) => chooseModelOutput(taskSites(pipelinePackage(parts)), named);
const one: PackageParts = { components: { "comp-train": writes("model", "table") } };
const two: PackageParts = {
  tasks: { fit: runs("comp-a"), export: runs("comp-b") },
  components: { "comp-a": writes("model"), "comp-b": writes("onnx") },
};
const looped: PackageParts = {
  tasks: { "for-loop-1": { ...runs("comp-loop"), parameterIterator: { items: { raw: "[1,2]" } } } },
  components: { "comp-loop": { dag: { tasks: { fit: runs("comp-a") } } }, "comp-a": writes("model") },
};

test("the only model is the model", () => {
  expect(choose(one)).toEqual({ state: "ok", value: { task: "train", path: "train", output: "model" } });
});

test("a pipeline without a model has none", () => {
  expect(choose({})).toEqual({ state: "ok", value: undefined });
});

test("of several one must be named, and an error lists them", () => {
  expect(choose(two)).toMatchObject({ state: "bad", problems: [{ saw: "fit.model, export.onnx" }] });
  expect(choose(two, "export.onnx")).toMatchObject({ state: "ok", value: { path: "export", output: "onnx" } });
});

test("any artifact may be named; an unknown one is told with the nearest", () => {
  expect(choose(one, "train.table")).toMatchObject({ state: "ok", value: { output: "table" } });
  expect(choose(two, "export.onx")).toMatchObject({
    state: "bad",
    problems: [{ saw: "export.onx", allowed: "fit.model, export.onnx", hint: "did you mean export.onnx?" }],
  });
});

test("a model from inside of a loop is none: there are several", () => {
  expect(choose(looped)).toMatchObject({ state: "bad", problems: [{ saw: "fit.model" }] });
});
