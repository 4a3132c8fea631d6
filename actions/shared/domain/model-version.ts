import * as v from "valibot";
import { DigestSchema } from "./digest.ts";
import { MetricSchema } from "./metric.ts";
import { ScanSchema } from "./model-scan.ts";
import { DataSetSchema, type DeepReadonly, GateSchema, PipelineSchema, RunSchema } from "./release.ts";
import { VERSION_SCHEMES } from "./version-scheme.ts";

/** The schema number of the records of the model store that this code writes. A higher one is refused. */
export const MODEL_SCHEMA = 1;

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name that does not read as a version. */
export const ALIAS = /^(?!v?\d)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Words that stand for a version where one is asked for. */
const RESERVED: readonly string[] = ["latest", "previous", ...VERSION_SCHEMES];
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/;

export const MODEL_NAME_RULE = "a-z 0-9 -, 1 to 63 of them, no - at either end";
export const MODEL_VERSION_RULE =
  "A-Z a-z 0-9 . _ + -, 1 to 63 of them, the first a letter or digit; not `latest`, `previous`, `auto`, `calver` or `digest`";
export const ALIAS_RULE = `${MODEL_NAME_RULE}; no digit first, nor after a v, as in a version`;

export function isModelName(text: string): boolean {
  return NAME.test(text);
}

export function isModelVersion(text: string): boolean {
  return VERSION.test(text) && !RESERVED.includes(text.toLowerCase());
}

/** Aliases are written as names are; one that reads as a version would make `name@this` mean two things. */
export function isAlias(text: string): boolean {
  return ALIAS.test(text);
}

/** The version that a tag stands for: without a leading `v`, and without the `model@` that GTO writes before it. */
export function versionOfTag(tag: string): string {
  return tag.replace(/^[^@]*@/, "").replace(/^v(?=\d)/, "");
}

const Time = v.pipe(v.string(), v.isoTimestamp("must be an RFC 3339 time in UTC"));

export const ModelFileSchema = v.object({
  path: v.string(),
  size: v.number(),
  digest: DigestSchema,
  mediaType: v.optional(v.string()),
});

/** One input or output of a model. A dimension is a number, or a name where it may vary. */
export const TensorSchema = v.object({
  name: v.string(),
  type: v.string(),
  shape: v.optional(v.array(v.union([v.number(), v.string()]))),
});

export const EnvironmentSchema = v.object({
  os: v.optional(v.string()),
  architecture: v.optional(v.string()),
  cpu: v.optional(v.object({ name: v.optional(v.string()), count: v.number() })),
  memoryBytes: v.optional(v.number()),
  gpus: v.optional(RunSchema.entries.gpus),
  python: v.optional(v.string()),
  packages: v.optional(v.record(v.string(), v.string())),
});

const named = v.object({ name: v.string(), version: v.optional(v.string()) });

/** A file of the store that belongs to a version, and is no part of the model: its key, and the SHA-256 of its bytes. */
const besideEntries = { key: v.string(), digest: DigestSchema };

export const SignatureSchema = v.union([
  /** Of a key: the SHA-256 of the PEM text of its public half. */
  v.object({ ...besideEntries, publicKey: DigestSchema }),
  /** Of an identity, and who knew the signer as that. */
  v.object({ ...besideEntries, identity: v.string(), issuer: v.string() }),
]);

export const PackageSchema = v.object({ ...besideEntries, size: v.number() });

/** A version of a model as it was when it was registered: created once, never changed, trusted alone. */
export const VersionRecordSchema = v.object({
  schema: v.literal(MODEL_SCHEMA),
  model: v.string(),
  version: v.string(),
  /** The root digest of the signing manifest over `files`. */
  digest: DigestSchema,
  /** The folder of the files in the store, as a key: `digits/files/1.1.0`. */
  folder: v.string(),
  files: v.pipe(v.array(ModelFileSchema), v.minLength(1)),
  format: v.optional(named),
  framework: v.optional(named),
  signature: v.optional(v.object({ inputs: v.array(TensorSchema), outputs: v.array(TensorSchema) })),
  scan: v.optional(ScanSchema),
  data: v.optional(v.array(DataSetSchema)),
  parameters: v.optional(v.record(v.string(), v.unknown())),
  metrics: v.optional(v.array(MetricSchema)),
  environment: v.optional(EnvironmentSchema),
  code: v.optional(
    v.object({ repository: v.string(), commit: v.string(), ref: v.string(), tag: v.optional(v.string()) }),
  ),
  ci: v.optional(
    v.object({
      event: v.string(),
      actor: v.string(),
      workflow: v.optional(v.string()),
      runId: v.optional(v.string()),
      attempt: v.optional(v.string()),
      url: v.optional(v.string()),
    }),
  ),
  pipeline: v.optional(PipelineSchema),
  run: v.optional(
    v.object({
      id: v.string(),
      attempt: v.number(),
      url: v.optional(v.string()),
      startedAt: v.optional(v.string()),
      finishedAt: v.optional(v.string()),
      task: v.optional(v.string()),
      output: v.optional(v.string()),
      parameters: v.optional(v.record(v.string(), v.unknown())),
      details: v.optional(DigestSchema),
    }),
  ),
  /** The model of MLflow that it was taken from, where it was: the server, its address there, and what that led to. */
  mlflow: v.optional(
    v.object({
      server: v.string(),
      address: v.string(),
      run: v.optional(v.string()),
      model: v.optional(v.string()),
      version: v.optional(v.string()),
    }),
  ),
  images: v.optional(
    v.array(v.object({ name: v.string(), ref: v.string(), digest: DigestSchema, executed: v.optional(v.boolean()) })),
  ),
  /** The verdict on this artifact, fail included: what was tried can be found. */
  gate: v.optional(GateSchema),
  author: v.string(),
  licence: v.optional(v.string()),
  /** The model card: its key in the store, and its digest. It is no part of the model's digest. */
  card: v.optional(v.object({ key: v.string(), digest: DigestSchema })),
  /** Detached signatures of OpenSSF Model Signing. */
  signatures: v.optional(v.array(SignatureSchema)),
  /** The same files as one archive, with the code that serves them. */
  package: v.optional(PackageSchema),
  /** What the user added, under names of the user's own. */
  metadata: v.optional(v.record(v.string(), v.unknown())),
  release: v.string(),
  /** How long the model's log was before: the entry of the registration stands behind that. */
  logAfter: v.number(),
  createdAt: Time,
});

/** Who acts, when, and from which run. */
export const ActSchema = v.object({
  by: v.string(),
  at: Time,
  release: v.optional(v.string()),
  runId: v.optional(v.string()),
  url: v.optional(v.string()),
});

const target = v.object({ version: v.string(), digest: DigestSchema });

export const AliasRecordSchema = v.object({
  schema: v.literal(MODEL_SCHEMA),
  alias: v.string(),
  ...target.entries,
  previous: v.optional(target),
  /** How often the alias was set; makes the bytes of every move its own. */
  move: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** How long the log was when the alias was moved: the entry of this move stands behind that. */
  logAfter: v.number(),
  act: ActSchema,
});

export const MODEL_EVENTS = [
  "registered",
  "alias-moved",
  "promoted",
  "rolled-back",
  "published",
  "approved",
  "retired",
  "restored",
] as const;

/** One entry of the append-only log. */
export const ModelEventSchema = v.object({
  schema: v.literal(MODEL_SCHEMA),
  event: v.picklist(MODEL_EVENTS),
  ...target.entries,
  /** Of a registration: the SHA-256 of the record as it was written. */
  record: v.optional(DigestSchema),
  alias: v.optional(v.string()),
  previous: v.optional(target),
  /** How often the alias was moved by then, or something decided of the version. */
  move: v.optional(v.number()),
  target: v.optional(v.string()),
  reason: v.optional(v.string()),
  /** The GitHub environment of the job. */
  environment: v.optional(v.string()),
  /** Who let that job into the environment. */
  reviewers: v.optional(v.array(v.string())),
  /** Which catalog shows the version, and what it calls it there. */
  catalog: v.optional(v.object({ kind: v.string(), address: v.string(), ids: v.record(v.string(), v.string()) })),
  act: ActSchema,
});

export type Tensor = DeepReadonly<v.InferOutput<typeof TensorSchema>>;
export type Environment = DeepReadonly<v.InferOutput<typeof EnvironmentSchema>>;
export type VersionRecord = DeepReadonly<v.InferOutput<typeof VersionRecordSchema>>;
export type Act = DeepReadonly<v.InferOutput<typeof ActSchema>>;
export type AliasRecord = DeepReadonly<v.InferOutput<typeof AliasRecordSchema>>;
export type ModelEvent = DeepReadonly<v.InferOutput<typeof ModelEventSchema>>;
/** What an alias can point at. */
export type AliasTarget = { readonly version: string; readonly digest: AliasRecord["digest"] };
