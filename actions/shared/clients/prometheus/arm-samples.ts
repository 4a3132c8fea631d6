import type { CounterSeries } from "../../domain/traffic/counter.ts";
import type { MetricQueries } from "../../domain/traffic/queries.ts";
import { ALL, type ArmSamples, type CounterName, WITHIN } from "../../domain/traffic/readings.ts";
import { formatSelector, type Selector } from "../../domain/traffic/selector.ts";
import type { Labels } from "./answer.ts";
import type { Prometheus, Span } from "./connection.ts";
import { bucketsOf, type LatencyBuckets, toNumber } from "./latency-bound.ts";
import { countersOf } from "./series.ts";

/** One counter of an arm, as it is asked for. */
export type CounterQuery = {
  readonly name: CounterName;
  readonly selector: string;
  /** What is added up apart; undefined leaves a series out. */
  readonly groupOf: (metric: Labels) => string | undefined;
};

/** Everything that is asked for an arm whose names are filled in. */
export function counterQueries(
  { requests, errors, rejected = [], latency, wrong, predictions }: MetricQueries,
  buckets: LatencyBuckets | undefined,
): readonly CounterQuery[] {
  const plain = (name: CounterName, selectors: readonly Selector[]): readonly CounterQuery[] =>
    selectors.map((selector) => ({ name, selector: formatSelector(selector), groupOf: () => "" }));
  return [
    ...plain("requests", requests),
    ...plain("errors", errors),
    ...plain("rejected", rejected),
    ...plain("wrong", wrong?.bad ?? []),
    ...plain("compared", wrong?.requests ?? []),
    ...(latency === undefined || buckets === undefined
      ? []
      : [
          {
            name: "latency" as const,
            selector: formatSelector(bucketsOf(latency, buckets)),
            groupOf: ({ le = "" }: Labels) => (buckets.within.includes(le) ? WITHIN : ALL),
          },
        ]),
    ...(predictions === undefined
      ? []
      : [
          {
            name: "predictions" as const,
            selector: formatSelector(predictions.counter),
            groupOf: (metric: Labels) => {
              const value = metric[predictions.by];
              return predictions.isCumulative && value !== undefined ? String(toNumber(value)) : value;
            },
          },
        ]),
  ];
}

export type ReadSamples = {
  readonly samples: ArmSamples;
  readonly odd: readonly string[];
  /** Some series may be missing: nothing may be concluded. */
  readonly isPartial: boolean;
};

/** The raw samples of all counters of an arm, each over the same time. */
export async function readSamples(
  prometheus: Prometheus,
  queries: readonly CounterQuery[],
  span: Span,
): Promise<ReadSamples> {
  const answers = await Promise.all(queries.map(({ selector }) => prometheus.samples(selector, span)));
  const samples: { [name in CounterName]?: readonly CounterSeries[] } = {};
  const odd: string[] = [];
  for (const [i, { name, groupOf }] of queries.entries()) {
    const read = countersOf(answers[i]?.series ?? [], groupOf);
    samples[name] = [...(samples[name] ?? []), ...read.series];
    odd.push(...read.odd);
  }
  return { samples, odd, isPartial: answers.some(({ isPartial }) => isPartial) };
}
