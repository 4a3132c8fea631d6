import { formatMetricName, type Metric } from "../metric.ts";
import type { VersionRecord } from "../model-version.ts";
import type { MetricSeries } from "./catalog.ts";

type Point = MetricSeries["points"][number];

/** Each metric over the versions, which are given oldest first; those of whole data before those of slices of it, else by name. */
export function metricSeries(records: readonly VersionRecord[]): readonly MetricSeries[] {
  const series = new Map<string, { readonly isSliced: boolean; readonly points: Point[] }>();
  for (const { version, createdAt, metrics = [] } of records) {
    for (const metric of metrics) {
      const name = formatMetricName(metric);
      const known = series.get(name) ?? { isSliced: metric.slice !== undefined, points: [] };
      known.points.push(pointOf(metric, { version, createdAt }));
      series.set(name, known);
    }
  }
  return [...series]
    .toSorted(([a, { isSliced: x }], [b, { isSliced: y }]) => Number(x) - Number(y) || (a < b ? -1 : 1))
    .map(([name, { isSliced, points }]) => ({ name, isSliced, points }));
}

function pointOf({ value, n, dataset }: Metric, of: Pick<Point, "version" | "createdAt">): Point {
  return { ...of, value, ...(n === undefined ? {} : { n }), ...(dataset === undefined ? {} : { dataset }) };
}
