import { posix } from "node:path";
import type { Finding } from "../domain/report.ts";

/** Formats of which one file is a whole model. Of the others (safetensors, pickle, npy) many files may make one. */
const FILES = ["onnx", "keras", "torchscript", "gguf", "pmml"];
/** Formats of which one folder is, and everything below it belongs to it. */
const FOLDERS = ["mlflow", "saved-model"];

const SHARD = /-\d{5}-of-\d{5}\./;
const SHOWN = 5;

type Described = readonly { readonly path: string; readonly format?: { readonly name: string } }[];

/** Models that lie in one folder without one of them being named as the one that is meant. */
export function findSeveralModels(described: Described): readonly Finding[] {
  const folders = described.filter(({ format }) => FOLDERS.includes(format?.name ?? ""));
  const roots = [...new Set(folders.map(({ path }) => posix.dirname(path)))];
  const files = described.filter(({ path, format }) => FILES.includes(format?.name ?? "") && !SHARD.test(path));
  const models = [...roots, ...files.map(({ path }) => path)].filter((path) => !isBelow(path, roots));
  if (models.length < 2 || models.filter(isNamedModel).length === 1) return [];
  const more = models.length > SHOWN ? ` and ${models.length - SHOWN} more` : "";
  const message = `these look like ${models.length} models in one: ${models.slice(0, SHOWN).join(", ")}${more}. A version is one model: point \`model\` at it, or name the one that is loaded model.* where they belong together`;
  return [{ level: "warning", message }];
}

/** The one file that is named so, as in `model.onnx`. */
export function isNamedModel(path: string): boolean {
  return /^model\.[^.]*$/.test(posix.basename(path));
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path !== root && (root === "." || path.startsWith(`${root}/`)));
}
