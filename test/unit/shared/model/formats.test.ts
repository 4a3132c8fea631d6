import { describe, expect, test } from "vitest";
import { sourceReader } from "../../../../actions/shared/model/byte-reader.ts";
import { bytesSource } from "../../../../actions/shared/model/byte-source.ts";
import { readGguf } from "../../../../actions/shared/model/gguf.ts";
import { readMlmodel } from "../../../../actions/shared/model/mlmodel.ts";
import { readPmml } from "../../../../actions/shared/model/pmml.ts";
import { readSafetensors } from "../../../../actions/shared/model/safetensors.ts";
import { readSavedModel } from "../../../../actions/shared/model/saved-model.ts";
import { message, number, text } from "../../../support/onnx.ts";
import { pickle, uint } from "../../../support/pickle.ts";

describe("safetensors", () => {
  const file = (header: unknown, bytes = 16) => {
    const json = typeof header === "string" ? header : JSON.stringify(header);
    return Buffer.concat([uint(Buffer.byteLength(json), 8), Buffer.from(json), Buffer.alloc(bytes)]);
  };
  const reading = (bytes: Uint8Array) => readSafetensors(bytesSource(bytes));
  const [a, b] = [
    { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    { dtype: "I64", shape: [1, 1], data_offsets: [8, 16] },
  ];

  test("a sound file gives its tensors and metadata", async () => {
    expect(await reading(file({ __metadata__: { format: "pt" }, b, a }))).toEqual({
      state: "read",
      tensors: 2,
      metadata: { format: "pt" },
    });
  });

  test.each([
    ["far more text than tensors need", file({ __metadata__: { note: "x".repeat(13 * 1024 * 1024) } }, 0), "13 MiB"],
    ["far more values than tensors are", file(`{"a":[${"[],".repeat(400_000)}0]}`), "more tensors than are looked at"],
  ])("a header with %s is not looked into, and nothing is said of it", async (_, bytes, why) => {
    expect(await reading(bytes)).toEqual({ state: "too-large", why });
  });

  test("half bytes of four bits are counted", async () => {
    expect(await reading(file({ a: { dtype: "F4", shape: [32], data_offsets: [0, 16] } }))).toMatchObject({
      state: "read",
    });
  });

  test.each([
    ["a hole", file({ a, b: { ...b, data_offsets: [9, 17] } }, 17), "the tensor before it ends at 8"],
    ["an overlap", file({ a, b: { ...b, data_offsets: [4, 12] } }, 12), "the tensor before it ends at 8"],
    ["bytes behind the last", file({ a, b }, 20), "have 16 bytes, and 20 are there"],
    ["a file that was cut", file({ a, b }, 10), "have 16 bytes, and 10 are there"],
    ["a length that is not the shape's", file({ a: { ...a, shape: [3] }, b }), "has 8 bytes for F32 [3]"],
    ["a shape below zero", file({ a: { ...a, shape: [-2] }, b }), "no type, shape or place"],
    [
      "the same key twice",
      file(
        '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"\\u0061":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
      ),
      'has "a" twice',
    ],
    ["metadata that are no texts", file({ __metadata__: { n: 1 } }, 0), "not all texts"],
    ["a header that is no JSON", file("{nonsense", 0), "no JSON object"],
    [
      "a header longer than the file",
      Buffer.concat([uint(1000, 8), Buffer.from("{}")]),
      "a header of 1000 bytes in a file of 10",
    ],
    ["a header of terabytes", Buffer.concat([uint(2 ** 42, 8), Buffer.from("{}")]), "a header of"],
    ["nothing", Buffer.alloc(3), "ends in its header"],
  ])("%s is malformed", async (...[, bytes, why]) => {
    expect(await reading(bytes)).toEqual({ state: "malformed", why: expect.stringContaining(why) });
  });
});

describe("GGUF", () => {
  const string = (value: string) => pickle(uint(value.length, 8), value);
  const file = (...pairs: readonly Buffer[]) => pickle("GGUF", uint(3, 4), uint(0, 8), uint(pairs.length, 8), ...pairs);
  const reading = (bytes: Uint8Array) => readGguf(sourceReader(bytesSource(bytes)));

  test("names its metadata, whatever lies between", async () => {
    const bytes = file(
      pickle(string("general.architecture"), uint(8, 4), string("llama")),
      pickle(string("tokenizer.tokens"), uint(9, 4), uint(8, 4), uint(2, 8), string("a"), string("b")),
      pickle(string("tokenizer.scores"), uint(9, 4), uint(6, 4), uint(2, 8), Buffer.alloc(8)),
      pickle(string("tokenizer.chat_template"), uint(8, 4), string("{{ x }}")),
    );
    expect(await reading(bytes)).toEqual({
      state: "read",
      version: 3,
      template: "tokenizer.chat_template",
    });
  });

  test.each([
    ["metadata that are cut", file(pickle(string("a"), uint(8, 4), string("b"))).subarray(0, -1)],
    ["a type that is not known", file(pickle(string("a"), uint(77, 4)))],
    ["arrays in arrays", file(pickle(string("a"), uint(9, 4), uint(9, 4), uint(1, 8)))],
    ["more keys than are there", pickle("GGUF", uint(3, 4), uint(0, 8), uint(5, 8))],
    ["a version that is not known", pickle("GGUF", uint(9, 4), uint(0, 8), uint(0, 8))],
  ])("%s", async (_, bytes) => {
    expect(await reading(bytes)).toEqual({ state: "malformed" });
  });
});

describe("SavedModel", () => {
  const node = (op: string) => message(1, [text(1, "n"), text(2, op)]);
  const info = (type: number, sizes: readonly number[]) =>
    message(2, [
      number(2, type),
      message(
        3,
        sizes.map((size) => message(2, [number(1, size)])),
      ),
    ]);
  const signature = (name: string) =>
    message(5, [
      text(1, name),
      message(2, [
        message(1, [text(1, "pixels"), info(1, [1, 64])]),
        message(2, [text(1, "scores"), info(1, [1, 10])]),
        text(3, "tensorflow/serving/predict"),
      ]),
    ]);
  const model = (parts: readonly Uint8Array[]) =>
    Buffer.concat([number(1, 1), message(2, [message(1, [text(5, "2.18.0")]), ...parts])]);
  const reading = (bytes: Uint8Array) => readSavedModel(bytesSource(bytes));

  test("its version, and what it serves", async () => {
    const bytes = model([
      message(2, [node("MatMul")]),
      signature("other"),
      signature("serving_default"),
      signature("__saved_model_init_op"),
    ]);
    expect(await reading(bytes)).toEqual({
      state: "read",
      facts: {
        version: "2.18.0",
        signature: {
          inputs: [{ name: "pixels", type: "FP32", shape: [1, 64] }],
          outputs: [{ name: "scores", type: "FP32", shape: [1, 10] }],
        },
        dangerousOps: [],
      },
    });
  });

  test("operations on files and Python are found in the graph and in its functions", async () => {
    const library = message(2, [message(1, [message(3, [text(1, "w"), text(2, "WriteFile")])])]);
    const read = await reading(model([message(2, [node("ReadFile"), node("MatMul"), library])]));
    expect(read).toMatchObject({ facts: { dangerousOps: ["ReadFile", "WriteFile"] } });
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["a text", Buffer.from("hello")],
  ])("%s is malformed", async (_, bytes) => {
    expect(await reading(bytes)).toMatchObject({ state: "malformed" });
  });
});

describe("MLmodel", () => {
  const TEXT = `
flavors:
  python_function: { loader_module: mlflow.sklearn, model_path: model.pkl }
  sklearn: { pickled_model: model.pkl, code: null }
mlflow_version: 3.17.2
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 64]}}]'
  outputs: '[{"name": "label", "type": "long", "required": true}]'
`;

  test("its signature, its version and who loads it", () => {
    expect(readMlmodel(TEXT, "MLmodel")).toEqual({
      version: "3.17.2",
      signature: {
        inputs: [{ name: "0", type: "float64", shape: [-1, 64] }],
        outputs: [{ name: "label", type: "long" }],
      },
      loader: "mlflow.sklearn",
      code: undefined,
    });
  });

  test.each(["hello", "flavors: [", "a: &a [*a]"])("%j is none", (content) => {
    expect(readMlmodel(content, "MLmodel")).toBeUndefined();
  });
});

describe("PMML", () => {
  const DOCUMENT = `<?xml version="1.0"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><DataDictionary>
<DataField name="x" optype="continuous" dataType="double"/><DataField dataType='string' name='y' optype="categorical"></DataField></DataDictionary>
<TreeModel><MiningSchema><MiningField name="y" usageType="target"/><MiningField name="x"/></MiningSchema></TreeModel></PMML>`;

  test("its version, inputs and outputs", () => {
    expect(readPmml(DOCUMENT)).toEqual({
      version: "4.4",
      signature: { inputs: [{ name: "x", type: "double" }], outputs: [{ name: "y", type: "string" }] },
      hasEntities: false,
    });
  });

  test("declared entities are told", () => {
    expect(readPmml(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${DOCUMENT}`)).toMatchObject({
      hasEntities: true,
    });
  });

  test("another document is none", () => {
    expect(readPmml("<html></html>")).toBeUndefined();
  });

  test("tags that never end are passed over in one go", () => {
    const head = `<PMML version="4.4">${"<MiningSchema<DataField".repeat(40_000)}`;
    expect(readPmml(head)).toMatchObject({ version: "4.4" });
  });
});
