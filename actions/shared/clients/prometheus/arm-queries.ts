import type { Problem } from "../../domain/problem.ts";
import { type MetricQueries, queriesFor } from "../../domain/traffic/queries.ts";
import type { MetricNames } from "../../domain/traffic/selector.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type CounterQuery, counterQueries } from "./arm-samples.ts";
import type { Prometheus } from "./connection.ts";
import { findBuckets, type LatencyBuckets } from "./latency-bound.ts";

/** A first release has no stable version. */
export type ArmsByName = { readonly candidate: MetricNames; readonly stable?: MetricNames | undefined };

export type ArmQueries = {
  readonly candidate: readonly CounterQuery[];
  readonly stable?: readonly CounterQuery[];
  /** Both arms' queries with their names, for those who watch the rollout. */
  readonly filled: { readonly candidate: MetricQueries; readonly stable?: MetricQueries };
  /** A histogram has no series yet, and must be looked for again. */
  readonly lacksBuckets: boolean;
};

export type FindingQueries = {
  readonly queries: MetricQueries;
  readonly names: ArmsByName;
  readonly latencyBoundMs: number | undefined;
  readonly atMs: number;
};

/** Everything that is asked for both arms. Throws `CONFIG` where a name is missing, or the latency bound is not counted. */
export async function findArmQueries(
  prometheus: Prometheus,
  { queries, names, latencyBoundMs, atMs }: FindingQueries,
): Promise<ArmQueries> {
  const candidate = filled(queries, names.candidate);
  const stable = names.stable === undefined ? undefined : filled(queries, names.stable);
  if (latencyBoundMs !== undefined && queries.latency === undefined)
    throw new ReleaseError("CONFIG", noLatency(queries));
  const latencies = [candidate.latency, stable?.latency].filter((latency) => latency !== undefined);
  const found =
    latencyBoundMs === undefined
      ? []
      : await Promise.all(
          latencies.map((latency) => findBuckets(prometheus, latency, { atMs, boundMs: latencyBoundMs })),
        );
  const buckets = together(found.filter((one) => one !== undefined));
  return {
    candidate: counterQueries(candidate, buckets),
    ...(stable === undefined ? {} : { stable: counterQueries(stable, buckets) }),
    filled: { candidate, ...(stable === undefined ? {} : { stable }) },
    lacksBuckets: latencyBoundMs !== undefined && buckets === undefined,
  };
}

/** Both arms may write the same bound differently. */
function together(found: readonly LatencyBuckets[]): LatencyBuckets | undefined {
  if (found.length === 0) return undefined;
  return {
    within: [...new Set(found.flatMap(({ within }) => within))],
    all: [...new Set(found.flatMap(({ all }) => all))],
  };
}

function filled(queries: MetricQueries, names: MetricNames): MetricQueries {
  const arm = queriesFor(queries, names);
  if (arm.state === "bad") throw new ReleaseError("CONFIG", arm.problems);
  return arm.value;
}

/** A bound on what nobody counts would never be proved to be kept. */
export function noLatency({ source }: MetricQueries): Problem {
  return {
    rule: "a latency bound needs a histogram of latency",
    where: { input: "latency-bound" },
    saw: `${source} metrics, which have none`,
    hint: "leave latency-bound out, or give metrics.latency.buckets in the rollout file",
  };
}
