import * as v from "valibot";
import { DigestSchema } from "./digest.ts";
import { MetricSchema } from "./metric.ts";

/** The schema number of the record that this code writes. A higher one is refused. */
export const RELEASE_SCHEMA = 1;

const Time = v.pipe(v.string(), v.isoTimestamp("must be an RFC 3339 time in UTC"));
const GitCommit = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, "must be a full commit hash"));

export const SourceSchema = v.object({
  repository: v.string(),
  commit: GitCommit,
  ref: v.string(),
  tag: v.optional(v.string()),
  event: v.string(),
  actor: v.string(),
  workflowRun: v.optional(v.object({ id: v.string(), attempt: v.string(), url: v.string() })),
});

export const DataSetSchema = v.object({
  role: v.string(),
  uri: v.string(),
  digest: v.optional(DigestSchema),
  /** A version that the place of the data keeps for ever: an S3 version id, a hub revision, a DVC or git-LFS pointer. */
  version: v.optional(v.string()),
  rows: v.optional(v.number()),
  schemaDigest: v.optional(DigestSchema),
});

export const ImageSchema = v.object({
  /** `repository@sha256:…`; an image of the embedded default's folder is named `localhost/<owner>/<repo>/<name>@sha256:…`. */
  ref: v.string(),
  digest: DigestSchema,
  key: v.pipe(v.string(), v.regex(/^k1-[0-9a-f]{64}$/)),
  how: v.picklist(["built", "reused", "appended"]),
  executed: v.optional(v.boolean()),
  bases: v.optional(v.array(v.object({ ref: v.string(), digest: DigestSchema }))),
});

export const PipelineSchema = v.object({
  engine: v.picklist(["local", "kubeflow", "manifest"]),
  namespace: v.optional(v.string()),
  name: v.string(),
  version: v.string(),
  packageDigest: DigestSchema,
});

export const RUN_STATES = ["pending", "running", "succeeded", "failed", "cancelled", "lost"] as const;
export type RunState = (typeof RUN_STATES)[number];

export const RunModelSchema = v.object({
  task: v.string(),
  output: v.string(),
  uri: v.string(),
  digest: v.optional(DigestSchema),
});

export const FileRefSchema = v.object({ path: v.string(), digest: DigestSchema });

export const RunSchema = v.object({
  id: v.pipe(v.string(), v.uuid()),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  state: v.picklist(RUN_STATES),
  url: v.optional(v.string()),
  startedAt: v.optional(Time),
  finishedAt: v.optional(Time),
  parameters: v.record(v.string(), v.unknown()),
  gpus: v.array(
    v.object({
      name: v.string(),
      count: v.number(),
      memoryBytes: v.optional(v.number()),
      driver: v.optional(v.string()),
    }),
  ),
  model: v.optional(RunModelSchema),
  details: v.optional(FileRefSchema),
});

export const VERDICTS = ["pass", "warn", "fail", "no-data"] as const;
export type GateVerdict = (typeof VERDICTS)[number];

export const GateSchema = v.object({
  verdict: v.picklist(VERDICTS),
  subject: v.object({
    runId: v.optional(v.string()),
    artifact: v.optional(v.string()),
    digest: v.optional(DigestSchema),
  }),
  champion: v.optional(v.object({ version: v.string(), digest: v.optional(DigestSchema) })),
  rules: v.array(
    v.object({
      rule: v.string(),
      state: v.picklist([...VERDICTS, "skipped"]),
      value: v.optional(v.union([v.number(), v.string()])),
      bound: v.optional(v.union([v.number(), v.string()])),
      champion: v.optional(v.number()),
      reason: v.optional(v.string()),
      n: v.optional(v.number()),
      file: v.optional(v.string()),
      line: v.optional(v.number()),
    }),
  ),
  override: v.optional(v.object({ by: v.string(), reason: v.string(), at: Time })),
});

export const ModelSchema = v.object({
  name: v.string(),
  version: v.string(),
  digest: DigestSchema,
  uri: v.string(),
  store: v.string(),
});

export const ROLLOUT_DECISIONS = ["promoted", "rolled-back", "held", "refused", "cancelled", "aborted"] as const;
export type RolloutDecision = (typeof ROLLOUT_DECISIONS)[number];

export const DeploymentSchema = v.object({
  target: v.string(),
  decision: v.picklist(ROLLOUT_DECISIONS),
  exposure: v.number(),
  rehearsal: v.boolean(),
  reason: v.optional(v.string()),
  url: v.optional(v.string()),
  evidenceDigest: v.optional(DigestSchema),
  imageExecuted: v.optional(v.boolean()),
});

/** Everything that is known of one release; each part is written by one action only and replaced whole by it. */
export const ReleaseSchema = v.object({
  schema: v.literal(RELEASE_SCHEMA),
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._@+-]{1,96}$/, "must be 1 to 96 of A-Z a-z 0-9 . _ @ + -")),
  source: SourceSchema,
  data: v.optional(v.array(DataSetSchema)),
  images: v.optional(v.record(v.string(), ImageSchema)),
  pipeline: v.optional(PipelineSchema),
  run: v.optional(RunSchema),
  metrics: v.optional(v.array(MetricSchema)),
  gate: v.optional(GateSchema),
  model: v.optional(ModelSchema),
  deployment: v.optional(DeploymentSchema),
});

export type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type Source = DeepReadonly<v.InferOutput<typeof SourceSchema>>;
export type DataSet = DeepReadonly<v.InferOutput<typeof DataSetSchema>>;
export type ReleasedImage = DeepReadonly<v.InferOutput<typeof ImageSchema>>;
export type Pipeline = DeepReadonly<v.InferOutput<typeof PipelineSchema>>;
export type Run = DeepReadonly<v.InferOutput<typeof RunSchema>>;
export type Gate = DeepReadonly<v.InferOutput<typeof GateSchema>>;
export type Deployment = DeepReadonly<v.InferOutput<typeof DeploymentSchema>>;
export type Release = DeepReadonly<v.InferOutput<typeof ReleaseSchema>>;

/** What an action adds: only the parts that it owns. */
export type ReleaseParts = Partial<Omit<Release, "schema" | "id" | "source">>;
