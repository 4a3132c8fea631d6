import { shortDigest } from "../../shared/domain/digest.ts";
import { formatMetricName, type Metric } from "../../shared/domain/metric.ts";
import { type Block, code, type Section, text } from "../../shared/domain/report.ts";

export function metricSections(metrics: readonly Metric[]): readonly Section[] {
  const whole = metrics.filter(({ slice }) => slice === undefined);
  const slices = metrics.filter(({ slice }) => slice !== undefined);
  return [
    ...(whole.length === 0 ? [] : [{ title: "Metrics", priority: 2, blocks: [metricTable(whole)] }]),
    ...(slices.length === 0
      ? []
      : [{ title: `Slices (${slices.length})`, priority: 4, folded: true, blocks: [metricTable(slices)] }]),
  ];
}

export function formatValue(value: Metric["value"]): string {
  if (typeof value === "string") return value;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function metricTable(metrics: readonly Metric[]): Block {
  return {
    kind: "table",
    columns: [
      { title: "metric" },
      { title: "value", align: "right" },
      { title: "n", align: "right" },
      { title: "task" },
      { title: "data set" },
    ],
    rows: metrics.map(({ name, slice, value, n, task, dataset }) => [
      formatMetricName({ name, ...(slice === undefined ? {} : { slice }) }),
      formatValue(value),
      n === undefined ? "" : String(n),
      task ?? "",
      dataset === undefined ? "" : text`${dataset.role} ${code(shortDigest(dataset.digest))}`,
    ]),
  };
}
