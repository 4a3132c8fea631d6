import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import { hexOf } from "../../actions/shared/domain/digest.ts";
import type { PipelinePackage } from "../../actions/shared/domain/pipeline/package.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { packageText } from "../../actions/shared/lib/package-text.ts";
import { parseYamlDocuments } from "../../actions/shared/lib/yaml.ts";
import { kfpPython, USER_CACHE } from "./python-environment.ts";

const run = promisify(execFile);
const FOLDER = resolve(import.meta.dirname, "../fixtures/pipelines");
const SOURCES = ["compile_all.py", "samples.py", "samples_kubernetes.py"].map((name) => join(FOLDER, name));

/** Python with the KFP SDK and what it brings for Kubernetes. */
export function kubernetesPython(): Promise<string> {
  return kfpPython(["kfp-kubernetes==2.17.0"]);
}

/** Every pipeline of samples.py and samples_kubernetes.py by name, as the SDK wrote it; kept by the hash of the sources. */
export async function compiledSamples(): Promise<ReadonlyMap<string, string>> {
  const key = hexOf(sha256(SOURCES.map((path) => readFileSync(path, "utf8")).join("\0")), 16);
  const kept = join(USER_CACHE, "ml-release-tests", "samples", key);
  try {
    return readAll(kept);
  } catch {
    await mkdir(join(kept, ".."), { recursive: true });
    const folder = mkdtempSync(`${kept}-`);
    const [script = "", ...sources] = SOURCES;
    await run(await kubernetesPython(), ["-W", "ignore", "-B", script, folder, ...sources]);
    try {
      renameSync(folder, kept);
    } catch {
      // another test was faster
      rmSync(folder, { recursive: true });
    }
    return readAll(kept);
  }
}

function readAll(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder).sort();
  return new Map(names.map((name) => [basename(name, ".yaml"), readFileSync(join(folder, name), "utf8")]));
}

export function documentsOf(text: string): readonly Json[] {
  return parseYamlDocuments(packageText(text), { file: "package.yaml" }).map(({ value }) => value as Json);
}

export async function compiledSample(name: string): Promise<PipelinePackage> {
  const read = readPackage(documentsOf((await compiledSamples()).get(name) ?? ""));
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  return read.package;
}
