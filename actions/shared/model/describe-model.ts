import { type ModelScan, type ScanFinding, verdictOf } from "../domain/model-scan.ts";
import type { Tensor } from "../domain/model-version.ts";
import type { Finding } from "../domain/report.ts";
import { ReleaseError } from "../lib/error.ts";
import { keepHeapSmall } from "../lib/heap.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { sourceContent } from "./content.ts";
import { type FileFacts, readFileFacts } from "./file-facts.ts";
import { type ScanSettings, scanContent } from "./scan-content.ts";
import { findLitter, findSecrets } from "./secrets.ts";
import { findSeveralModels, isNamedModel } from "./several-models.ts";

/** What the files of a model say about it themselves. */
export type ModelDescription = {
  readonly format?: { readonly name: string; readonly version?: string };
  readonly signature?: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] };
  readonly scan: ModelScan;
  readonly findings: readonly Finding[];
};

/** Which of several formats in one folder is the model's: the one that says most of it. */
const FORMATS = [
  "mlflow",
  "onnx",
  "saved-model",
  "keras",
  "torchscript",
  "torch",
  "safetensors",
  "gguf",
  "pmml",
  "hdf5",
  "pickle",
  "npz",
  "npy",
  "tar",
  "zip",
] as const;

/**
 * Reads the headers of the model's files and follows everything in them that a loader would run; nothing is run. Throws `REFUSED` for a
 * file that is not what its name says, for weights outside of the model or that are not there, and for secrets.
 */
export async function describeModel(
  files: readonly SourceFile[],
  settings: ScanSettings = { allowed: [] },
): Promise<ModelDescription> {
  keepHeapSmall();
  const secrets = await findSecrets(files);
  if (secrets.problems.length > 0) throw new ReleaseError("REFUSED", secrets.problems);
  const described: (FileFacts & { readonly path: string })[] = [];
  let found: ScanFinding[] = [];
  for (const file of files) {
    const { facts, scan } = await describeFile(file, files, settings);
    described.push({ ...facts, path: file.path });
    found.push(...scan, ...(facts.scan ?? []));
    if (found.length > 2 * MAX_FINDINGS) found = mostOf(found);
  }
  const findings = [
    ...secrets.findings,
    ...findLitter(files),
    ...findSeveralModels(described),
    ...described.flatMap((one) => one.findings),
  ];
  return { ...mainOf(described), scan: scanOf(found), findings };
}

/** So many, or twice, are kept of all files together. */
const MAX_FINDINGS = 10_000;

/** Those that are worse, where there are too many. */
function mostOf(found: readonly ScanFinding[]): ScanFinding[] {
  const worse = found.filter(({ level }) => level === "dangerous");
  return [...worse, ...found.filter(({ level }) => level !== "dangerous")].slice(0, MAX_FINDINGS);
}

async function describeFile(file: SourceFile, files: readonly SourceFile[], settings: ScanSettings) {
  return await file.open(async (source) => {
    const { findings, format } = await scanContent(file.path, sourceContent(source), settings);
    return { scan: findings, facts: await readFileFacts({ file, source, kind: format, files }) };
  });
}

type Described = readonly (FileFacts & { readonly path: string })[];

/** Format and signature of the one file that is the model; of several the one that is named so. */
function mainOf(described: Described): Pick<ModelDescription, "format" | "signature"> {
  const name = FORMATS.find((format) => described.some((one) => one.format?.name === format));
  const same = described.filter(({ format }) => format !== undefined && format.name === name);
  const named = same.filter(({ path }) => isNamedModel(path));
  const [one] = same.length === 1 ? same : named.length === 1 ? named : [];
  if (one?.format !== undefined)
    return { format: one.format, ...(one.signature === undefined ? {} : { signature: one.signature }) };
  return name === undefined ? {} : { format: { name } };
}

function scanOf(findings: readonly ScanFinding[]): ModelScan {
  const imports = new Set(findings.flatMap((finding) => finding.import ?? []));
  return { verdict: verdictOf(findings), imports: [...imports].sort(), findings };
}
