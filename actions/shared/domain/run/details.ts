import * as v from "valibot";
import { DigestSchema } from "../digest.ts";
import { MetricSchema } from "../metric.ts";
import { DataSetSchema, RUN_STATES } from "../release.ts";

const ArtifactSchema = v.object({
  type: v.string(),
  uri: v.string(),
  metadata: v.record(v.string(), v.unknown()),
  digest: v.optional(DigestSchema),
  bytes: v.optional(v.number()),
  producer: v.optional(v.string()),
});

const ValuesSchema = v.object({
  parameters: v.record(v.string(), v.unknown()),
  artifacts: v.record(v.string(), v.array(ArtifactSchema)),
});

const CurveFrom = { task: v.string(), output: v.string(), iteration: v.optional(v.string()) };

/**
 * Everything that is known of a run, too large for the record: `run.json`, which the record names by digest (`run.details`). A model's
 * version record takes its training data, hyper-parameters, environment and lineage from here.
 */
export const RunDetailsSchema = v.object({
  schema: v.literal(1),
  releaseId: v.string(),
  runId: v.string(),
  attempt: v.number(),
  state: v.picklist(RUN_STATES),
  startedAt: v.optional(v.string()),
  finishedAt: v.optional(v.string()),
  pipeline: v.object({ name: v.string(), version: v.string(), packageDigest: DigestSchema }),
  parameters: v.record(v.string(), v.unknown()),
  data: v.array(DataSetSchema),
  /** Executors and the images that they name, by digest where one is known. */
  images: v.record(v.string(), v.string()),
  environment: v.optional(
    v.object({
      os: v.optional(v.string()),
      architecture: v.optional(v.string()),
      python: v.optional(v.string()),
      kfp: v.optional(v.string()),
      cpu: v.optional(v.object({ name: v.string(), count: v.number() })),
      memoryBytes: v.optional(v.number()),
      gpus: v.array(
        v.object({
          name: v.string(),
          count: v.number(),
          memoryBytes: v.optional(v.number()),
          driver: v.optional(v.string()),
        }),
      ),
      packages: v.optional(v.record(v.string(), v.string())),
    }),
  ),
  tasks: v.array(
    v.object({
      task: v.string(),
      path: v.string(),
      iteration: v.optional(v.string()),
      state: v.string(),
      cached: v.boolean(),
      startedAtMs: v.optional(v.number()),
      seconds: v.optional(v.number()),
      exitCode: v.optional(v.number()),
      error: v.optional(v.string()),
      log: v.optional(v.string()),
      pod: v.optional(v.string()),
      node: v.optional(v.string()),
      inputs: ValuesSchema,
      outputs: ValuesSchema,
    }),
  ),
  /** All GPUs added up. */
  gpuHours: v.optional(v.number()),
  gpuUse: v.optional(
    v.array(
      v.object({
        task: v.string(),
        type: v.string(),
        count: v.number(),
        queuedSeconds: v.number(),
        seconds: v.number(),
      }),
    ),
  ),
  metrics: v.array(MetricSchema),
  curves: v.array(
    v.variant("kind", [
      v.object({
        kind: v.literal("confusion-matrix"),
        ...CurveFrom,
        labels: v.array(v.string()),
        rows: v.array(v.array(v.number())),
      }),
      v.object({
        kind: v.literal("roc"),
        ...CurveFrom,
        points: v.array(
          v.object({
            threshold: v.union([v.number(), v.string()]),
            falsePositiveRate: v.number(),
            recall: v.number(),
          }),
        ),
      }),
    ]),
  ),
});

export type RunDetails = v.InferOutput<typeof RunDetailsSchema>;
