import * as v from "valibot";
import { isDigest } from "../../domain/digest.ts";
import type { Metric } from "../../domain/metric.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import type { TrackedFacts } from "../../ports/source-file.ts";
import type { MetricDataSchema } from "./metric-data.ts";
import type { SourceModel, SourceRun } from "./source-run.ts";

type DataSets = NonNullable<VersionRecord["data"]>;

/** Of the run and of its logged model, which knows what its metrics were measured on. */
export function trackedFacts(run: SourceRun | undefined, model: SourceModel | undefined): Omit<TrackedFacts, "mlflow"> {
  const params = [...(run?.data.params ?? []), ...(model?.data.params ?? [])];
  const parameters = Object.fromEntries(params.map(({ key, value }) => [key, value]));
  const data = dataOf(run);
  const metrics = metricsOf(run, model, data);
  return {
    ...(params.length === 0 ? {} : { parameters }),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(data.length === 0 ? {} : { data: data.map(({ set }) => set) }),
  };
}

type Known = { readonly set: DataSets[number]; readonly name: string; readonly short: string };

function dataOf(run: SourceRun | undefined): readonly Known[] {
  return (run?.inputs?.dataset_inputs ?? []).map(({ tags, dataset: { name, digest: short, source, profile } }) => {
    const tag = (key: string) => tags.find((one) => one.key === key)?.value;
    const digest = tag("ml-release.digest") ?? "";
    const rows = read(v.object({ num_rows: v.number() }), profile)?.num_rows;
    const set = {
      role: tag("mlflow.data.context") || name,
      uri: uriOf(source) ?? name,
      // MLflow's own digest is the beginning of a hash: it tells that the data changed, and proves nothing
      ...(isDigest(digest) ? { digest } : { version: short }),
      ...(rows === undefined ? {} : { rows }),
    };
    return { set, name, short };
  });
}

const Source = v.object({ uri: v.optional(v.string()), url: v.optional(v.string()), path: v.optional(v.string()) });

function uriOf(source: string): string | undefined {
  const { uri, url, path } = read(Source, source) ?? {};
  return uri ?? url ?? path;
}

type MetricData = v.InferOutput<typeof MetricDataSchema>;

/** The model's own metrics, which know their data, and of the run those that the model has none of. */
function metricsOf(run: SourceRun | undefined, model: SourceModel | undefined, data: readonly Known[]): Metric[] {
  const ofRun = run?.data.metrics ?? [];
  const unknown = new Set(ofRun.filter(({ value }) => value === "NaN").map(({ key }) => key));
  // the server tells the NaN of a model as 0
  const own = (model?.data.metrics ?? []).filter(({ key, value }) => value !== 0 || !unknown.has(key));
  const named = new Set(own.map(({ key }) => key));
  const all = [...own, ...ofRun.filter(({ key }) => !named.has(key))];
  return all.map((metric) => ({
    name: metric.key,
    value: numberOf(metric),
    ...(isOnly(metric, all) ? {} : { task: metric.dataset_name }),
    ...measuredOn(metric, data),
  }));
}

/** The same metric on several data sets is told apart by them. */
function isOnly({ key, dataset_name }: MetricData, all: readonly MetricData[]): boolean {
  return dataset_name === undefined || all.filter((one) => one.key === key).length === 1;
}

/** An infinity is kept as the largest number there is. */
function numberOf({ value }: MetricData): Metric["value"] {
  if (value === Number.MAX_VALUE) return "Infinity";
  return value === -Number.MAX_VALUE ? "-Infinity" : value;
}

function measuredOn({ dataset_name: name, dataset_digest: short }: MetricData, data: readonly Known[]) {
  const known = data.find((one) => one.name === name && one.short === short)?.set;
  return known?.digest === undefined ? {} : { dataset: { role: known.role, digest: known.digest } };
}

/** What somebody else's client wrote into a field of text; undefined where it is something else. */
function read<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> | undefined {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  return result.success ? result.output : undefined;
}
