import type { Digest } from "../digest.ts";
import { formatMetricName, type Metric, type MetricName, type Slice } from "../metric.ts";
import { nearestName } from "../nearest.ts";

/** What a list of metrics says about one name. `unusable` is there but no number to judge by. */
export type Reading =
  | {
      readonly state: "measured";
      readonly value: number;
      readonly n?: number;
      readonly dataset?: Digest;
      readonly detail?: string;
    }
  | { readonly state: "missing"; readonly reason: string }
  | { readonly state: "unusable"; readonly reason: string };

/** Reads one metric, without wildcards, by `name` where one task measured it, else by `task.name`. `whose` stands in the reason. */
export function readMetric(metrics: readonly Metric[], name: MetricName, whose: string): Reading {
  const found = distinct(named(metrics, name).filter((metric) => sameSlice(metric.slice ?? {}, name.slice ?? {})));
  const [metric] = found;
  if (metric === undefined) return { state: "missing", reason: missing(metrics, name, whose) };
  if (found.length > 1) return { state: "unusable", reason: ambiguous(found, name, whose) };
  if (typeof metric.value === "string" || !Number.isFinite(metric.value))
    return { state: "unusable", reason: `${whose}'s \`${formatMetricName(name)}\` is ${metric.value}` };
  return {
    state: "measured",
    value: metric.value,
    ...(metric.n === undefined ? {} : { n: metric.n }),
    ...(metric.dataset === undefined ? {} : { dataset: metric.dataset.digest }),
  };
}

/** Largest less smallest value over the slices that a name with wildcards stands for. */
export function readGap(metrics: readonly Metric[], name: MetricName, whose: string): Reading {
  const slices = slicesOf(metrics, name);
  if (slices.length === 0) return { state: "missing", reason: missing(metrics, name, whose) };
  const readings = slices.map((slice) => ({ slice, reading: readMetric(metrics, { ...name, slice }, whose) }));
  const measured: { readonly slice: Slice; readonly value: number; readonly n?: number; readonly dataset?: Digest }[] =
    [];
  for (const { slice, reading } of readings) {
    if (reading.state !== "measured") return reading;
    measured.push({ slice, ...reading });
  }
  if (measured.length < 2)
    return {
      state: "unusable",
      reason: `${whose} has one slice of \`${formatMetricName(name)}\`, and a gap needs two`,
    };
  const datasets = new Set(measured.map((one) => one.dataset));
  if (datasets.size > 1)
    return { state: "unusable", reason: `${whose}'s slices of \`${formatMetricName(name)}\` are of different data` };
  const low = measured.reduce((a, b) => (b.value < a.value ? b : a));
  const high = measured.reduce((a, b) => (b.value > a.value ? b : a));
  if (!Number.isFinite(high.value - low.value))
    return { state: "unusable", reason: `${whose}'s gap of \`${formatMetricName(name)}\` is beyond all numbers` };
  const counts = measured.map((one) => one.n);
  return {
    state: "measured",
    value: high.value - low.value,
    detail: `from \`${formatMetricName({ ...name, slice: low.slice })}\` to \`${formatMetricName({ ...name, slice: high.slice })}\``,
    ...(counts.every((n) => n !== undefined) ? { n: Math.min(...counts) } : {}),
    ...(low.dataset === undefined ? {} : { dataset: low.dataset }),
  };
}

/** The slices, each once and in a natural order, that a name with wildcards stands for in these metrics. */
export function slicesOf(metrics: readonly Metric[], name: MetricName): readonly Slice[] {
  const wanted = name.slice ?? {};
  const found = new Map<string, Slice>();
  for (const { slice = {} } of named(metrics, name)) {
    const matches =
      Object.keys(slice).length === Object.keys(wanted).length &&
      Object.entries(wanted).every(
        ([key, value]) => Object.hasOwn(slice, key) && (value === "*" || slice[key] === value),
      );
    if (matches) found.set(sliceText(slice), slice);
  }
  return [...found.entries()].sort(([a], [b]) => naturally(a, b)).map(([, slice]) => slice);
}

/** Numbers in names by value: class=2 before class=10. */
export function naturally(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Also finds a metric whose own name has a dot, such as `val.loss`. */
function named(metrics: readonly Metric[], name: MetricName): readonly Metric[] {
  const dotted = name.task === undefined ? undefined : `${name.task}.${name.name}`;
  return metrics.filter((metric) =>
    metric.name === name.name ? name.task === undefined || metric.task === name.task : metric.name === dotted,
  );
}

/** The same number reported twice by one task is one metric. */
function distinct(metrics: readonly Metric[]): readonly Metric[] {
  const seen = new Map<string, Metric>();
  for (const metric of metrics)
    seen.set(JSON.stringify([metric.task, metric.value, metric.n, metric.dataset?.digest]), metric);
  return [...seen.values()];
}

function missing(metrics: readonly Metric[], name: MetricName, whose: string): string {
  const written = formatMetricName(name);
  const known = [
    ...new Set(
      metrics.flatMap((metric) => [formatMetricName({ ...metric, task: undefined }), formatMetricName(metric)]),
    ),
  ];
  const meant = metrics.length === 0 ? undefined : nearestName(written, known);
  const none = metrics.length === 0 ? `${whose} has no metrics at all` : `${whose} has no metric \`${written}\``;
  return meant === undefined || meant === written ? none : `${none}; did you mean \`${meant}\`?`;
}

function ambiguous(found: readonly Metric[], name: MetricName, whose: string): string {
  const written = formatMetricName(name);
  const tasks = [...new Set(found.map((metric) => metric.task))];
  if (tasks.length === 1) return `${whose} has \`${written}\` ${found.length} times, with different values`;
  const names = tasks.map((task) => `\`${formatMetricName({ ...name, task })}\``);
  return `${whose} has \`${written}\` from several tasks: write ${names.join(" or ")}`;
}

function sameSlice(a: Slice, b: Slice): boolean {
  return sliceText(a) === sliceText(b);
}

function sliceText(slice: Slice): string {
  return JSON.stringify(Object.entries(slice).sort(([a], [b]) => (a < b ? -1 : 1)));
}
