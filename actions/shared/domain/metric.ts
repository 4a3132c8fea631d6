import * as v from "valibot";
import { DigestSchema } from "./digest.ts";

/** The part of the data a metric speaks of, `{ class: "3" }`. Several keys are allowed; their order does not matter. */
export type Slice = Readonly<Record<string, string>>;

/** One measured number of a run in the normal form that every engine gives. `n` is the count of examples behind it. */
export const MetricSchema = v.object({
  name: v.string(),
  slice: v.optional(v.record(v.string(), v.string())),
  /** JSON has no NaN or infinity: those are written as these words and judged as no-data. */
  value: v.union([v.number(), v.picklist(["NaN", "Infinity", "-Infinity"])]),
  n: v.optional(v.number()),
  task: v.optional(v.string()),
  dataset: v.optional(v.object({ role: v.string(), digest: DigestSchema })),
});

export type Metric = Readonly<v.InferOutput<typeof MetricSchema>>;

/** A metric as people write it: `accuracy`, `evaluate.accuracy`, `recall[class=3]`, `recall[class=*]`. */
export type MetricName = {
  readonly task?: string | undefined;
  readonly name: string;
  readonly slice?: Slice | undefined;
};

const NAME = /^(?:([A-Za-z0-9_-]+)\.)?([A-Za-z_][A-Za-z0-9_-]*)(?:\[([^[\]]+)\])?$/;

/** `task.name[key=value,key=value]`; undefined where it is no metric name. */
export function parseMetricName(text: string): MetricName | undefined {
  const match = NAME.exec(text.trim());
  if (!match?.[2]) return undefined;
  const slice = match[3] === undefined ? undefined : parseSlice(match[3]);
  if (match[3] !== undefined && slice === undefined) return undefined;
  return { ...(match[1] === undefined ? {} : { task: match[1] }), name: match[2], ...(slice ? { slice } : {}) };
}

export function formatMetricName(metric: MetricName): string {
  const keys = Object.keys(metric.slice ?? {}).sort();
  const slice = keys.length === 0 ? "" : `[${keys.map((key) => `${key}=${metric.slice?.[key]}`).join(",")}]`;
  return `${metric.task === undefined ? "" : `${metric.task}.`}${metric.name}${slice}`;
}

function parseSlice(text: string): Slice | undefined {
  const pairs = text.split(",").map((pair) => /^\s*([A-Za-z_][\w-]*)\s*=\s*([^=,[\]]+?)\s*$/.exec(pair));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}
