import * as v from "valibot";
import { bad, type Checked, ok, type Place, type Problem } from "../problem.ts";
import { parseDuration } from "../quantity.ts";
import { type MetricPreset, PRESETS, presetOf, TIME_UNITS, type TimeUnit } from "./presets.ts";
import { fillNames, formatSelector, type MetricNames, parseSelector, type Selector } from "./selector.ts";

/** The counters that a judge needs, for an arm whose names are still between `{{` and `}}`. */
export type MetricQueries = {
  /** A preset, or `custom`. */
  readonly source: string;
  readonly requests: readonly Selector[];
  readonly errors: readonly Selector[];
  readonly rejected?: readonly Selector[];
  readonly latency?: { readonly buckets: Selector; readonly unit: TimeUnit };
  readonly wrong?: { readonly requests: readonly Selector[]; readonly bad: readonly Selector[] };
  readonly predictions?: PredictionsQuery;
};

/** Predictions by class (a counter with a label), or by size (buckets of a histogram). */
export type PredictionsQuery = { readonly counter: Selector; readonly by: string; readonly isCumulative: boolean };

const Query = v.pipe(v.string(), v.minLength(1, "must not be empty"));
const Queries = v.union([Query, v.pipe(v.array(Query), v.minLength(1))], "must be a query, or a list of them");
const Duration = v.pipe(v.string(), v.regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, "must be a duration such as 5s or 2m"));
const Limit = v.pipe(v.number(), v.gtValue(0, "must be above 0"));

/** `metrics` of the rollout file. */
export const MetricsSchema = v.strictObject({
  preset: v.optional(v.picklist(["auto", ...PRESETS.map(({ name }) => name)])),
  requests: v.optional(Queries),
  errors: v.optional(Queries),
  rejected: v.optional(Queries),
  latency: v.optional(v.strictObject({ buckets: Query, unit: v.optional(v.picklist(TIME_UNITS)) })),
  wrong: v.optional(v.strictObject({ requests: Queries, bad: Queries })),
  predictions: v.optional(
    v.union(
      [v.strictObject({ counter: Query, label: v.string() }), v.strictObject({ buckets: Query })],
      "must have counter and label, or buckets",
    ),
  ),
  drift: v.optional(
    v.strictObject({
      measure: v.optional(v.picklist(["psi", "js"])),
      limit: v.optional(Limit),
      alpha: v.optional(v.pipe(Limit, v.maxValue(0.5))),
      gate: v.optional(v.boolean()),
    }),
  ),
  offset: v.optional(Duration),
  patience: v.optional(Duration),
  settle: v.optional(Duration),
});

export type MetricsFile = v.InferOutput<typeof MetricsSchema>;

/** How samples are waited for. */
export type ReadingTimes = {
  /** How far behind the present a query asks, so that all of its samples are in: scrapes take time, remote writes more. */
  readonly offsetMs: number;
  /** How long a look waits for samples of both arms that are newer than its beginning. */
  readonly patienceMs: number;
  /** How long a change of the split may take to be in force everywhere, after it is in the objects that say so. */
  readonly settleMs: number;
};

export function timesOf(file: MetricsFile): ReadingTimes {
  return {
    offsetMs: parseDuration(file.offset ?? "5s") ?? 5_000,
    patienceMs: parseDuration(file.patience ?? "90s") ?? 90_000,
    settleMs: parseDuration(file.settle ?? "5s") ?? 5_000,
  };
}

/** The preset that a file names; undefined where its own queries are enough, `auto` where the metrics must be asked. */
export function wantedPreset(file: MetricsFile): MetricPreset | "auto" | undefined {
  if (file.preset !== undefined && file.preset !== "auto") return presetOf(file.preset);
  return file.requests !== undefined && file.errors !== undefined ? undefined : "auto";
}

/** What the file says, and what it leaves to the preset. `placeOf` says where a key was written. */
export function queriesOf(
  file: MetricsFile,
  preset: MetricPreset | undefined,
  placeOf: (path: readonly string[]) => Place,
): Checked<MetricQueries> {
  const problems: Problem[] = [];
  const parse = (path: readonly string[], text: string): Selector => {
    const parsed = parseSelector(text);
    if (parsed.state === "ok") return parsed.value;
    problems.push(
      ...parsed.problems.map((one) => ({
        ...one,
        rule: `metrics.${path.join(".")} ${one.rule}`,
        where: placeOf(path),
      })),
    );
    return { metric: "", matchers: [] };
  };
  const parseAll = (path: readonly string[], texts: string | readonly string[]): readonly Selector[] =>
    [texts].flat().map((text) => parse(path, text));
  for (const name of ["requests", "errors"] as const)
    if (file[name] === undefined && preset?.[name] === undefined) problems.push(lacking(name, preset, placeOf));
  // a preset's own rejected and latency are of its own requests
  const rest = file.requests === undefined ? preset : undefined;
  const rejected = file.rejected ?? rest?.rejected;
  const latency = file.latency ?? rest?.latency;
  const queries: MetricQueries = {
    source: preset?.name ?? "custom",
    requests: parseAll(["requests"], file.requests ?? preset?.requests ?? []),
    errors: parseAll(["errors"], file.errors ?? preset?.errors ?? []),
    ...(rejected === undefined ? {} : { rejected: parseAll(["rejected"], rejected) }),
    ...(latency === undefined
      ? {}
      : { latency: { buckets: parse(["latency", "buckets"], latency.buckets), unit: latency.unit ?? "s" } }),
    ...(file.wrong === undefined
      ? {}
      : {
          wrong: {
            requests: parseAll(["wrong", "requests"], file.wrong.requests),
            bad: parseAll(["wrong", "bad"], file.wrong.bad),
          },
        }),
    ...(file.predictions === undefined ? {} : { predictions: predictionsOf(file.predictions, parse) }),
  };
  return problems.length > 0 ? bad(...problems) : ok(queries);
}

function predictionsOf(
  written: NonNullable<MetricsFile["predictions"]>,
  parse: (path: readonly string[], text: string) => Selector,
): PredictionsQuery {
  if ("buckets" in written)
    return { counter: parse(["predictions", "buckets"], written.buckets), by: "le", isCumulative: true };
  return { counter: parse(["predictions", "counter"], written.counter), by: written.label, isCumulative: false };
}

function lacking(
  name: "requests" | "errors",
  preset: MetricPreset | undefined,
  placeOf: (path: readonly string[]) => Place,
): Problem {
  if (preset === undefined)
    return { rule: `metrics.${name} is missing`, where: placeOf([]), hint: `give metrics.${name}, or a preset` };
  return {
    rule: `${preset.title} do not count ${name}`,
    where: placeOf(["preset"]),
    saw: `preset: ${preset.name}`,
    hint: `give metrics.${name} beside the preset, best from the gateway: a version that refuses connections counts nothing itself`,
  };
}

/** The queries of an arm, its names filled in. */
export function queriesFor(queries: MetricQueries, names: MetricNames): Checked<MetricQueries> {
  const problems: Problem[] = [];
  const fill = (selector: Selector): Selector => {
    const filled = fillNames(selector, names);
    if (filled.state === "ok") return filled.value;
    problems.push(...filled.problems.map((one) => ({ ...one, saw: one.saw ?? formatSelector(selector) })));
    return selector;
  };
  const { source, requests, errors, rejected, latency, wrong, predictions } = queries;
  const filled: MetricQueries = {
    source,
    requests: requests.map(fill),
    errors: errors.map(fill),
    ...(rejected === undefined ? {} : { rejected: rejected.map(fill) }),
    ...(latency === undefined ? {} : { latency: { ...latency, buckets: fill(latency.buckets) } }),
    ...(wrong === undefined ? {} : { wrong: { requests: wrong.requests.map(fill), bad: wrong.bad.map(fill) } }),
    ...(predictions === undefined ? {} : { predictions: { ...predictions, counter: fill(predictions.counter) } }),
  };
  return problems.length > 0 ? bad(...problems) : ok(filled);
}

/** A duration in what a histogram counts. */
export function boundIn(unit: TimeUnit, ms: number): number {
  return { s: ms / 1_000, ms, us: ms * 1_000 }[unit];
}
