import { canonicalJson, type Json } from "../../domain/canonical.ts";
import type { Metric } from "../../domain/metric.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import type { DataSet } from "../../domain/release.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";
import { nameMetrics } from "./metric-names.ts";
import { type Properties, propertiesOf, storable } from "./properties.ts";
import { storedName } from "./stored-name.ts";

/** Something of a version, known by its type and name. */
export type ArtifactBody = {
  readonly artifactType: "model-artifact" | "doc-artifact" | "dataset-artifact" | "metric" | "parameter";
  readonly name: string;
  readonly customProperties?: Properties;
} & Readonly<Record<string, unknown>>;

/** Everything that the server has of a version, the model first: whoever serves takes the first. */
export function artifactBodies(version: CatalogVersion, isTyped: boolean): readonly ArtifactBody[] {
  const { record, card } = version;
  const documents: readonly ArtifactBody[] =
    card === undefined ? [] : [{ artifactType: "doc-artifact", name: "model-card", uri: card.uri, state: "LIVE" }];
  return [modelArtifact(version), ...documents, ...(isTyped ? typedBodies(record) : [])];
}

function typedBodies(record: VersionRecord): readonly ArtifactBody[] {
  const measuredAt = record.run?.finishedAt ?? record.createdAt;
  return [
    ...(record.data ?? []).map(dataSetBody),
    ...nameMetrics(record.metrics ?? []).flatMap(({ name, metric }) => metricBody(name, metric, measuredAt)),
    ...Object.entries(record.parameters ?? {}).map(([name, value]) => parameterBody(name, value)),
  ];
}

function modelArtifact({ record, uri }: CatalogVersion): ArtifactBody {
  const { format } = record;
  return {
    artifactType: "model-artifact",
    name: record.model,
    uri,
    state: "LIVE",
    ...(format === undefined ? {} : { modelFormatName: format.name }),
    ...(format?.version === undefined ? {} : { modelFormatVersion: format.version }),
    ...sourceOf(record),
    customProperties: propertiesOf({ digest: record.digest }),
  };
}

/** For runs of Kubeflow Pipelines in its own words, by which its pages link a model to its run. */
function sourceOf({ run, pipeline }: VersionRecord): Readonly<Record<string, string>> {
  if (run === undefined) return {};
  const isKubeflow = pipeline?.engine === "kubeflow";
  return {
    modelSourceKind: isKubeflow ? "kfp" : `ml-release-${pipeline?.engine ?? "run"}`,
    modelSourceClass: isKubeflow ? "pipelinerun" : "run",
    ...(pipeline?.namespace === undefined ? {} : { modelSourceGroup: pipeline.namespace }),
    modelSourceId: run.id,
    ...(pipeline === undefined ? {} : { modelSourceName: `${pipeline.name} ${pipeline.version}` }),
  };
}

function dataSetBody({ role, uri, digest, version, rows, schemaDigest }: DataSet): ArtifactBody {
  return {
    artifactType: "dataset-artifact",
    name: storedName(role),
    uri,
    ...(digest === undefined ? {} : { digest }),
    sourceType: /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1] ?? "file",
    source: uri,
    state: "LIVE",
    customProperties: propertiesOf({ version, rows, schema_digest: schemaDigest }),
  };
}

/** What is no number has no place among the server's metrics: it is a property of the version. */
function metricBody(name: string, metric: Metric, measuredAt: string): readonly ArtifactBody[] {
  const { value, n, task, slice, dataset } = metric;
  if (typeof value !== "number") return [];
  return [
    {
      artifactType: "metric",
      name,
      value,
      timestamp: String(Date.parse(measuredAt)),
      state: "LIVE",
      customProperties: propertiesOf({
        n,
        task,
        slice,
        dataset_role: dataset?.role,
        dataset_digest: dataset?.digest,
      }),
    },
  ];
}

function parameterBody(name: string, value: unknown): ArtifactBody {
  return {
    artifactType: "parameter",
    name: storedName(name),
    value: storable(typeof value === "string" ? value : canonicalJson((value ?? null) as Json)),
    parameterType: parameterType(value),
    state: "LIVE",
  };
}

function parameterType(value: unknown): "string" | "number" | "boolean" | "object" {
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}
