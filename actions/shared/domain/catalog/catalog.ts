import * as v from "valibot";
import { DigestSchema } from "../digest.ts";
import { MetricSchema } from "../metric.ts";
import { ActSchema, AliasRecordSchema, ModelEventSchema, VersionRecordSchema } from "../model-version.ts";
import { type DeepReadonly, DeploymentSchema } from "../release.ts";

/** The schema number of the catalog that this code writes. */
export const CATALOG_SCHEMA = 1;

const Time = v.pipe(v.string(), v.isoTimestamp("must be an RFC 3339 time in UTC"));

/** Who decided what about a version, and why. */
const DecisionSchema = v.object({
  reason: v.optional(v.string()),
  /** The GitHub environment of the job that it was decided in. */
  environment: v.optional(v.string()),
  act: ActSchema,
});

/** What became of a version at a target, as its release says. */
const CatalogDeploymentSchema = v.object({ release: v.string(), ...DeploymentSchema.entries });

const CatalogVersionSchema = v.object({
  record: VersionRecordSchema,
  /** The aliases that are at this version now. */
  aliases: v.array(v.string()),
  state: v.picklist(["in-use", "retired"]),
  /** Why it is out of use, where it is. */
  retired: v.optional(DecisionSchema),
  /** The approval that stands, where there is one. */
  approved: v.optional(DecisionSchema),
  /** The version that was registered before this one. */
  previous: v.optional(v.string()),
  /** Who was champion when this version was registered. */
  championThen: v.optional(v.string()),
  deployments: v.array(CatalogDeploymentSchema),
  /** What is wrong with it in the store, in sentences. */
  problems: v.array(v.string()),
});

/** The time that an alias was at a version; without `until` it is there still. */
const ReignSchema = v.object({
  alias: v.string(),
  version: v.string(),
  digest: DigestSchema,
  from: Time,
  until: v.optional(Time),
  move: v.number(),
  act: ActSchema,
});

const MetricSeriesSchema = v.object({
  /** As people write it: `accuracy`, `evaluate.accuracy`, `recall[class=3]`. */
  name: v.string(),
  /** Whether it speaks of a part of the data only. */
  isSliced: v.boolean(),
  /** Oldest first; versions that do not have the metric are left out. */
  points: v.array(
    v.object({
      version: v.string(),
      createdAt: Time,
      value: MetricSchema.entries.value,
      n: MetricSchema.entries.n,
      dataset: MetricSchema.entries.dataset,
    }),
  ),
});

const CatalogModelSchema = v.object({
  name: v.string(),
  champion: v.optional(v.string()),
  /** Newest first, by when they were registered. */
  versions: v.array(CatalogVersionSchema),
  aliases: v.array(AliasRecordSchema),
  /** Newest first. */
  reigns: v.array(ReignSchema),
  metrics: v.array(MetricSeriesSchema),
  /** The log, oldest first. */
  events: v.array(ModelEventSchema),
  /** What could not be read, by its key in the store. */
  problems: v.array(v.object({ key: v.string(), problem: v.string() })),
});

/** Everything that a model store knows, put together for people and for programs. It can be made again from the store at any time. */
export const CatalogSchema = v.object({
  schema: v.literal(CATALOG_SCHEMA),
  store: v.string(),
  madeAt: Time,
  models: v.array(CatalogModelSchema),
});

export type Catalog = DeepReadonly<v.InferOutput<typeof CatalogSchema>>;
export type CatalogModel = Catalog["models"][number];
export type CatalogVersion = CatalogModel["versions"][number];
export type Reign = CatalogModel["reigns"][number];
export type MetricSeries = CatalogModel["metrics"][number];
export type Decision = NonNullable<CatalogVersion["retired"]>;
