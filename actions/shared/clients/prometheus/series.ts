import type { CounterSeries } from "../../domain/traffic/counter.ts";
import { sha256 } from "../../lib/hash.ts";
import type { Labels } from "./answer.ts";
import type { SampledSeries } from "./connection.ts";

/** Labels that tell copies of one server apart, which have all scraped the same. */
const COPIES = ["prometheus_replica", "__replica__", "thanos_replica", "prometheus_server"];

/** Names a series in few bytes: a journal keeps hundreds of them. */
function keyOf(metric: Labels): string {
  const labels = Object.entries(metric).filter(([name]) => !COPIES.includes(name));
  return sha256(JSON.stringify(labels.sort(([a], [b]) => (a < b ? -1 : 1)))).slice(7, 19);
}

/** Prometheus scrapes what it knows by job and instance; the rest tells apart what several of them have scraped. */
const TARGET = ["job", "instance", "pod", "cluster", "prometheus", ...COPIES];

function targetOf(metric: Labels): string | undefined {
  if (metric.instance === undefined) return undefined;
  return JSON.stringify(TARGET.map((name) => metric[name] ?? ""));
}

export type CounterSamples = {
  readonly series: readonly CounterSeries[];
  /** What cannot be a counter's: sentences. */
  readonly odd: readonly string[];
};

/** Series as counters: copies once, and only samples that count something. `groupOf` says what is added up apart; undefined leaves a series out. */
export function countersOf(
  sampled: readonly SampledSeries[],
  groupOf: (metric: Labels) => string | undefined,
): CounterSamples {
  const byKey = new Map<string, CounterSeries>();
  const odd = new Set<string>();
  for (const { metric, samples } of sampled) {
    const group = groupOf(metric);
    if (group === undefined) continue;
    const sound = samples.map(([atMs, value]) => [atMs, isCount(value) ? value : Number.NaN] as const);
    if (sound.some(([, value]) => Number.isNaN(value)))
      odd.add(`${nameOf(metric)} has values that count nothing (NaN, infinite or negative)`);
    if (sound.some(([, value]) => value % 1 !== 0 && !Number.isNaN(value)))
      odd.add(`${nameOf(metric)} has values that are not whole: is it a counter?`);
    const falls = sound.filter(([, value], i) => value < (sound[i - 1]?.[1] ?? 0)).length;
    if (falls >= MANY_FALLS)
      odd.add(
        `${nameOf(metric)} falls again and again: is it no counter, or do several processes of a server answer in turn?`,
      );
    const key = keyOf(metric);
    const known = byKey.get(key);
    if (known !== undefined) odd.add(`${nameOf(metric)} comes from several copies of one server, and was counted once`);
    if (known === undefined || lastOf(known.samples) < lastOf(sound))
      byKey.set(key, { key, group, target: targetOf(metric), samples: sound });
  }
  return { series: [...byKey.values()].filter(({ samples }) => samples.length > 0), odd: [...odd] };
}

/** So often a server is not started again between two looks. */
const MANY_FALLS = 4;

const isCount = (value: number): boolean => Number.isFinite(value) && value >= 0;
const lastOf = (samples: CounterSeries["samples"]): number => samples.at(-1)?.[0] ?? 0;
const nameOf = (metric: Labels): string => metric.__name__ ?? "the query";
