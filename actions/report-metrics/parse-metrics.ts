import * as v from "valibot";
import { DigestSchema } from "../shared/domain/digest.ts";
import type { ChampionData } from "../shared/domain/gate/champion.ts";
import { formatMetricName, type Metric, MetricSchema, parseMetricName } from "../shared/domain/metric.ts";
import { bad, type Checked, ok, type Place, type Problem } from "../shared/domain/problem.ts";

/** Metrics that come as JSON, and what else such a document may say about what they are of. */
export type MetricsDocument = {
  readonly metrics: readonly Metric[];
  readonly data: readonly ChampionData[];
  readonly version?: string;
  readonly digest?: ChampionData["digest"];
};

type PlaceOf = (path: readonly (string | number)[]) => Place;

const NumberSchema = v.union([v.number(), v.picklist(["NaN", "Infinity", "-Infinity"])]);
const DataSchema = v.array(
  v.object({ role: v.string(), digest: v.optional(DigestSchema), rows: v.optional(v.number()) }),
);
const FactsSchema = v.object({
  version: v.optional(v.string()),
  id: v.optional(v.string()),
  digest: v.optional(DigestSchema),
  data: v.optional(DataSchema),
});

/**
 * Metrics in any of three forms: a list of metrics in the normal form; an object of numbers by metric name (`recall[class=3]`, with the
 * counts `n` and `n[class=3]` beside them); an object with either of these as `metrics`, such as a release or version record.
 */
export function parseMetrics(document: unknown, placeOf: PlaceOf): Checked<MetricsDocument> {
  if (!isRecord(document) || !("metrics" in document)) return withFacts(readMetrics(document, [], placeOf), {});
  const facts = v.safeParse(FactsSchema, document);
  return withFacts(readMetrics(document.metrics, ["metrics"], placeOf), facts.success ? facts.output : {});
}

function withFacts(
  metrics: Checked<readonly Metric[]>,
  facts: v.InferOutput<typeof FactsSchema>,
): Checked<MetricsDocument> {
  if (metrics.state === "bad") return metrics;
  const version = facts.version ?? facts.id;
  return ok({
    metrics: metrics.value,
    data: (facts.data ?? []).map(({ role, digest, rows }) => ({
      role,
      ...(digest === undefined ? {} : { digest }),
      ...(rows === undefined ? {} : { rows }),
    })),
    ...(version === undefined ? {} : { version }),
    ...(facts.digest === undefined ? {} : { digest: facts.digest }),
  });
}

function readMetrics(value: unknown, path: readonly string[], placeOf: PlaceOf): Checked<readonly Metric[]> {
  if (Array.isArray(value)) return readList(value, (index) => placeOf([...path, index]));
  if (isRecord(value)) return readMap(value, (key) => placeOf([...path, key]));
  return bad({
    rule: "metrics are an object of numbers by name, or a list of metrics",
    where: placeOf(path),
    saw: value === undefined ? "nothing" : JSON.stringify(value).slice(0, 100),
  });
}

function readList(list: readonly unknown[], placeOf: (index: number) => Place): Checked<readonly Metric[]> {
  const read = list.map((item, index) => ({ result: v.safeParse(MetricSchema, item), where: placeOf(index) }));
  const problems = read.flatMap(({ result, where }): readonly Problem[] =>
    result.success
      ? []
      : result.issues.map((issue) => ({
          rule: `a metric has a name and a number as value: ${v.getDotPath(issue) ?? "it"} does not fit`,
          where,
          saw: issue.received,
        })),
  );
  if (problems.length > 0) return bad(...problems);
  return ok(read.flatMap(({ result }) => (result.success ? [result.output] : [])));
}

type Item = Readonly<Record<string, unknown>>;

function readMap(map: Item, placeOf: (key: string) => Place): Checked<readonly Metric[]> {
  const wrong = Object.entries(map).filter(([, value]) => !v.is(NumberSchema, value));
  if (wrong.length > 0)
    return bad(
      ...wrong.map(([key, value]) => ({
        rule: "a metric is a number",
        where: placeOf(key),
        saw: `${key}: ${JSON.stringify(value).slice(0, 100)}`,
      })),
    );
  return ok(withCounts(Object.entries(map).map(([key, value]) => named(key, value as Metric["value"]))));
}

/** A key that is no metric name stays as it was written: it is shown, and no rule can ask for it. */
function named(key: string, value: Metric["value"]): Metric {
  const name = parseMetricName(key);
  return name === undefined ? { name: key, value } : { ...name, value };
}

/** `n[class=3]` is the count behind every metric of that slice. */
function withCounts(all: readonly Metric[]): readonly Metric[] {
  const countKey = ({ slice, task }: Metric) => formatMetricName({ name: "n", slice, task });
  const counts = new Map(all.filter(({ name }) => name === "n").map((metric) => [countKey(metric), metric.value]));
  return all
    .filter(({ name }) => name !== "n")
    .map((metric) => {
      const n = counts.get(countKey(metric));
      return typeof n === "number" ? { ...metric, n } : metric;
    });
}

function isRecord(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
