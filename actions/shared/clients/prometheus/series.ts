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
    const sound = samples.filter(([, value]) => Number.isFinite(value) && value >= 0);
    if (sound.length < samples.length)
      odd.add(`${nameOf(metric)} has values that count nothing (NaN, infinite or negative)`);
    if (sound.some(([, value]) => !Number.isInteger(value)))
      odd.add(`${nameOf(metric)} has values that are not whole: is it a counter?`);
    const key = keyOf(metric);
    const known = byKey.get(key);
    if (known !== undefined) odd.add(`${nameOf(metric)} comes from several copies of one server, and was counted once`);
    if (known === undefined || lastOf(known.samples) < lastOf(sound)) byKey.set(key, { key, group, samples: sound });
  }
  return { series: [...byKey.values()].filter(({ samples }) => samples.length > 0), odd: [...odd] };
}

const lastOf = (samples: CounterSeries["samples"]): number => samples.at(-1)?.[0] ?? 0;
const nameOf = (metric: Labels): string => metric.__name__ ?? "the query";
