import { boundIn, type MetricQueries } from "../../domain/traffic/queries.ts";
import { formatSelector, type Selector } from "../../domain/traffic/selector.ts";

/** Both arms of a rollout as metrics name them, for those who watch it: what dashboards and alerts are made of. */
export type WatchedRollout = {
  /** As people call it: `digits in prod`. */
  readonly title: string;
  readonly namespace: string;
  /** Name of the Lease of whoever may change the target. */
  readonly lease: string;
  /** How long the lease holds without being renewed. */
  readonly leaseSeconds: number;
  readonly candidate: MetricQueries;
  readonly stable: MetricQueries;
  readonly latencyBoundMs: number | undefined;
};

/** Events per second. What has no series yet is 0: many counters begin with their first event. */
export function rateOf(selectors: readonly Selector[], range: string): string {
  const rates = selectors.map((selector) => `(sum(rate(${formatSelector(selector)}[${range}])) or vector(0))`);
  return rates.length === 0 ? "vector(0)" : rates.join(" + ");
}

/** Which part of its requests is bad. NaN, a gap in a chart, where there are none. */
export function partOf(bad: readonly Selector[], all: readonly Selector[], range: string): string {
  return `(${rateOf(bad, range)}) / (${rateOf(all, range)})`;
}

/** Which part of its answers took longer than the bound. */
export function slowPartOf(
  { buckets, unit }: NonNullable<MetricQueries["latency"]>,
  boundMs: number,
  range: string,
): string {
  const bound = boundIn(unit, boundMs);
  // both ways in which versions of Prometheus write a whole number
  const written = Number.isInteger(bound) ? `${bound}|${bound}\\.0` : String(bound).replaceAll(".", "\\.");
  const of = (le: string): Selector => ({
    ...buckets,
    matchers: [...buckets.matchers, { label: "le", op: "=~", value: le }],
  });
  return `1 - (${rateOf([of(written)], range)}) / (${rateOf([of("\\+Inf")], range)})`;
}

/** The candidate's part of all requests. */
export function shareOf({ candidate, stable }: WatchedRollout, range: string): string {
  const own = rateOf(candidate.requests, range);
  return `(${own}) / (${own} + ${rateOf(stable.requests, range)})`;
}

/** Seconds since the lease was renewed, by kube-state-metrics. */
export function leaseAge({ namespace, lease }: WatchedRollout): string {
  const of: Selector = {
    metric: "kube_lease_renew_time",
    matchers: [
      { label: "namespace", op: "=", value: namespace },
      { label: "lease", op: "=", value: lease },
    ],
  };
  return `time() - max(${formatSelector(of)})`;
}
