import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesSource } from "../../../../actions/shared/model/byte-source.ts";
import { readOnnx } from "../../../../actions/shared/model/onnx.ts";
import { bytes, FLOAT, message, number, onnxModel, text } from "../../../support/onnx.ts";

const read = (content: Uint8Array) => readOnnx(bytesSource(content));

test("reads versions, producer, inputs and outputs", async () => {
  expect(await read(onnxModel())).toEqual({
    state: "read",
    facts: {
      irVersion: 10,
      producer: { name: "skl2onnx", version: "1.19.1" },
      opsets: { "": 21, "ai.onnx.ml": 1 },
      inputs: [{ name: "pixels", type: "FP32", shape: [-1, 64] }],
      outputs: [
        { name: "label", type: "INT64", shape: [-1] },
        { name: "scores", type: "FP32", shape: [-1, 10] },
      ],
      externalFiles: [],
    },
  });
});

test("a dimension with a name keeps it", async () => {
  const model = onnxModel({ inputs: [{ name: "x", element: FLOAT, shape: ["batch", 3] }] });
  expect(await read(model)).toMatchObject({ facts: { inputs: [{ shape: ["batch", 3] }] } });
});

test("weights that an old file lists among its inputs are none", async () => {
  const inputs = ["x", "w"].map((name) => ({ name, element: FLOAT, shape: [1] }));
  const model = onnxModel({ irVersion: 3, inputs, weights: [{ name: "w", bytes: 4 }] });
  expect(await read(model)).toMatchObject({ facts: { inputs: [{ name: "x" }] } });
});

test("names the files that hold weights, once each", async () => {
  const weights = ["b.bin", "../a.bin", "b.bin"].map((location, i) => ({ name: `w${i}`, location }));
  expect(await read(onnxModel({ weights }))).toMatchObject({ facts: { externalFiles: ["../a.bin", "b.bin"] } });
});

describe("finds weights in other files wherever they stand", () => {
  const tensor = (field: number) => message(field, [message(13, [text(1, "location"), text(2, "far.bin")])]);
  const attribute = (parts: readonly Uint8Array[]) => message(5, parts);
  const inner = (field: number) => message(field, [message(1, [attribute([tensor(5)])])]);
  const inGraph = (part: Uint8Array) => message(7, [part]);
  test.each([
    ["a constant's value", inGraph(message(1, [attribute([tensor(5)])]))],
    ["an attribute's list of tensors", inGraph(message(1, [attribute([tensor(10)])]))],
    ["a branch of If", inGraph(message(1, [attribute([message(6, [tensor(5)])])]))],
    ["a constant in a branch of If", inGraph(message(1, [attribute([inner(6)])]))],
    ["an attribute's list of graphs", inGraph(message(1, [attribute([inner(11)])]))],
    ["the values of a sparse constant", inGraph(message(1, [attribute([message(22, [tensor(1)])])]))],
    ["a list of sparse constants", inGraph(message(1, [attribute([message(23, [tensor(2)])])]))],
    ["the values of sparse weights", inGraph(message(15, [tensor(1)]))],
    ["the indices of sparse weights", inGraph(message(15, [tensor(2)]))],
    ["a function of the model", message(25, [message(7, [attribute([tensor(5)])])])],
    ["an attribute's default in a function", message(25, [message(11, [tensor(5)])])],
    ["what trains the model", message(20, [message(2, [tensor(5)])])],
  ])("%s", async (_, part) => {
    const content = Buffer.concat([onnxModel({ weights: [] }), part]);
    expect(await read(content)).toMatchObject({ state: "read", facts: { externalFiles: ["far.bin"] } });
  });
});

test("graphs nested without end are too large", async () => {
  let graph = message(6, []);
  for (let depth = 0; depth < 200; depth++) graph = message(6, [message(1, [message(5, [graph])])]);
  const content = Buffer.concat([onnxModel(), message(7, [message(1, [message(5, [graph])])])]);
  expect(await read(content)).toMatchObject({ state: "too-large" });
});

test("steps over weights without reading them", async () => {
  const content = onnxModel({ weights: [{ name: "w", bytes: 3_000_000 }] });
  let bytesRead = 0;
  const source = {
    size: content.length,
    read: async (at: number, length: number) => {
      const piece = content.subarray(at, at + length);
      bytesRead += piece.length;
      return piece;
    },
  };
  expect(await readOnnx(source)).toMatchObject({ state: "read" });
  expect(bytesRead).toBeLessThan(300_000);
});

test("a domain may be called as an object's own parts are", async () => {
  const result = await read(onnxModel({ opsets: Object.fromEntries([["__proto__", 3]]) }));
  expect(result.state === "read" && Object.entries(result.facts.opsets)).toEqual([["__proto__", 3]]);
});

describe("what is no ONNX file is malformed", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("this is not a model at all, is it?")],
    ["a pickle", Buffer.from([0x80, 0x04, 0x95, 0x0a, 0, 0, 0])],
    ["zeroes", Buffer.alloc(100)],
    ["no graph", Buffer.concat([number(1, 10), message(8, [number(2, 21)])])],
    ["no operator sets", Buffer.concat([number(1, 10), message(7, [])])],
    ["a number for a graph", Buffer.concat([number(1, 10), number(7, 1), message(8, [number(2, 21)])])],
    ["a text for a version", Buffer.concat([text(1, "10"), message(7, [])])],
    ["a length beyond the end", Buffer.concat([number(1, 10), Buffer.from([0x3a, 0xff, 0xff, 0x03])])],
    ["a negative length", Buffer.concat([Buffer.from([0x3a]), Buffer.alloc(9, 0xff), Buffer.from([1])])],
    ["a number without end", Buffer.concat([Buffer.from([8]), Buffer.alloc(20, 0xff)])],
    ["groups", Buffer.from([0x3b, 0x3c])],
  ])("%s", async (_, content) => {
    expect(await read(content)).toMatchObject({ state: "malformed" });
  });
});

test("a text of a megabyte where a name belongs is too large", async () => {
  const content = Buffer.concat([number(1, 10), bytes(2, Buffer.alloc(1_000_000, 97))]);
  expect(await read(content)).toMatchObject({ state: "too-large" });
});

test("types nested without end are too large", async () => {
  let type = message(1, [number(1, 1)]);
  for (let depth = 0; depth < 200; depth++) type = message(4, [message(1, [type])]);
  const graph = message(7, [message(11, [text(1, "x"), message(2, [type])])]);
  const content = Buffer.concat([number(1, 10), graph, message(8, [number(2, 21)])]);
  expect(await read(content)).toMatchObject({ state: "too-large" });
});

test("more fields than are looked at are too large, not endless", async () => {
  const content = Buffer.alloc(12_000_000, Buffer.from([0x08, 0x01]));
  expect(await read(content)).toMatchObject({ state: "too-large" });
}, 60_000);

test("a file that is cut anywhere is never read as a whole other model", async () => {
  const whole = onnxModel({ weights: [] });
  const complete = await read(whole);
  for (let length = 0; length < whole.length; length++) {
    const cut = await read(whole.subarray(0, length));
    if (cut.state === "read") expect(complete).toMatchObject({ facts: { inputs: cut.facts.inputs } });
  }
});

test("any bytes are answered, none throw", async () => {
  const flips = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 });
  const model = onnxModel({ weights: [{ name: "w", location: "w.bin" }] });
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    flips.map((changes) => {
      const content = Buffer.from(model);
      for (const [at, byte] of changes) content[at % content.length] = byte;
      return content;
    }),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (content) => {
      expect(["read", "malformed", "too-large"]).toContain((await read(content)).state);
    }),
    { numRuns: 500 },
  );
});
