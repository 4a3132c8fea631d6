import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findModelFiles } from "../../../../actions/shared/lib/model-files.ts";
import { describeModel } from "../../../../actions/shared/model/describe-model.ts";
import { onnxModel } from "../../../support/onnx.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function describing(files: Readonly<Record<string, Uint8Array | string>>) {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return describeModel(await findModelFiles(folder));
}

const weightsIn = (location: string) => onnxModel({ weights: [{ name: "w", location }] });

test("the only ONNX file gives format and signature, whatever its name", async () => {
  expect(await describing({ "a/net.onnx": onnxModel(), "labels.txt": "x" })).toMatchObject({
    format: { name: "onnx", version: "ir 10, opset 21, ai.onnx.ml 1" },
    signature: { inputs: [{ name: "pixels" }], outputs: [{ name: "label" }, { name: "scores" }] },
    findings: [],
  });
});

test("of several the one that is named model.onnx counts", async () => {
  const other = onnxModel({ irVersion: 8 });
  const { format } = await describing({ "a.onnx": other, "model.onnx": onnxModel(), "z.onnx": other });
  expect(format?.version).toMatch(/^ir 10,/);
});

test("of several without that name none counts, which is told", async () => {
  const described = await describing({ "encoder.onnx": onnxModel(), "decoder.onnx": onnxModel() });
  expect(described).not.toHaveProperty("signature");
  expect(described.findings).toEqual([
    {
      level: "warning",
      message: expect.stringMatching(/^these look like 2 models in one: decoder.onnx, encoder.onnx\./),
    },
  ]);
});

test("of two with that name none counts either", async () => {
  const described = await describing({ "a/model.onnx": onnxModel(), "b/model.onnx": onnxModel() });
  expect(described).not.toHaveProperty("signature");
  expect(described.findings).toMatchObject([{ level: "warning" }]);
});

test("files of no known format are described by nothing", async () => {
  const scan = { verdict: "data-only", imports: [], findings: [] };
  expect(await describing({ "model.json": "{}", "weights.bin": "abc" })).toEqual({ scan, findings: [] });
});

test("weights may lie in a file beside the model", async () => {
  const described = await describing({ "m/model.onnx": weightsIn("w/model.bin"), "m/w/model.bin": "x" });
  expect(described).toHaveProperty("signature");
});

test.each(["../model.bin", "/etc/passwd", "a/../../model.bin", "gone.bin", "a\\b.bin"])(
  "weights in %s are refused",
  async (location) => {
    const act = describing({ "m/model.onnx": weightsIn(location), "model.bin": "x" });
    await expect(act).rejects.toMatchObject({ code: "REFUSED" });
  },
);

test("a file that is no ONNX is refused", async () => {
  await expect(describing({ "model.onnx": "hello" })).rejects.toMatchObject({ code: "REFUSED" });
});

test("a model of several formats is what its description says, with that signature", async () => {
  const mlmodel = `flavors: { python_function: { loader_module: acme.loader, code: code } }
signature: { inputs: '[{"name": "x", "type": "double"}]', outputs: '[{"name": "y", "type": "long"}]' }`;
  expect(await describing({ MLmodel: mlmodel, "model.pkl": "N.", "conda.yaml": "a: b" })).toMatchObject({
    format: { name: "mlflow" },
    signature: { inputs: [{ name: "x" }], outputs: [{ name: "y" }] },
    scan: { verdict: "code-bearing", imports: ["acme.loader"] },
  });
});

test("a format is told by the content, whatever the name", async () => {
  expect(await describing({ weights: onnxModel() })).toMatchObject({ format: { name: "onnx" } });
  expect(await describing({ weights: "\x93NUMPY" })).not.toHaveProperty("format");
  expect(await describing({ "a.dat": '<?xml version="1.0"?><PMML version="4.4"></PMML>' })).toMatchObject({
    format: { name: "pmml", version: "4.4" },
  });
});

test("shards of one format have no signature and the format's name", async () => {
  const shard = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]);
  const described = await describing({ "model-1.safetensors": shard, "model-2.safetensors": shard });
  expect(described).toMatchObject({ format: { name: "safetensors" }, findings: [] });
});

test.each([
  ["a safetensors file that was cut", "model.safetensors", "x"],
  ["a SavedModel that is none", "saved_model.pb", "x"],
  ["GGUF that was cut", "model.gguf", "GGUF"],
  ["a private key", "deploy.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"],
  ["an access key", "config.ini", "key = AKIAIOSFODNN7EXAMPLE"],
])("%s is refused", async (_, path, content) => {
  await expect(describing({ [path]: content })).rejects.toMatchObject({ code: "REFUSED" });
});

test("caches and files that are named as credentials are told", async () => {
  const { findings } = await describing({ "code/__pycache__/a.pyc": "x", ".env": "A=1", "model.json": "{}" });
  expect(findings.map(({ message }) => message)).toEqual([
    ".env is named as a file with credentials: a model needs none",
    "code/__pycache__/a.pyc: caches do not belong into a model, they change its digest",
  ]);
});
