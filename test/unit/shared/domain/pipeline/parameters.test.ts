import { expect, test } from "vitest";
import type { Json } from "../../../../../actions/shared/domain/canonical.ts";
import { checkParameters } from "../../../../../actions/shared/domain/pipeline/parameters.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";
import { pipelinePackage } from "../../../../support/pipeline-package.ts";

const pipeline = pipelinePackage({
  parameters: {
    epochs: { parameterType: "NUMBER_INTEGER", defaultValue: 3 },
    rate: { parameterType: "NUMBER_DOUBLE" },
    note: { parameterType: "STRING", isOptional: true },
    size: { parameterType: "STRING", defaultValue: "small", literals: ["small", "large"] },
    flags: { parameterType: "LIST", isOptional: true },
    options: { parameterType: "STRUCT", isOptional: true },
    quick: { parameterType: "BOOLEAN", isOptional: true },
  },
});
const check = (given: Readonly<Record<string, Json>>) =>
  checkParameters(pipeline, given, (name) => ({ file: `${name}.yaml` }));

test("what is given and the defaults of the rest are the run's parameters", () => {
  expect(check({ rate: 1, flags: ["a"] })).toEqual({
    values: { epochs: 3, size: "small", rate: 1, flags: ["a"] },
    problems: [],
  });
});

test.each([
  { given: { epochs: 3.5 }, saw: "3.5", allowed: "a whole number" },
  { given: { epochs: "3" }, saw: '"3"', allowed: "a whole number" },
  { given: { rate: "0.1" }, saw: '"0.1"', allowed: "a number" },
  { given: { note: 3 }, saw: "3", allowed: "a string" },
  { given: { quick: "yes" }, saw: '"yes"', allowed: "true or false" },
  { given: { flags: "a" }, saw: '"a"', allowed: "a list" },
  { given: { options: ["a"] }, saw: '["a"]', allowed: "an object" },
  { given: { size: "medium" }, saw: '"medium"', allowed: '"small", "large"' },
])("$given is refused where it is written", ({ given, saw, allowed }) => {
  const { problems } = check({ rate: 1, ...given } as Readonly<Record<string, Json>>);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ where: { file: `${Object.keys(given)[0]}.yaml` }, saw, allowed });
});

test("missing and unknown ones are told together, with the nearest name", () => {
  expect(check({ epoch: 3 }).problems.map(formatProblem)).toEqual([
    "epoch.yaml: the pipeline has no parameter epoch (allowed: epochs, rate, note, size, flags, options, quick); did you mean epochs?",
    "rate.yaml: the pipeline's parameter rate has no default and is not given (allowed: a number); add a line `rate: …` to `parameters`",
  ]);
});
