import type { Labels } from "../../actions/shared/clients/prometheus/answer.ts";
import type { Prometheus, SampledSeries } from "../../actions/shared/clients/prometheus/connection.ts";
import { parseSelector, type Selector } from "../../actions/shared/domain/traffic/selector.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";

/** A series that is scraped every `everyMs` from `fromMs` on, until `untilMs`; its value is what it is at the scrape. */
export type FakeSeries = {
  readonly metric: Labels;
  readonly everyMs: number;
  readonly fromMs: number;
  readonly untilMs?: number;
  valueAt(ms: number): number;
};

export type FakePrometheus = Omit<Prometheus, "samples"> & {
  readonly series: FakeSeries[];
  isPartial: boolean;
  samples: Prometheus["samples"];
};

/** What a Prometheus answers whose scrapes never fail, without one: samples are made when they are asked for. */
export function fakePrometheus(clock: Clock, aheadMs = 0): FakePrometheus {
  const series: FakeSeries[] = [];
  const fake: FakePrometheus = {
    series,
    isPartial: false,
    base: "http://prometheus.test",
    now: async () => clock.now() + aheadMs,
    warnings: () => [],
    samples: async (written, { atMs, rangeMs }) => {
      const selector = selectorOf(written);
      const found = series.filter(({ metric }) => matches(selector, metric));
      const sampled = found.map((one) => ({ metric: one.metric, samples: samplesOf(one, { atMs, rangeMs }) }));
      return { series: sampled.filter(({ samples }) => samples.length > 0), isPartial: fake.isPartial };
    },
    vector: async (query, atMs) => {
      const [, labels = "", inner = ""] = /^(?:group by \((\w+)\)|count) ?\((.*)\)$/.exec(query) ?? [];
      const { series: found } = await fake.samples(inner, { atMs, rangeMs: 300_000 });
      const groups = new Map(found.map(({ metric }) => [metric[labels] ?? "", pick(metric, labels)]));
      return [...groups.values()].map((metric) => ({ metric, sample: [atMs, 1] as const }));
    },
  };
  return fake;
}

function samplesOf(
  { everyMs, fromMs, untilMs = Number.POSITIVE_INFINITY, valueAt }: FakeSeries,
  { atMs, rangeMs }: { readonly atMs: number; readonly rangeMs: number },
): SampledSeries["samples"] {
  const first = Math.max(0, Math.ceil((atMs - rangeMs - fromMs) / everyMs));
  const samples: (readonly [number, number])[] = [];
  for (let ms = fromMs + first * everyMs; ms <= Math.min(atMs, untilMs); ms += everyMs) samples.push([ms, valueAt(ms)]);
  return samples;
}

function selectorOf(text: string): Selector {
  const selector = parseSelector(text);
  if (selector.state === "bad") throw new Error(`no selector: ${text}`);
  return selector.value;
}

function matches({ metric: name, matchers }: Selector, metric: Labels): boolean {
  if (name !== "" && metric.__name__ !== name) return false;
  return matchers.every(({ label, op, value }) => {
    const is = metric[label] ?? "";
    const holds = op.endsWith("~") ? new RegExp(`^(?:${value})$`).test(is) : is === value;
    return op.startsWith("!") ? !holds : holds;
  });
}

function pick(metric: Labels, label: string): Labels {
  const value = metric[label];
  return value === undefined ? {} : { [label]: value };
}
