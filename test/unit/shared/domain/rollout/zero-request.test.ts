import { expect, test } from "vitest";
import { zeroRequest } from "../../../../../actions/shared/domain/rollout/zero-request.ts";

const tensor = (datatype: string, shape: readonly number[]) => ({ inputs: [{ name: "x", datatype, shape }] });

test.each([
  ["INT64", [2], [0, 0]],
  ["FP32", [-1, 3], [0, 0, 0]],
  ["BOOL", [1], [false]],
  ["BYTES", [1, 1], [""]],
] as const)("%s of %j is filled with %j", (datatype, shape, data) => {
  expect(zeroRequest(tensor(datatype, shape))).toEqual({
    inputs: [{ name: "x", datatype, shape: shape.map((size) => Math.max(size, 1)), data }],
  });
});

test.each([
  ["half floats, which JSON does not carry", tensor("FP16", [1])],
  ["a tensor that is too large for a first question", tensor("FP32", [1, 3, 2_048, 2_048])],
  ["a model without inputs", { inputs: [] }],
  ["what is no metadata", "<html>"],
])("nothing is made of %s", (_, metadata) => {
  expect(zeroRequest(metadata)).toBeUndefined();
});
