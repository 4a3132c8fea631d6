import { posix } from "node:path";
import type { ScanFinding } from "../domain/model-scan.ts";
import type { VersionRecord } from "../domain/model-version.ts";
import type { Finding } from "../domain/report.ts";
import { ReleaseError } from "../lib/error.ts";
import type { ByteSource, SourceFile } from "../ports/source-file.ts";
import { sourceReader } from "./byte-reader.ts";
import { readGguf } from "./gguf.ts";
import { searchKerasConfig } from "./keras.ts";
import { readMlmodel } from "./mlmodel.ts";
import { readOnnx } from "./onnx.ts";
import { describeOnnx } from "./onnx-file.ts";
import { readPmml } from "./pmml.ts";
import { readSafetensors } from "./safetensors.ts";
import { readSavedModel } from "./saved-model.ts";

/** What one file says of itself, by its format. */
export type FileFacts = {
  readonly format?: { readonly name: string; readonly version?: string };
  readonly signature?: NonNullable<VersionRecord["signature"]>;
  readonly findings: readonly Finding[];
  readonly scan?: readonly ScanFinding[];
};

export type OpenedFile = {
  readonly file: SourceFile;
  readonly source: ByteSource;
  /** What the scan saw it to be. */
  readonly kind: string | undefined;
  readonly files: readonly SourceFile[];
};

/** Enough for MLflow's description of a model; parsed, YAML takes some hundred times its size. */
const MAX_MLMODEL_BYTES = 256 * 1024;
/** Enough for the head of a PMML document. */
const MAX_HEAD_BYTES = 1024 * 1024;

/** Reads headers by what a file is; where only its name can tell, by that. Throws `REFUSED` for one that is not what its name says. */
export async function readFileFacts(opened: OpenedFile): Promise<FileFacts> {
  const { file, source, kind, files } = opened;
  const name = posix.basename(file.path).toLowerCase();
  if (name.endsWith(".onnx")) return describeOnnx(file, await readOnnx(source), files);
  if (name.endsWith(".safetensors") || kind === "safetensors") return await safetensorsFacts(opened);
  if (kind === "gguf") return await ggufFacts(opened);
  if (name === "saved_model.pb") return await savedModelFacts(opened);
  if (name === "keras_metadata.pb") return await kerasMetadataFacts(opened);
  if (posix.basename(file.path) === "MLmodel") return await mlmodelFacts(opened);
  if (kind !== undefined) return { format: { name: kind }, findings: [] };
  const start = await source.read(0, 4096);
  if (start[0] === 0x08) {
    const read = await readOnnx(source);
    return read.state === "read" ? describeOnnx(file, read, files) : { findings: [] };
  }
  return name.endsWith(".pmml") || /^[^<]{0,8}<[?!\w]/.test(Buffer.from(start).toString("utf8"))
    ? await pmmlFacts(opened)
    : { findings: [] };
}

async function safetensorsFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const read = await readSafetensors(source);
  if (read.state === "too-large") {
    const message = `${file.path} was not looked into: its header has ${read.why}`;
    return { format: { name: "safetensors" }, findings: [{ level: "warning", message }] };
  }
  if (read.state === "malformed")
    throw new ReleaseError("REFUSED", {
      rule: "a safetensors file must be whole",
      where: { file: file.source },
      saw: read.why,
      hint: "it may have been cut while it was written: save the model again",
    });
  return { format: { name: "safetensors" }, findings: [] };
}

async function ggufFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const read = await readGguf(sourceReader(source));
  if (read.state === "malformed")
    throw new ReleaseError("REFUSED", {
      rule: "a GGUF file must be whole, of version 2 or 3",
      where: { file: file.source },
      saw: "metadata that end early or are of no known type",
      hint: "convert the model again",
    });
  const message = `${file.path} brings a chat template, which its server runs (Jinja): read it before you serve the model`;
  return {
    format: { name: "gguf", version: String(read.version) },
    findings: read.template === undefined ? [] : [{ level: "notice", message }],
  };
}

async function savedModelFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const read = await readSavedModel(source);
  switch (read.state) {
    case "malformed":
      throw new ReleaseError("REFUSED", {
        rule: "a file named saved_model.pb must be a SavedModel of TensorFlow",
        where: { file: file.source },
        saw: read.why,
        hint: "it may have been cut while it was written: export the model again",
      });
    case "too-large": {
      const why = `its operations were not looked into: it has ${read.why}`;
      return { format: { name: "saved-model" }, findings: [], scan: [{ file: file.path, level: "dangerous", why }] };
    }
    case "read": {
      const { version, signature, dangerousOps } = read.facts;
      return {
        format: { name: "saved-model", ...(version === undefined ? {} : { version }) },
        ...(signature === undefined ? {} : { signature }),
        findings: [],
        scan: dangerousOps.map((op) => ({
          file: file.path,
          level: "dangerous",
          why: `the operation ${op} reaches files or Python of whoever serves it`,
        })),
      };
    }
  }
}

async function kerasMetadataFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const found = await searchKerasConfig(sourceReader(source));
  return { findings: [], scan: found.map((one) => ({ file: file.path, ...one })) };
}

async function mlmodelFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const text = Buffer.from(await source.read(0, MAX_MLMODEL_BYTES)).toString("utf8");
  const facts = readMlmodel(text, file.source);
  if (facts === undefined)
    return { findings: [{ level: "warning", message: `${file.path} is not MLflow's description of a model` }] };
  const { version, signature, loader, code } = facts;
  const isForeign = loader !== undefined && !/^mlflow(\.|$)/.test(loader);
  const scan: readonly ScanFinding[] = [
    ...(isForeign
      ? [{ file: file.path, level: "code-bearing", import: loader, why: "which loads the model" } as const]
      : []),
    ...(code === undefined
      ? []
      : [{ file: file.path, level: "code-bearing", why: `Python code in ${code} is run with the model` } as const]),
  ];
  return {
    format: { name: "mlflow", ...(version === undefined ? {} : { version }) },
    ...(signature === undefined ? {} : { signature }),
    findings: [],
    scan,
  };
}

async function pmmlFacts({ file, source }: OpenedFile): Promise<FileFacts> {
  const facts = readPmml(Buffer.from(await source.read(0, MAX_HEAD_BYTES)).toString("utf8"));
  if (facts === undefined) return { findings: [] };
  const { version, signature, hasEntities } = facts;
  const message = `${file.path} declares entities, by which an XML parser can be made to read other files`;
  return {
    format: { name: "pmml", ...(version === undefined ? {} : { version }) },
    ...(signature === undefined ? {} : { signature }),
    findings: hasEntities ? [{ level: "warning", message }] : [],
  };
}
