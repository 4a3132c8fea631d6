import type { ArmCounts } from "../rollout/judge.ts";
import { type CounterSeries, type Moment, readCounter, timesOfTargets } from "./counter.ts";
import type { ArmMemory } from "./memory.ts";

/** The counters of one arm by name, and by group within each. */
export type ArmReading = { readonly memory: ArmMemory; readonly kept: ArmMemory; readonly counted: Counted };
export type Counted = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The names under which an arm's counters are kept. */
export const COUNTERS = ["requests", "errors", "rejected", "latency", "wrong", "compared", "predictions"] as const;
export type CounterName = (typeof COUNTERS)[number];

export type ArmSamples = { readonly [name in CounterName]?: readonly CounterSeries[] | undefined };

/** Every counter of an arm at a moment, going on from the reading before. */
export function readArm(
  before: { readonly memory: ArmMemory; readonly counted: Counted } | undefined,
  samples: ArmSamples,
  { atMs, intervalMs }: Moment,
): ArmReading {
  const targets = timesOfTargets(Object.values(samples).flatMap((series) => series ?? []));
  const moment = { atMs, intervalMs, targets };
  const read = COUNTERS.flatMap((name) => {
    const series = samples[name];
    if (series === undefined) return [];
    const { counted, ...memories } = readCounter(before?.memory[name], series, moment);
    return [[name, { ...memories, counted: atLeast(before?.counted[name] ?? {}, counted) }] as const];
  });
  return {
    memory: Object.fromEntries(read.map(([name, { memory }]) => [name, memory])),
    kept: Object.fromEntries(read.map(([name, { kept }]) => [name, kept])),
    counted: Object.fromEntries(read.map(([name, { counted }]) => [name, counted])),
  };
}

type Groups = Readonly<Record<string, number>>;

/** Samples that come late must not take back what was counted. */
function atLeast(before: Groups, now: Groups): Groups {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return Object.fromEntries(names.map((name) => [name, Math.max(before[name] ?? 0, now[name] ?? 0)]));
}

/** The group of a histogram's bucket up to the latency bound. */
export const WITHIN = "within";
/** The group of a histogram's bucket of everything. */
export const ALL = "all";

export type ArmOfCounts = {
  readonly counts: ArmCounts;
  /** Counters that contradict each other: sentences. */
  readonly odd: readonly string[];
};

/** What the judge is told of an arm. No bad event without its request: where counters say so, the lower number holds, and it is told. */
export function countsOfArm(counted: Counted): ArmOfCounts {
  const odd: string[] = [];
  const tally = (n: number, badEvents: number, what: string) => {
    if (badEvents > n) odd.push(`${what}: ${badEvents} of only ${n}`);
    return { n, bad: Math.min(n, badEvents) };
  };
  const sum = (name: CounterName): number | undefined => {
    const groups = counted[name];
    return groups === undefined ? undefined : Object.values(groups).reduce((total, one) => total + one, 0);
  };
  const requests = sum("requests") ?? 0;
  const rejected = sum("rejected");
  const latency = counted.latency;
  const wrong = sum("wrong");
  const all = latency?.[ALL] ?? 0;
  const counts: ArmCounts = {
    started: requests,
    requests,
    ...(rejected === undefined ? {} : { rejected: tally(requests, rejected, "rejected requests").bad }),
    series: {
      errors: tally(requests, sum("errors") ?? 0, "errors"),
      ...(latency === undefined ? {} : { slow: tally(all, Math.max(0, all - (latency[WITHIN] ?? 0)), "slow answers") }),
      ...(wrong === undefined ? {} : { wrong: tally(sum("compared") ?? 0, wrong, "wrong answers") }),
    },
  };
  return { counts, odd };
}
