import type { Metric } from "../../domain/metric.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";
import { type DatasetInput, datasetInputs, shortened } from "./datasets.ts";
import { metricKeys } from "./metric-keys.ts";
import { conventionalTags, identityTags, originTags, type Tag, tagName, textOf } from "./tags.ts";

export type LoggedMetric = {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
  /** What it was measured on, as the data set is named among the run's inputs. */
  readonly dataset?: { readonly name: string; readonly digest: string };
};

/** What a run in MLflow says of a version: the same for the same version, whenever and however often it is told. */
export type RunContents = {
  readonly name: string;
  /** The tags that it is found by. */
  readonly identity: readonly Tag[];
  readonly startMs: number;
  readonly endMs: number;
  readonly params: readonly Tag[];
  readonly metrics: readonly LoggedMetric[];
  readonly tags: readonly Tag[];
  readonly datasets: readonly DatasetInput[];
};

/** The longest value of a parameter that MLflow keeps. */
const LONGEST_PARAM = 6_000;

export function runContents(version: CatalogVersion): RunContents {
  const { record } = version;
  const createdMs = Date.parse(record.createdAt);
  const endMs = record.run?.finishedAt === undefined ? createdMs : Date.parse(record.run.finishedAt);
  return {
    name: `${record.model} ${record.version}`,
    identity: identityTags(version),
    startMs: record.run?.startedAt === undefined ? endMs : Math.min(endMs, Date.parse(record.run.startedAt)),
    endMs,
    params: paramsOf(record.parameters ?? {}),
    metrics: metricKeys(record.metrics ?? []).map(({ key, metric }) => loggedMetric(key, metric, endMs)),
    tags: [...originTags(version), ...conventionalTags(version)],
    datasets: datasetInputs(record),
  };
}

function paramsOf(parameters: Readonly<Record<string, unknown>>): readonly Tag[] {
  const params = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters)) {
    const key = tagName(name);
    if (!params.has(key)) params.set(key, textOf(value).slice(0, LONGEST_PARAM));
  }
  return [...params].map(([key, value]) => ({ key, value }));
}

function loggedMetric(key: string, { value, dataset }: Metric, timestamp: number): LoggedMetric {
  const on =
    dataset === undefined ? {} : { dataset: { name: tagName(dataset.role), digest: shortened(dataset.digest) } };
  return { key, value, timestamp, step: 0, ...on };
}

type Batch = { readonly params: readonly Tag[]; readonly metrics: readonly object[]; readonly tags: readonly Tag[] };

/** What MLflow takes at once: 100 parameters, 100 tags, 1000 things and a megabyte in all. */
const MOST = { params: 100, tags: 100, metrics: 500 } as const;
const MOST_BYTES = 900_000;

/** In pieces that MLflow takes. */
export function batchesOf({ params, metrics, tags }: Batch): readonly Partial<Batch>[] {
  return [
    ...inPieces(tags, MOST.tags).map((piece) => ({ tags: piece })),
    ...inPieces(params, MOST.params).map((piece) => ({ params: piece })),
    ...inPieces(metrics, MOST.metrics).map((piece) => ({ metrics: piece })),
  ];
}

function inPieces<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const pieces: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item));
    const last = pieces.at(-1);
    if (last === undefined || last.length === most || bytes + size > MOST_BYTES) {
      pieces.push([item]);
      bytes = size;
    } else {
      last.push(item);
      bytes += size;
    }
  }
  return pieces;
}
