import { expect, test } from "vitest";
import { unreadableCondition } from "../../../../../actions/shared/domain/pipeline/condition.ts";
import { gpuRequests } from "../../../../../actions/shared/domain/pipeline/gpus.ts";
import { localFaults } from "../../../../../actions/shared/domain/pipeline/local-faults.ts";
import { distributionName, installedPackages } from "../../../../../actions/shared/domain/pipeline/requirements.ts";
import { taskSites } from "../../../../../actions/shared/domain/pipeline/tasks.ts";
import { type PackageParts, pipelinePackage, python } from "../../../../support/pipeline-package.ts";

const faultsOf = (parts: PackageParts, runsContainers = false) => {
  const pipeline = pipelinePackage(parts);
  return localFaults(pipeline, taskSites(pipeline), { runsContainers });
};
const word = "inputs.parameter_values['pipelinechannel--make-word']";

test.each([
  [`${word} == 'its'`, undefined],
  [`!(${word} == 'x') && int(${word}) >= -3 || ${word} == true`, undefined],
  [`${word} == ''`, undefined],
  [`${word} == 'it's'`, "s'"],
  [`${word} == 'a' 'b'`, "'b'"],
  [`size(${word}) > 2`, `size(${word}) > 2`],
])("of the condition %j nobody can read %j", (condition, rest) => {
  expect(unreadableCondition(condition)).toBe(rest);
});

test("a condition that no engine can evaluate is refused before the run", () => {
  const tasks = { train: { componentRef: { name: "comp-train" }, triggerPolicy: { condition: `${word} == 'it's'` } } };
  expect(faultsOf({ tasks })).toMatchObject([
    { level: "error", path: [0, "root", "dag", "tasks", "train", "triggerPolicy", "condition"] },
  ]);
});

test("container components and containerized ones need a container engine, Python components do not", () => {
  const command = ["python3", "-m", "kfp.dsl.executor_main"];
  const executors = {
    "exec-echo": { container: { image: "alpine", command: ["echo"], args: ["hi"] } },
    "exec-built": { container: { image: "mine", command, args: ["--function_to_execute", "f"] } },
    "exec-train": python(),
    "exec-createpvc": { container: { image: "argostub/createpvc" } },
  };
  const rules = (runsContainers: boolean) =>
    faultsOf({ executors }, runsContainers).map(({ level, rule }) => `${level}: ${rule.slice(0, 38)}`);
  const volume = "error: task createpvc makes or removes a volu";
  expect(rules(false)).toEqual([
    volume,
    "error: task echo is a container component, an",
    "error: task built is a containerized componen",
  ]);
  expect(rules(true)).toEqual([volume]);
});

test.each([
  ["/data/train.csv", 0],
  ["s3://bucket/train.csv", 1],
  ["file:///data/train.csv", 1],
])("an importer of %j has %i warnings", (constant, count) => {
  const executors = { "exec-get": { importer: { artifactUri: { constant } } } };
  const faults = faultsOf({ executors });
  expect(faults.map(({ level }) => level)).toEqual(Array(count).fill("warning"));
});

test("settings of Kubernetes that decide what a task can reach are told", () => {
  const platform = {
    deploymentSpec: { executors: { "exec-train": { secretAsEnv: [], nodeSelector: {}, pvcMount: [] } } },
  };
  expect(faultsOf({ platform })).toMatchObject([{ level: "warning", saw: "secretAsEnv, pvcMount" }]);
});

test("GPU requests are counted, placeholders of parameters are filled in, half a request is an error", () => {
  const asks = (accelerator: object) => python({ resources: { accelerator } } as never);
  const pipeline = pipelinePackage({
    parameters: { gpus: { parameterType: "NUMBER_INTEGER" } },
    executors: {
      "exec-a": asks({ resourceType: "nvidia.com/gpu", resourceCount: "2" }),
      "exec-b": asks({
        resourceType: "nvidia.com/gpu",
        resourceCount: "{{$.inputs.parameters['pipelinechannel--gpus']}}",
      }),
      "exec-c": asks({ type: "NVIDIA_TESLA_K80", count: 1 }),
      "exec-d": asks({ resourceCount: "1" }),
      "exec-e": asks({ resourceType: "nvidia.com/gpu", resourceCount: "0" }),
      "exec-f": asks({ resourceType: "nvidia.com/gpu", resourceCount: "{{$.inputs.parameters['other']}}" }),
    },
    tasks: Object.fromEntries(
      ["a", "b", "c", "d", "e", "f"].map((name) => [
        name,
        {
          componentRef: { name: `comp-${name}` },
          inputs: {
            parameters: {
              "pipelinechannel--gpus": { componentInputParameter: "gpus" },
              other: { taskOutputParameter: { producerTask: "a", outputParameterKey: "Output" } },
            },
          },
        },
      ]),
    ),
  });
  const { requests, faults } = gpuRequests(taskSites(pipeline), { gpus: 4 });
  expect(requests.map(({ task, type, count }) => `${task} ${count} ${type}`)).toEqual([
    "a 2 nvidia.com/gpu",
    "b 4 nvidia.com/gpu",
    "c 1 NVIDIA_TESLA_K80",
  ]);
  expect(faults.map(({ level, saw }) => `${level}: ${saw}`)).toEqual([
    "warning: type NVIDIA_TESLA_K80, count 1",
    "error: type missing, count 1",
    "notice: {{$.inputs.parameters['other']}} of nvidia.com/gpu",
  ]);
});

test("a count that is no number, whatever it is, is half a request", () => {
  const resources = {
    accelerator: { resourceType: "nvidia.com/gpu", resourceCount: "{{$.inputs.parameters['gpus']}}" },
  };
  const pipeline = pipelinePackage({
    parameters: { gpus: { parameterType: "STRUCT" } },
    executors: { "exec-a": python({ resources } as never) },
    tasks: {
      a: { componentRef: { name: "comp-a" }, inputs: { parameters: { gpus: { componentInputParameter: "gpus" } } } },
    },
  });
  const { requests, faults } = gpuRequests(taskSites(pipeline), { gpus: { toString: null } });
  expect(requests).toEqual([]);
  expect(faults).toMatchObject([{ level: "error", saw: 'type nvidia.com/gpu, count {"toString":null}' }]);
});

test("the packages of lightweight components are found, without those that the compiler adds", () => {
  const install = (words: string) =>
    python({
      command: [
        "sh",
        "-c",
        `\nif ! [ -x "$(command -v pip)" ]; then\n    python3 -m ensurepip\nfi\n\nPIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --no-warn-script-location ${words} && "$0" "$@"\n`,
        "sh",
        "-ec",
        "python3 -m kfp.dsl.executor_main",
      ],
    });
  const own = `'kfp==2.17.0' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<"3.9"'`;
  const executors = {
    "exec-a": install(`'six==1.17.0' 'numpy>=1,<3'  &&  python3 -m pip install --quiet ${own}`),
    "exec-b": install(own),
    "exec-c": python(),
  };
  expect(installedPackages(pipelinePackage({ executors }))).toEqual(["numpy>=1,<3", "six==1.17.0"]);
});

test("names of distributions are compared as pip does", () => {
  const written = ["scikit_learn[x] >= 1", "Scikit.Learn==1", "kfp==2.17.0", "torch @ https://example.org/x.whl"];
  expect(written.map(distributionName)).toEqual(["scikit-learn", "scikit-learn", "kfp", "torch"]);
});
