import { describe, expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import {
  canonicalPackage,
  packageDifference,
  packageDocuments,
} from "../../../../../actions/shared/domain/pipeline/canonical-package.ts";
import { pipelineDocuments, python } from "../../../../support/pipeline-package.ts";

const train = (container: Readonly<Record<string, Json>>) =>
  pipelineDocuments({ executors: { "exec-train": python(container) } });

describe("packages run the same", () => {
  test.each([
    ["without what is empty", train({ env: [], lifecycle: {} }), train({})],
    [
      "with a number as text",
      train({ resources: { accelerator: { count: 1 } } }),
      train({ resources: { accelerator: { count: "1" } } }),
    ],
    ["with 1.0 for 1", train({ resources: { cpuLimit: 1.0 } }), train({ resources: { cpuLimit: 1 } })],
    [
      "of another SDK",
      pipelineDocuments().map((one) => ({ ...(one as object), sdkVersion: "kfp-2.5.0" })),
      pipelineDocuments(),
    ],
    ["with an empty second document", [...pipelineDocuments(), null], pipelineDocuments()],
  ] as const)("%s", (_, one, other) => {
    expect(canonicalPackage(one)).toBe(canonicalPackage(other));
    expect(packageDifference(one, other)).toBeUndefined();
  });
});

describe("packages are different", () => {
  const parameters = (value: Json) =>
    pipelineDocuments({ parameters: { flag: { parameterType: "BOOLEAN", defaultValue: value } } });
  test.each([
    [
      "in an image",
      train({ image: "a" }),
      train({ image: "b" }),
      "deploymentSpec.executors.exec-train.container.image",
    ],
    [
      "in a default that is false",
      parameters(false),
      parameters(true),
      "root.inputDefinitions.parameters.flag.defaultValue",
    ],
    [
      "in a default that is there",
      parameters(false),
      pipelineDocuments({ parameters: { flag: { parameterType: "BOOLEAN" } } }),
      "root.inputDefinitions.parameters.flag.defaultValue",
    ],
    [
      "in the platform half",
      pipelineDocuments({
        platform: { deploymentSpec: { executors: { "exec-train": { imagePullPolicy: "Always" } } } },
      }),
      pipelineDocuments(),
      "platforms",
    ],
  ] as const)("%s", (...row) => {
    const [, one, other, where] = row;
    expect(packageDifference(one, other)).toBe(where);
    expect(packageDifference(other, one)).toBe(where);
  });
});

test("a server gives back the pipeline alone, or both halves by name", () => {
  expect(packageDocuments({ root: {} })).toEqual([{ root: {} }]);
  expect(packageDocuments({ pipeline_spec: { root: {} } })).toEqual([{ root: {} }]);
  expect(packageDocuments({ pipeline_spec: { root: {} }, platform_spec: { platforms: {} } })).toEqual([
    { root: {} },
    { platforms: {} },
  ]);
});
