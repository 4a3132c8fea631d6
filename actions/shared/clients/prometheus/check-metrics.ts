import type { Problem } from "../../domain/problem.ts";
import { formatDuration } from "../../domain/quantity.ts";
import type { ExpectedTraffic } from "../../domain/rollout/forecast.ts";
import { intervalOf } from "../../domain/traffic/counter.ts";
import { type MetricQueries, queriesFor } from "../../domain/traffic/queries.ts";
import { countsOfArm, readArm } from "../../domain/traffic/readings.ts";
import { formatSelector, type MetricNames, type Selector } from "../../domain/traffic/selector.ts";
import { isReleaseError } from "../../lib/error.ts";
import { noLatency } from "./arm-queries.ts";
import { counterQueries, type ReadSamples, readSamples } from "./arm-samples.ts";
import type { Prometheus } from "./connection.ts";
import { findBuckets } from "./latency-bound.ts";
import { SHARED } from "./traffic.ts";

/** Whether metrics can judge a rollout, before anything is changed. */
export type MetricCheck = {
  /** What would keep them from it. */
  readonly problems: readonly Problem[];
  /** Sentences for the plan. */
  readonly notes: readonly string[];
  /** What stable gets now, for the forecast; absent where nothing was counted. */
  readonly traffic?: ExpectedTraffic;
  /** How often samples come; a look takes as long at least. */
  readonly intervalMs?: number;
};

export type Checking = {
  readonly queries: MetricQueries;
  /** A first release has no stable version: then nothing can be asked yet. */
  readonly stable: MetricNames | undefined;
  readonly candidate: MetricNames;
  readonly latencyBoundMs: number | undefined;
  readonly lookMs: number;
};

/** The last five minutes of stable. */
const SPAN_MS = 300_000;

/** Asks every query for stable now, and whether the candidate's will be others. Reads only. */
export async function checkMetrics(prometheus: Prometheus, checking: Checking): Promise<MetricCheck> {
  const { queries } = checking;
  const candidate = queriesFor(queries, checking.candidate);
  if (candidate.state === "bad") return { problems: candidate.problems, notes: [] };
  if (checking.stable === undefined)
    return { problems: [], notes: ["Nothing serves yet, so the metrics could not be tried."] };
  const stable = queriesFor(queries, checking.stable);
  if (stable.state === "bad") return { problems: stable.problems, notes: [] };
  const alike = stable.value.requests.filter((selector) =>
    candidate.value.requests.some((other) => formatSelector(other) === formatSelector(selector)),
  );
  if (alike.length > 0)
    return { problems: alike.map((selector) => ({ ...SHARED, saw: formatSelector(selector) })), notes: [] };
  return askNow(prometheus, checking, { stable: stable.value, candidate: candidate.value });
}

type Filled = { readonly stable: MetricQueries; readonly candidate: MetricQueries };

async function askNow(prometheus: Prometheus, checking: Checking, { stable, candidate }: Filled): Promise<MetricCheck> {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const atMs = await prometheus.now();
  const bound = checking.latencyBoundMs;
  const buckets = await collect(problems, async () =>
    bound === undefined || stable.latency === undefined
      ? undefined
      : findBuckets(prometheus, stable.latency, { atMs, boundMs: bound }),
  );
  if (bound !== undefined && stable.latency === undefined) problems.push(noLatency(stable));
  const span = { atMs, rangeMs: SPAN_MS };
  const read = await collect(problems, () => readSamples(prometheus, counterQueries(stable, buckets), span));
  const own = await collect(problems, () => readSamples(prometheus, counterQueries(candidate, undefined), span));
  if (read === undefined) return { problems, notes };
  const requests = read.samples.requests ?? [];
  if (requests.length === 0) problems.push(...(await findMissing(prometheus, stable.requests, atMs)));
  if ((own?.samples.requests ?? []).some(({ key }) => requests.some((series) => series.key === key)))
    problems.push(SHARED);
  notes.push(...notesOn(read), ...prometheus.warnings());
  const intervalMs = intervalOf(requests);
  if (intervalMs === undefined) return { problems, notes };
  if (intervalMs > checking.lookMs)
    notes.push(
      `Samples come every ${formatDuration(intervalMs)}: a look takes at least as long, not ${formatDuration(checking.lookMs)}.`,
    );
  return { problems, notes, intervalMs, traffic: trafficOf(read, { atMs, intervalMs }) };
}

async function collect<T>(problems: Problem[], act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (!isReleaseError(error, "CONFIG")) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function notesOn({ samples, odd, isPartial }: ReadSamples): readonly string[] {
  const silent = (samples.requests ?? []).length > 0 && (samples.errors ?? []).length === 0;
  return [
    ...odd.map((what) => `${what}.`),
    ...(silent ? ["No series of errors yet: taken as none, since counters often begin with the first event."] : []),
    ...(isPartial ? ["A part of the stores behind Prometheus did not answer: looks wait until all of them do."] : []),
  ];
}

/** Rates of the time between the earliest and the latest sample. */
function trafficOf(
  { samples }: ReadSamples,
  { atMs, intervalMs }: { readonly atMs: number; readonly intervalMs: number },
) {
  const all = (samples.requests ?? []).flatMap((series) => series.samples.map(([at]) => at));
  const [from, to] = [Math.min(...all), Math.max(...all)];
  const seconds = (to - from) / 1_000;
  if (seconds <= 0) return { rate: 0, bad: {} };
  const first = readArm(undefined, samples, { atMs: from, intervalMs });
  const last = readArm(first, samples, { atMs, intervalMs });
  const { counts } = countsOfArm(last.counted);
  const bad = Object.entries(counts.series).flatMap(([name, tally]) =>
    tally === undefined || tally.n === 0 ? [] : [[name, tally.bad / tally.n] as const],
  );
  return { rate: counts.requests / seconds, bad: Object.fromEntries(bad) };
}

/** Which label keeps a query from answering: the one without which there are series. */
async function findMissing(
  prometheus: Prometheus,
  selectors: readonly Selector[],
  atMs: number,
): Promise<readonly Problem[]> {
  const [selector] = selectors;
  if (selector === undefined) return [];
  const rule = `nothing is counted for stable by ${formatSelector(selector)}`;
  const named = { ...selector, matchers: selector.matchers.filter(({ label }) => label === "__name__") };
  const metric = await prometheus.vector(`count(${formatSelector(named)})`, atMs);
  if (metric.length === 0)
    return [{ rule, saw: `no series of ${formatSelector(named)} at all`, hint: "is it scraped by this Prometheus?" }];
  for (const matcher of selector.matchers) {
    const others = { ...selector, matchers: selector.matchers.filter((one) => one !== matcher) };
    const found = await prometheus.vector(`group by (${matcher.label}) (${formatSelector(others)})`, atMs);
    const values = found.map(({ metric: labels }) => labels[matcher.label]).filter((value) => value !== undefined);
    if (found.length > 0 && values.length === 0)
      return [
        {
          rule,
          saw: `series without the label ${matcher.label}`,
          hint: `a relabeling of the scrape must set ${matcher.label}; where the scrape has a label of that name, the series' own is called exported_${matcher.label}`,
        },
      ];
    if (found.length > 0)
      return [
        { rule, saw: `${matcher.label} ${list(values)}`, allowed: `${matcher.label}${matcher.op}"${matcher.value}"` },
      ];
  }
  return [{ rule, saw: `series of ${formatSelector(named)}, none of which has these labels` }];
}

function list(values: readonly string[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value));
  return `${shown.join(", ")}${values.length > shown.length ? `, and ${values.length - shown.length} more` : ""}`;
}
