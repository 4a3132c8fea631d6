import { shortDigest } from "./digest.ts";
import type { VersionRecord } from "./model-version.ts";
import { formatCount, formatSize } from "./quantity.ts";
import { type Block, code, type Section, strong, type Text, text } from "./report.ts";
import {
  compareVersions,
  type Differences,
  type FileDifference,
  type ImportChanges,
  type MetricChange,
  type ValueChange,
} from "./version-differences.ts";

/** Two versions, and what the earlier one is called: `champion 1.0.0`, `1.0.0`. */
export type Pair = { readonly version: VersionRecord; readonly before: VersionRecord; readonly called: string };

/** More rows than this are not read in one table: slices of the data then fold away. */
const MAX_METRIC_ROWS = 16;
const MAX_ROWS = 40;
const MAX_SLICES = 300;
const MAX_ITEMS = 20;
const MAX_LETTERS = 60;

/** How a version differs from an earlier one: metrics first, then everything else that changed. Empty where nothing did and neither has metrics. */
export function differenceSections(pair: Pair): readonly Section[] {
  const differences = compareVersions(pair.version, pair.before);
  return [...metricSections(differences.metrics, pair), ...otherSections(differences, pair)];
}

function metricSections(metrics: readonly MetricChange[], pair: Pair): readonly Section[] {
  const isShort = metrics.length <= MAX_METRIC_ROWS;
  const whole = isShort ? metrics : metrics.filter(({ isSliced }) => !isSliced);
  const slices = isShort ? [] : metrics.filter(({ isSliced }) => isSliced);
  return [
    ...(whole.length === 0
      ? []
      : [{ title: `Against ${pair.called}`, priority: 2, blocks: metricTable(whole, pair) } as const]),
    ...(slices.length === 0
      ? []
      : [
          {
            title: `${formatCount(slices.length, "slice")} against ${pair.called}`,
            priority: 4,
            folded: true,
            blocks: metricTable(slices, pair),
          } as const,
        ]),
  ];
}

function metricTable(metrics: readonly MetricChange[], { version, called }: Pair): readonly Block[] {
  const columns = [
    { title: "metric" },
    { title: version.version, align: "right" },
    { title: called, align: "right" },
    { title: "change", align: "right" },
  ] as const;
  const rows = metrics
    .slice(0, MAX_SLICES)
    .map((metric) => [code(metric.name), number(metric.value), number(metric.before), changeText(metric)]);
  return [{ kind: "table", columns, rows }, ...rest(metrics.length - rows.length, "metric")];
}

function changeText({ value, before, change, sameData }: MetricChange): string {
  if (change !== undefined) return signed(change);
  if (value === undefined) return "gone";
  if (before === undefined) return "new";
  return sameData ? "" : "other data";
}

/** Everything but the metrics: what is in the record, what callers have to change, imports and files. */
export function otherSections(differences: Differences, pair: Pair): readonly Section[] {
  const { facts, data, parameters, images, packages, imports, breaks, files } = differences;
  const values = [
    ...facts.map((change) => ({ label: text`${change.name}`, change })),
    ...data.map((change) => ({ label: text`data ${change.name}`, change })),
    ...parameters.map((change) => ({ label: text`parameter ${code(change.name)}`, change })),
    ...images.map((change) => ({ label: text`image ${change.name}`, change })),
    ...packages.map((change) => ({ label: text`package ${code(change.name)}`, change })),
  ];
  const blocks: readonly Block[] = [
    ...list(breaks.slice(0, MAX_ITEMS).map((sentence) => text`${strong("callers must change")}: ${sentence}`)),
    ...valueTable(values, pair),
    ...list([...importTexts(imports), ...fileTexts(files)]),
  ];
  return blocks.length === 0 ? [] : [{ title: "What else changed", priority: 3, blocks }];
}

type Row = { readonly label: Text; readonly change: ValueChange };

function valueTable(values: readonly Row[], { version, called }: Pair): readonly Block[] {
  if (values.length === 0) return [];
  const columns = [{ title: "" }, { title: version.version }, { title: called }];
  const rows = values.slice(0, MAX_ROWS).map(({ label, change }) => [label, shown(change.value), shown(change.before)]);
  return [{ kind: "table", columns, rows }, ...rest(values.length - rows.length, "change")];
}

function shown(value: string | undefined): Text {
  if (value === undefined) return "none";
  if (value.startsWith("sha256:")) return code(shortDigest(value));
  if (/^[0-9a-f]{40}$/.test(value)) return code(value.slice(0, 12));
  return code(value.length > MAX_LETTERS ? `${value.slice(0, MAX_LETTERS)}…` : value);
}

function importTexts(imports: ImportChanges): readonly Text[] {
  if (imports.state === "unknown") return [];
  const { added, removed } = imports;
  return [
    ...(added.length === 0 ? [] : [text`it imports what was not imported before: ${names(added)}`]),
    ...(removed.length === 0 ? [] : [text`it no longer imports ${names(removed)}`]),
  ];
}

function names(paths: readonly string[]): Text {
  const more = paths.length > MAX_ITEMS ? ` and ${paths.length - MAX_ITEMS} more` : "";
  return [...paths.slice(0, MAX_ITEMS).flatMap((path, i) => (i === 0 ? [code(path)] : [", ", code(path)])), more];
}

function fileTexts(files: readonly FileDifference[]): readonly Text[] {
  const more = files.length - MAX_ITEMS;
  return [
    ...files.slice(0, MAX_ITEMS).map(fileText),
    ...(more > 0 ? [text`${formatCount(more, "more file")} changed`] : []),
  ];
}

function fileText(difference: FileDifference): Text {
  const path = code(difference.path);
  switch (difference.state) {
    case "added":
      return text`${path} is new, ${formatSize(difference.size)}`;
    case "removed":
      return text`${path} is gone, it had ${formatSize(difference.size)}`;
    case "changed":
      return difference.before === difference.size
        ? text`${path} changed, ${formatSize(difference.size)} as before`
        : text`${path} changed, ${formatSize(difference.before)} to ${formatSize(difference.size)}`;
  }
}

function list(items: readonly Text[]): readonly Block[] {
  return items.length === 0 ? [] : [{ kind: "list", items }];
}

function rest(more: number, what: string): readonly Block[] {
  return more > 0 ? [{ kind: "paragraph", text: `and ${formatCount(more, `more ${what}`)}` }] : [];
}

function number(value: number | string | undefined): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : (value ?? "");
}

function signed(change: number): string {
  if (change === 0) return "0";
  return `${change > 0 ? "+" : "−"}${Number(Math.abs(change).toPrecision(3))}`;
}
