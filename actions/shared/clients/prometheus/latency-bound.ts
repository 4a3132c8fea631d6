import { formatDuration } from "../../domain/quantity.ts";
import { boundIn, type MetricQueries } from "../../domain/traffic/queries.ts";
import { formatSelector, type Matcher, type Selector } from "../../domain/traffic/selector.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Prometheus } from "./connection.ts";

/** Which buckets are read: those up to the bound, and those of everything, as their series write them. */
export type LatencyBuckets = { readonly within: readonly string[]; readonly all: readonly string[] };

type Latency = NonNullable<MetricQueries["latency"]>;

/**
 * Finds the bound among the buckets that there are. It must be one of them, else the error lists them: between two buckets nobody has counted.
 * Versions of Prometheus write the same bound differently (`1`, `1.0`, `1e+06`), so all ways that are in use are read. Undefined where there
 * is no series yet.
 */
export async function findBuckets(
  prometheus: Prometheus,
  { buckets, unit }: Latency,
  { atMs, boundMs }: { readonly atMs: number; readonly boundMs: number },
): Promise<LatencyBuckets | undefined> {
  const found = await prometheus.vector(`group by (le) (${formatSelector(buckets)})`, atMs);
  if (found.length === 0) return undefined;
  const written = found.map(({ metric }) => metric.le).filter((le) => le !== undefined);
  if (written.length === 0) throw noBuckets(buckets);
  const bound = boundIn(unit, boundMs);
  const within = written.filter((le) => isNear(toNumber(le), bound));
  if (within.length === 0) throw unknownBound({ buckets, unit }, { boundMs, written });
  return { within, all: written.filter((le) => toNumber(le) === Number.POSITIVE_INFINITY) };
}

/** The buckets that are read, of one arm. */
export function bucketsOf({ buckets }: Latency, { within, all }: LatencyBuckets): Selector {
  // `.` and `+` of numbers mean something else in a regular expression
  const value = [...within, ...all].map((le) => le.replaceAll(/[.+]/g, "\\$&")).join("|");
  const matcher: Matcher = { label: "le", op: "=~", value };
  return { ...buckets, matchers: [...buckets.matchers, matcher] };
}

export function toNumber(le: string): number {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * b;
}

function noBuckets(buckets: Selector): ReleaseError {
  return new ReleaseError("CONFIG", {
    rule: `a latency bound needs the buckets of a histogram: ${formatSelector(buckets)}`,
    saw: "series without the label le",
    hint: "name the series that ends in _bucket; native histograms have none",
  });
}

function unknownBound(
  { buckets, unit }: Latency,
  { boundMs, written }: { readonly boundMs: number; readonly written: readonly string[] },
): ReleaseError {
  const inMs = { s: 1_000, ms: 1, us: 0.001 }[unit];
  const bounds = [...new Set(written.map(toNumber).filter(Number.isFinite))].sort((a, b) => a - b);
  return new ReleaseError("CONFIG", {
    rule: `latency-bound must be a bound of the histogram ${formatSelector(buckets)}`,
    where: { input: "latency-bound" },
    saw: formatDuration(boundMs),
    allowed: bounds.map((bound) => formatBound(bound * inMs)).join(", "),
    hint: "answers are counted by these bounds only",
  });
}

/** Bounds need more digits than waits do. */
function formatBound(ms: number): string {
  if (ms >= 1_000) return `${Number((ms / 1_000).toPrecision(6))}s`;
  return `${Number(ms.toPrecision(6))}ms`;
}
