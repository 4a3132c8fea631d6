import { posix } from "node:path";
import type { Tensor } from "../domain/model-version.ts";
import type { Finding } from "../domain/report.ts";
import { ReleaseError } from "../lib/error.ts";
import type { FoundFile } from "../lib/model-files.ts";
import { withFileSource } from "./byte-source.ts";
import { type OnnxFacts, readOnnx } from "./onnx.ts";

/** What the files of a model say about it themselves. */
export type ModelDescription = {
  readonly format?: { readonly name: string; readonly version?: string };
  readonly signature?: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] };
  readonly findings: readonly Finding[];
};

/**
 * Reads the headers of the model's file by its format; nothing in it is run. Throws `REFUSED` for a file that is not what its name says,
 * and for one that names weights outside of the model or that are not there.
 */
export async function describeModel(files: readonly FoundFile[]): Promise<ModelDescription> {
  const onnx = files.filter((file) => file.path.toLowerCase().endsWith(".onnx"));
  const described = await Promise.all(onnx.map((file) => describeOnnx(file, files)));
  const main = described.length === 1 ? 0 : onnx.findIndex((file) => posix.basename(file.path) === "model.onnx");
  const findings = described.flatMap((one) => one.findings);
  const one = described[main];
  if (one === undefined && onnx.length > 0)
    findings.push({
      level: "notice",
      message: `${onnx.length} ONNX files and none named model.onnx: inputs and outputs of the model are not recorded`,
    });
  return { ...one, findings };
}

async function describeOnnx(file: FoundFile, files: readonly FoundFile[]): Promise<ModelDescription> {
  const read = await withFileSource(file.source, readOnnx);
  switch (read.state) {
    case "malformed":
      throw new ReleaseError("REFUSED", {
        rule: "a file named .onnx must be an ONNX model",
        where: { file: file.source },
        saw: read.why,
        hint: "it may have been cut while it was written: export the model again",
      });
    case "too-large":
      return {
        findings: [{ level: "warning", message: `${file.path} was not looked into: it has ${read.why}` }],
      };
    case "read":
      checkExternalFiles(file, read.facts, files);
      return {
        format: { name: "onnx", version: formatVersion(read.facts) },
        signature: { inputs: read.facts.inputs, outputs: read.facts.outputs },
        findings: [],
      };
  }
}

/** `ir 10, opset 21, ai.onnx.ml 1`. */
function formatVersion({ irVersion, opsets }: OnnxFacts): string {
  const sets = Object.entries(opsets)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, version]) => `${domain === "" ? "opset" : domain} ${version}`);
  return [`ir ${irVersion}`, ...sets].join(", ");
}

function checkExternalFiles(file: FoundFile, facts: OnnxFacts, files: readonly FoundFile[]): void {
  const known = new Set(files.map(({ path }) => path));
  const problems = facts.externalFiles.flatMap((location) => {
    const path = posix.join(posix.dirname(file.path), location);
    // As the format asks: a runtime refuses every `..`, also one that would lead back in.
    const isOutside = posix.isAbsolute(location) || location.split(/[/\\]/).includes("..") || location.includes("\\");
    if (!isOutside && known.has(path)) return [];
    return [
      {
        rule: "an ONNX model must bring the files that hold its weights",
        where: { file: file.source },
        saw: `weights in ${JSON.stringify(location)}, ${isOutside ? "outside of the model" : "which is not there"}`,
        allowed: "files of the model, by relative paths",
        hint: "export the model with its external data beside it",
      },
    ];
  });
  if (problems.length > 0) throw new ReleaseError("REFUSED", problems);
}
