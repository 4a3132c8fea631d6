import { canonicalJson, type Json } from "./canonical.ts";
import { formatMetricName, type Metric } from "./metric.ts";
import { MAX_RECORDED_IMPORTS } from "./model-scan.ts";
import type { VersionRecord } from "./model-version.ts";
import { schemaBreaks } from "./signature-changes.ts";
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
  readonly isSliced: boolean;
  readonly value: Metric["value"] | undefined;
  readonly before: Metric["value"] | undefined;
  /** Undefined where one of the two is no number, or where they were measured on different data. */
  readonly change?: number;
  readonly sameData: boolean;
};

/** A value that is not the same in both; absent on one side where only the other has it. */
export type ValueChange = { readonly name: string; readonly value?: string; readonly before?: string };

/** What loading the one brings in and the other does not. `unknown`: one of the two was registered without a scan, or has more imports than a record lists. */
export type ImportChanges =
  | { readonly state: "known"; readonly added: readonly string[]; readonly removed: readonly string[] }
  | { readonly state: "unknown" };

export type Differences = {
  readonly metrics: readonly MetricChange[];
  readonly data: readonly ValueChange[];
  readonly parameters: readonly ValueChange[];
  readonly images: readonly ValueChange[];
  /** Licence, framework, format, what the scan says, the machine, the commit. */
  readonly facts: readonly ValueChange[];
  /** Of the environment that it was trained in. */
  readonly packages: readonly ValueChange[];
  readonly imports: ImportChanges;
  /** What callers of the one would have to change for the other, in sentences. */
  readonly breaks: readonly string[];
  readonly files: readonly FileDifference[];
};

/** What is new in a version against an earlier one (the champion, the one before it). */
export function compareVersions(version: VersionRecord, before: VersionRecord): Differences {
  return {
    metrics: compareMetrics(version.metrics ?? [], before.metrics ?? []),
    data: changes(dataOf(version), dataOf(before)).toSorted(byName),
    parameters: changes(parametersOf(version), parametersOf(before)).toSorted(byName),
    images: changes(imagesOf(version), imagesOf(before)).toSorted(byName),
    facts: changes(factsOf(version), factsOf(before)),
    packages: comparePackages(version.environment?.packages, before.environment?.packages),
    imports: compareImports(version.scan, before.scan),
    breaks: version.signature && before.signature ? schemaBreaks(version.signature, before.signature) : [],
    files: compareFiles(before.files, version.files),
  };
}

function compareMetrics(metrics: readonly Metric[], others: readonly Metric[]): readonly MetricChange[] {
  const known = new Map(others.map((metric) => [keyOf(metric), metric]));
  const own = new Set(metrics.map(keyOf));
  const compared = metrics.map((metric): MetricChange => {
    const other = known.get(keyOf(metric));
    const sameData = metric.dataset?.digest === other?.dataset?.digest;
    const isComparable = sameData && typeof metric.value === "number" && typeof other?.value === "number";
    return {
      name: keyOf(metric),
      isSliced: metric.slice !== undefined,
      value: metric.value,
      before: other?.value,
      sameData,
      ...(isComparable ? { change: Number(metric.value) - Number(other?.value) } : {}),
    };
  });
  const gone = others
    .filter((metric) => !own.has(keyOf(metric)))
    .map((metric) => ({
      name: keyOf(metric),
      isSliced: metric.slice !== undefined,
      value: undefined,
      before: metric.value,
      sameData: false,
    }));
  return [...compared, ...gone];
}

function keyOf({ task, name, slice }: Metric): string {
  return formatMetricName({ name, ...(task === undefined ? {} : { task }), ...(slice === undefined ? {} : { slice }) });
}

/** A map: a parameter may be called `constructor`. */
type Values = ReadonlyMap<string, string>;

function changes(now: Values, before: Values): readonly ValueChange[] {
  return [...new Set([...now.keys(), ...before.keys()])]
    .filter((name) => now.get(name) !== before.get(name))
    .map((name) => changeOf(name, now.get(name), before.get(name)));
}

function byName(a: ValueChange, b: ValueChange): number {
  return a.name < b.name ? -1 : 1;
}

function changeOf(name: string, value: string | undefined, before: string | undefined): ValueChange {
  return { name, ...(value === undefined ? {} : { value }), ...(before === undefined ? {} : { before }) };
}

function dataOf({ data = [] }: VersionRecord): Values {
  return new Map(data.map((set) => [set.role, set.digest ?? set.version ?? set.uri]));
}

function parametersOf({ parameters = {} }: VersionRecord): Values {
  return new Map(Object.entries(parameters).map(([name, value]) => [name, canonicalJson(value as Json)]));
}

function imagesOf({ images = [] }: VersionRecord): Values {
  return new Map(images.map((image) => [image.name, image.digest]));
}

type Packages = Readonly<Record<string, string>> | undefined;

/** Where one of the two has no list of them, nothing is told. */
function comparePackages(packages: Packages, before: Packages): readonly ValueChange[] {
  if (packages === undefined || before === undefined) return [];
  return changes(new Map(Object.entries(packages)), new Map(Object.entries(before))).toSorted(byName);
}

function factsOf({ licence, format, framework, scan, environment, code }: VersionRecord): Values {
  const facts: Readonly<Record<string, string | undefined>> = {
    licence,
    framework: framework && `${framework.name} ${framework.version ?? ""}`.trim(),
    format: format && `${format.name} ${format.version ?? ""}`.trim(),
    scan: scan?.verdict,
    python: environment?.python,
    gpus: environment?.gpus?.map(({ count, name }) => `${count} x ${name}`).join(", ") || undefined,
    commit: code?.commit,
  };
  return new Map(Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])));
}

type Scan = VersionRecord["scan"];

function compareImports(scan: Scan, before: Scan): ImportChanges {
  if (scan === undefined || before === undefined || isCut(scan) || isCut(before)) return { state: "unknown" };
  const [now, then] = [new Set(scan.imports), new Set(before.imports)];
  return {
    state: "known",
    added: scan.imports.filter((path) => !then.has(path)),
    removed: before.imports.filter((path) => !now.has(path)),
  };
}

/** A record lists so many imports at most. */
function isCut({ imports }: NonNullable<Scan>): boolean {
  return imports.length >= MAX_RECORDED_IMPORTS;
}
