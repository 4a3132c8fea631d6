import { formatMetricName, type Metric } from "./metric.ts";
import type { VersionRecord } from "./model-version.ts";
import { type ModelFile, sortFiles } from "./signing-manifest.ts";

/** How one file differs between two models. */
export type FileDifference = { readonly path: string } & (
  | { readonly state: "added"; readonly size: number }
  | { readonly state: "removed"; readonly size: number }
  | { readonly state: "changed"; readonly size: number; readonly before: number }
);

export function compareFiles(before: readonly ModelFile[], now: readonly ModelFile[]): readonly FileDifference[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const current = new Map(now.map((file) => [file.path, file]));
  const differences: FileDifference[] = [];
  for (const file of sortFiles([...now, ...before.filter(({ path }) => !current.has(path))])) {
    const was = old.get(file.path);
    if (!current.has(file.path)) differences.push({ path: file.path, state: "removed", size: file.size });
    else if (was === undefined) differences.push({ path: file.path, state: "added", size: file.size });
    else if (was.digest !== file.digest)
      differences.push({ path: file.path, state: "changed", size: file.size, before: was.size });
  }
  return differences;
}

export type MetricChange = {
  readonly name: string;
  readonly value: Metric["value"] | undefined;
  readonly champion: Metric["value"] | undefined;
  /** Undefined where one of the two is no number, or where they were measured on different data. */
  readonly change?: number;
  readonly sameData: boolean;
};

/** A value that is not the same in both; absent on one side where only the other has it. */
export type ValueChange = { readonly name: string; readonly value?: string; readonly champion?: string };

export type Differences = {
  readonly metrics: readonly MetricChange[];
  readonly data: readonly ValueChange[];
  readonly parameters: readonly ValueChange[];
  readonly images: readonly ValueChange[];
  readonly files: readonly FileDifference[];
};

/** What is new in a version against the champion. */
export function compareVersions(version: VersionRecord, champion: VersionRecord): Differences {
  return {
    metrics: compareMetrics(version.metrics ?? [], champion.metrics ?? []),
    data: changes(dataOf(version), dataOf(champion)),
    parameters: changes(parametersOf(version), parametersOf(champion)),
    images: changes(imagesOf(version), imagesOf(champion)),
    files: compareFiles(champion.files, version.files),
  };
}

function compareMetrics(metrics: readonly Metric[], champions: readonly Metric[]): readonly MetricChange[] {
  const known = new Map(champions.map((metric) => [keyOf(metric), metric]));
  const own = new Set(metrics.map(keyOf));
  const compared = metrics.map((metric): MetricChange => {
    const other = known.get(keyOf(metric));
    const sameData = metric.dataset?.digest === other?.dataset?.digest;
    const isComparable = sameData && typeof metric.value === "number" && typeof other?.value === "number";
    return {
      name: keyOf(metric),
      value: metric.value,
      champion: other?.value,
      sameData,
      ...(isComparable ? { change: Number(metric.value) - Number(other?.value) } : {}),
    };
  });
  const gone = champions
    .filter((metric) => !own.has(keyOf(metric)))
    .map((metric) => ({ name: keyOf(metric), value: undefined, champion: metric.value, sameData: false }));
  return [...compared, ...gone];
}

function keyOf({ task, name, slice }: Metric): string {
  return formatMetricName({ name, ...(task === undefined ? {} : { task }), ...(slice === undefined ? {} : { slice }) });
}

type Values = Readonly<Record<string, string>>;

function changes(now: Values, before: Values): readonly ValueChange[] {
  return [...new Set([...Object.keys(now), ...Object.keys(before)])]
    .filter((name) => now[name] !== before[name])
    .sort()
    .map((name) => ({
      name,
      ...(now[name] === undefined ? {} : { value: now[name] }),
      ...(before[name] === undefined ? {} : { champion: before[name] }),
    }));
}

function dataOf({ data = [] }: VersionRecord): Values {
  return Object.fromEntries(data.map((set) => [set.role, set.digest ?? set.version ?? set.uri]));
}

function parametersOf({ parameters = {} }: VersionRecord): Values {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, JSON.stringify(value)]));
}

function imagesOf({ images = [] }: VersionRecord): Values {
  return Object.fromEntries(images.map((image) => [image.name, image.digest]));
}
