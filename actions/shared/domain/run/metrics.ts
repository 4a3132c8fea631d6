import type { Json } from "../canonical.ts";
import type { Digest } from "../digest.ts";
import { formatMetricName, type Metric, parseMetricName, type Slice } from "../metric.ts";
import type { DataSet } from "../release.ts";
import { type Curve, curvesOf, derivedMetrics } from "./curves.ts";
import { HOUSEKEEPING, type RunArtifact, type RunTask } from "./task.ts";

export type RunMetrics = { readonly metrics: readonly Metric[]; readonly curves: readonly Curve[] };

type Value = Metric["value"];
type Named = { readonly name: string; readonly slice?: Slice; readonly value: Value };
type Counted = Named & { readonly n?: number };

/**
 * All metrics of a run in the normal form, the same from every engine:
 *
 * - each number in the metadata of a `system.Metrics` output, by its key; true is 1 and false is 0; other values are left out;
 * - `recall[class=3]` is the slice `class=3` of `recall`; `n[class=3]` is the count of all metrics of that slice beside it, `n` of those
 *   without a slice;
 * - they come in the order of the tasks; in a task those without a slice first, by name;
 * - an execution in a loop has its iteration as a slice (`iteration=2`);
 * - a `system.ClassificationMetrics` output gives curves, and what is derived from them (`auc`).
 */
export function metricsOf(tasks: readonly RunTask[], data: readonly DataSet[]): RunMetrics {
  const all = tasks.filter((task) => task.state === "succeeded").map((task) => metricsOfTask(task, data));
  return { metrics: all.flatMap((one) => one.metrics), curves: all.flatMap((one) => one.curves) };
}

function metricsOfTask(task: RunTask, data: readonly DataSet[]): RunMetrics {
  const outputs = Object.entries(task.outputs.artifacts)
    .toSorted(([a], [b]) => a.localeCompare(b, "en"))
    .flatMap(([output, artifacts]) => artifacts.map((artifact) => ({ output, artifact })));
  const logged = outputs
    .filter(({ artifact }) => artifact.type === "system.Metrics")
    .flatMap(({ artifact }) => counted(numbersOf(artifact)));
  const curves = outputs
    .filter(({ artifact }) => artifact.type === "system.ClassificationMetrics")
    .flatMap(({ output, artifact }) => curvesOf({ task, output, metadata: artifact.metadata }));
  const names = new Set(logged.map((metric) => formatMetricName(metric)));
  const derived: readonly Counted[] = derivedMetrics(curves).filter((metric) => !names.has(metric.name));
  const dataset = datasetOf(task, data);
  const loop: Slice = task.iteration === undefined ? {} : { iteration: task.iteration };
  const metrics = [...logged, ...derived].toSorted(byName).map((metric): Metric => {
    const slice = { ...metric.slice, ...loop };
    return {
      name: metric.name,
      value: metric.value,
      task: task.task,
      ...(Object.keys(slice).length === 0 ? {} : { slice }),
      ...(metric.n === undefined ? {} : { n: metric.n }),
      ...(dataset === undefined ? {} : { dataset }),
    };
  });
  return { metrics, curves };
}

/** ML Metadata and protobuf keep no order of keys. */
function byName(a: Counted, b: Counted): number {
  if ((a.slice === undefined) !== (b.slice === undefined)) return a.slice === undefined ? -1 : 1;
  return formatMetricName(a).localeCompare(formatMetricName(b), "en", { numeric: true });
}

function numbersOf(artifact: RunArtifact): readonly Named[] {
  return Object.entries(artifact.metadata).flatMap(([key, raw]) => {
    const value = numberOf(raw);
    if (value === undefined || HOUSEKEEPING.includes(key)) return [];
    const parsed = parseMetricName(key);
    // a name that is none stays as it was logged: it is shown, and a gate can say that it knows no such metric
    const name = parsed === undefined || parsed.task !== undefined ? key : parsed.name;
    return [{ name, value, ...(parsed?.slice === undefined ? {} : { slice: parsed.slice }) }];
  });
}

function numberOf(raw: Json): Value | undefined {
  if (typeof raw === "boolean") return raw ? 1 : 0;
  if (typeof raw === "number") return raw;
  return raw === "NaN" || raw === "Infinity" || raw === "-Infinity" ? raw : undefined;
}

/** Puts the counts to the metrics that they belong to; a count that belongs to none is a metric like any other. */
function counted(all: readonly Named[]): readonly Counted[] {
  const key = (metric: Named) => formatMetricName({ name: "n", ...(metric.slice ? { slice: metric.slice } : {}) });
  const counts = new Map(all.filter((metric) => metric.name === "n").map((metric) => [key(metric), metric.value]));
  const measured = all.filter((metric) => metric.name !== "n");
  const used = new Set(measured.map(key));
  return [
    ...measured.map((metric) => {
      const n = counts.get(key(metric));
      return typeof n === "number" ? { ...metric, n } : metric;
    }),
    ...all.filter((metric) => metric.name === "n" && !used.has(key(metric))),
  ];
}

/** Names of inputs under which a task gets the examples that it judges by. */
const JUDGED_BY = ["test", "eval", "evaluation", "validation", "holdout"];

/**
 * The data behind the metrics of a task: its `system.Dataset` input that is named as data to judge by, or its only one. Where the run's
 * data has a set of that role that was handed to the pipeline, that is it; else the input itself, by its digest. A task without such an
 * input: the run's set `test`.
 */
function datasetOf(task: RunTask, data: readonly DataSet[]): { role: string; digest: Digest } | undefined {
  const inputs = Object.entries(task.inputs.artifacts).filter(
    ([, artifacts]) => artifacts.length === 1 && artifacts[0]?.type === "system.Dataset",
  );
  const input = inputs.find(([name]) => JUDGED_BY.includes(name)) ?? (inputs.length === 1 ? inputs[0] : undefined);
  const role = input?.[0] ?? "test";
  const digest = data.find((set) => set.role === role)?.digest ?? input?.[1][0]?.digest;
  return digest === undefined ? undefined : { role, digest };
}
