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
  expect(described.findings).toMatchObject([{ level: "notice" }]);
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
