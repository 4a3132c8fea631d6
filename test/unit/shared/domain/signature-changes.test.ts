import { expect, test } from "vitest";
import type { Tensor } from "../../../../actions/shared/domain/model-version.ts";
import { schemaBreaks } from "../../../../actions/shared/domain/signature-changes.ts";

const tensor = (parts: Partial<Tensor> = {}): Tensor => ({ name: "x", type: "FP32", shape: [-1, 64], ...parts });
const inputs = (...tensors: readonly Tensor[]) => ({ inputs: tensors, outputs: [] });
const outputs = (...tensors: readonly Tensor[]) => ({ inputs: [], outputs: tensors });

test.each([
  ["the same", inputs(tensor()), inputs(tensor()), []],
  ["another name of an open dimension", inputs(tensor({ shape: ["n", 64] })), inputs(tensor()), []],
  ["an input that became open", inputs(tensor()), inputs(tensor({ shape: [1, 64] })), []],
  ["one more output", outputs(tensor(), tensor({ name: "y" })), outputs(tensor()), []],
  [
    "an input that became fixed",
    inputs(tensor({ shape: [1, 64] })),
    inputs(tensor()),
    ["its input x has the shape [1, 64], and had [-1, 64]"],
  ],
  [
    "another length",
    inputs(tensor({ shape: [-1, 32] })),
    inputs(tensor()),
    ["its input x has the shape [-1, 32], and had [-1, 64]"],
  ],
  [
    "another rank",
    outputs(tensor({ shape: [-1] })),
    outputs(tensor()),
    ["its output x has the shape [-1], and had [-1, 64]"],
  ],
  [
    "an output that became open",
    outputs(tensor()),
    outputs(tensor({ shape: [1, 64] })),
    ["its output x has the shape [-1, 64], and had [1, 64]"],
  ],
  ["another type", outputs(tensor({ type: "FP64" })), outputs(tensor()), ["its output x is FP64, and was FP32"]],
  [
    "another name",
    inputs(tensor({ name: "y" })),
    inputs(tensor()),
    ["its input x is gone", "it needs an input y, which callers do not send"],
  ],
  ["an output that is gone", outputs(), outputs(tensor()), ["its output x is gone"]],
  ["a shape that is not known", inputs({ name: "x", type: "FP32" }), inputs(tensor()), []],
])("%s", (...[, now, champion, said]) => {
  expect(schemaBreaks(now, champion)).toEqual(said);
});
