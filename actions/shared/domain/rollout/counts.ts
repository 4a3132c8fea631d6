import { addTallies, NOTHING, type Tally } from "./e-process.ts";
import type { ArmCounts, Counts, SeriesName } from "./judge.ts";

/** What can be bad about an answer: none or none of the protocol's shape, over the latency bound, not the expected one. */
export const TALLIED = ["errors", "slow", "wrong"] as const;

/** Requests of one arm and the bad ones among them, as a series sees them; undefined where nobody counts that. */
export function tallyOf(arm: ArmCounts, name: SeriesName): Tally | undefined {
  if (name !== "rejected") return arm.series[name];
  return arm.rejected === undefined ? undefined : { n: arm.requests, bad: arm.rejected };
}

/** Answers that did harm: none, none of the protocol's shape, or not the expected one. A late one is none of them. */
export function failedOf({ series }: ArmCounts): number {
  return (series.errors?.bad ?? 0) + (series.wrong?.bad ?? 0);
}

/** What came between two readings of counters that only grow. */
export function countsSince(before: Counts, after: Counts): Counts {
  return { candidate: since(before.candidate, after.candidate), stable: since(before.stable, after.stable) };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { candidate: sum(a.candidate, b.candidate), stable: sum(a.stable, b.stable) };
}

export const NO_COUNTS: Counts = {
  candidate: { started: 0, requests: 0, series: {} },
  stable: { started: 0, requests: 0, series: {} },
};

function since(before: ArmCounts, after: ArmCounts): ArmCounts {
  const names = TALLIED.filter((name) => after.series[name] !== undefined);
  return {
    started: after.started - before.started,
    requests: after.requests - before.requests,
    ...(after.rejected === undefined ? {} : { rejected: after.rejected - (before.rejected ?? 0) }),
    series: Object.fromEntries(
      names.map((name) => {
        const [was, is] = [before.series[name] ?? NOTHING, after.series[name] ?? NOTHING];
        return [name, { n: is.n - was.n, bad: is.bad - was.bad }];
      }),
    ),
  };
}

function sum(a: ArmCounts, b: ArmCounts): ArmCounts {
  const names = TALLIED.filter((name) => a.series[name] !== undefined || b.series[name] !== undefined);
  return {
    started: a.started + b.started,
    requests: a.requests + b.requests,
    ...(a.rejected === undefined && b.rejected === undefined
      ? {}
      : { rejected: (a.rejected ?? 0) + (b.rejected ?? 0) }),
    series: Object.fromEntries(
      names.map((name) => [name, addTallies(a.series[name] ?? NOTHING, b.series[name] ?? NOTHING)]),
    ),
  };
}
