import { posix } from "node:path";
import { ReleaseError } from "../lib/error.ts";
import type { SourceFile } from "../ports/source-file.ts";
import type { FileFacts } from "./file-facts.ts";
import type { OnnxFacts, ReadOnnx } from "./onnx.ts";

/** Operator sets of ONNX itself and of the runtime that most servers have. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  "",
  "ai.onnx.ml",
  "ai.onnx.training",
  "ai.onnx.preview.training",
  "com.microsoft",
]);

/** What an ONNX file says; throws `REFUSED` for one that is none, and for weights outside of the model or that are not there. */
export function describeOnnx(file: SourceFile, read: ReadOnnx, files: readonly SourceFile[]): FileFacts {
  switch (read.state) {
    case "malformed":
      throw new ReleaseError("REFUSED", {
        rule: "a file named .onnx must be an ONNX model",
        where: { file: file.source },
        saw: read.why,
        hint: "it may have been cut while it was written: export the model again",
      });
    case "too-large":
      return { findings: [{ level: "warning", message: `${file.path} was not looked into: it has ${read.why}` }] };
    case "read": {
      checkExternalFiles(file, read.facts, files);
      const foreign = Object.keys(read.facts.opsets).filter((domain) => !KNOWN_DOMAINS.has(domain));
      return {
        format: { name: "onnx", version: formatVersion(read.facts) },
        signature: { inputs: read.facts.inputs, outputs: read.facts.outputs },
        findings: foreign.map((domain) => ({
          level: "notice",
          message: `${file.path} needs the operators of ${domain}: the server must bring them`,
        })),
      };
    }
  }
}

/** `ir 10, opset 21, ai.onnx.ml 1`. */
function formatVersion({ irVersion, opsets }: OnnxFacts): string {
  const sets = Object.entries(opsets)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, version]) => `${domain === "" ? "opset" : domain} ${version}`);
  return [`ir ${irVersion}`, ...sets].join(", ");
}

function checkExternalFiles(file: SourceFile, facts: OnnxFacts, files: readonly SourceFile[]): void {
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
