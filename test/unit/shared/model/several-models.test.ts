import { describe, expect, test } from "vitest";
import { findSeveralModels } from "../../../../actions/shared/model/several-models.ts";

type File = readonly [path: string, format?: string];

const described = (files: readonly File[]) =>
  files.map(([path, name]) => (name === undefined ? { path } : { path, format: { name } }));

describe("one model is", () => {
  test.for<[string, readonly File[]]>([
    ["one file with what belongs to it", [["net.onnx", "onnx"], ["labels.txt"], ["scaler.pkl", "pickle"]]],
    [
      "one of several that is named so",
      [
        ["model.onnx", "onnx"],
        ["preprocess.onnx", "onnx"],
      ],
    ],
    [
      "a folder with all that lies in it",
      [
        ["MLmodel", "mlflow"],
        ["data/model/saved_model.pb", "saved-model"],
        ["a.onnx", "onnx"],
      ],
    ],
    [
      "a folder further down",
      [
        ["x/MLmodel", "mlflow"],
        ["x/a.onnx", "onnx"],
        ["x/b.onnx", "onnx"],
      ],
    ],
    [
      "made of parts",
      [
        ["m-00001-of-00002.gguf", "gguf"],
        ["m-00002-of-00002.gguf", "gguf"],
      ],
    ],
    [
      "weights in many files",
      [
        ["a.safetensors", "safetensors"],
        ["b.safetensors", "safetensors"],
      ],
    ],
    ["nothing that is known", [["a"], ["b"]]],
  ])("%s", ([, files]) => {
    expect(findSeveralModels(described(files))).toEqual([]);
  });
});

describe("several models are", () => {
  test.for<[string, readonly File[], string]>([
    [
      "two files",
      [
        ["a.onnx", "onnx"],
        ["b.onnx", "onnx"],
      ],
      "2 models in one: a.onnx, b.onnx.",
    ],
    [
      "of two formats",
      [
        ["a.onnx", "onnx"],
        ["b.pmml", "pmml"],
      ],
      "2 models in one: a.onnx, b.pmml.",
    ],
    [
      "two that are named as the one",
      [
        ["a/model.onnx", "onnx"],
        ["b/model.onnx", "onnx"],
      ],
      "a/model.onnx, b/model.onnx.",
    ],
    [
      "two folders",
      [
        ["a/MLmodel", "mlflow"],
        ["b/saved_model.pb", "saved-model"],
      ],
      "2 models in one: a, b.",
    ],
    [
      "a folder and a file beside it",
      [
        ["a/MLmodel", "mlflow"],
        ["ab.onnx", "onnx"],
      ],
      "2 models in one: a, ab.onnx.",
    ],
    ["many", Array.from({ length: 7 }, (_, i): File => [`m${i}.onnx`, "onnx"]), "m4.onnx and 2 more."],
  ])("%s", ([, files, words]) => {
    expect(findSeveralModels(described(files))).toEqual([
      { level: "warning", message: expect.stringContaining(words) },
    ]);
  });
});
