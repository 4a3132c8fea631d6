import * as v from "valibot";

/** A raw sample of a counter; NaN where there was one without a number that counts. */
export type Sample = readonly [atMs: number, value: number];

/** What one series of a counter was at, in the order of time. */
export type CounterSeries = {
  /** Names the series among all of them. */
  readonly key: string;
  /** What is added up apart: a class of predictions, a bucket of a histogram; "" where everything is one. */
  readonly group: string;
  /** What was scraped: its series are sampled at the same moments, and begin again together. Undefined where that is not known. */
  readonly target?: string | undefined;
  readonly samples: readonly Sample[];
};

/** When a target was scraped, and when it was found to have been started again; in the order of time. */
export type TargetTimes = { readonly scrapes: readonly number[]; readonly restarts: readonly number[] };
export type TimesByTarget = ReadonlyMap<string, TargetTimes>;

/** Everything that must be known of a counter to go on counting, also in another process: the last sample of each series, and what was counted up to them. */
export const CounterMemorySchema = v.object({
  totals: v.record(v.string(), v.number()),
  series: v.array(v.tuple([v.string(), v.string(), v.number(), v.number()])),
});

export type CounterMemory = {
  readonly totals: Readonly<Record<string, number>>;
  readonly series: readonly (readonly [key: string, group: string, atMs: number, value: number])[];
};

export type CounterReading = {
  readonly memory: CounterMemory;
  /** As `memory`, for a process that counts from this moment on: what it counts begins at 0. */
  readonly kept: CounterMemory;
  /** What was counted by group from the first reading on, up to the moment of this one. */
  readonly counted: Readonly<Record<string, number>>;
};

/** What is wanted of a reading. */
export type Moment = {
  readonly atMs: number;
  /** Time between two samples of a series. */
  readonly intervalMs: number;
  /** Of all series of the arm: those of other counters tell that a server was started again where this counter does not. */
  readonly targets?: TimesByTarget;
};

/**
 * Adds up what a counter counted, series by series. Between the sample before the moment and the one after it the counter is taken to have
 * grown evenly: so both arms are counted over the same time, whenever each of their pods was asked. A value below the one before is that of
 * a server that was started again, and counts whole; so does one of a series that was gone while its server was asked, or whose server
 * began again by its other series. A series that was not there before was at 0 at the scrape before its first sample; one
 * that vanishes with its server counts nothing more, and goes on from where it was if both come back. The first reading counts nothing: it is
 * where all others count from.
 */
export function readCounter(
  before: CounterMemory | undefined,
  series: readonly CounterSeries[],
  { atMs, intervalMs, targets = new Map() }: Moment,
): CounterReading {
  const last = new Map((before?.series ?? []).map((one) => [one[0], one]));
  const totals = new Map(Object.entries(before?.totals ?? {}));
  const partly = new Map<string, number>();
  for (const { key, group, target, samples } of series) {
    const first = samples.find(isSound);
    if (first === undefined) continue;
    const times = target === undefined ? undefined : targets.get(target);
    const known = last.get(key);
    let [at, value] =
      known === undefined
        ? startOf(first, { samples, times, intervalMs: before === undefined ? undefined : intervalMs })
        : [known[2], known[3]];
    for (const sample of samples) {
      const [sampledAt, sampled] = sample;
      if (sampledAt <= at || !isSound(sample)) continue;
      const isNew = sampled < value || (times !== undefined && beganAgain(times, samples, [at, sampledAt]));
      const grown = isNew ? sampled : sampled - value;
      if (sampledAt > atMs) {
        if (at < atMs) add(partly, group, (grown * (atMs - at)) / (sampledAt - at));
        break;
      }
      if (before !== undefined) add(totals, group, grown);
      [at, value] = [sampledAt, sampled];
    }
    if (at <= atMs || before === undefined) last.set(key, [key, group, at, value]);
    add(totals, group, 0);
  }
  // all others count from the moment of the first reading, not from the samples before it
  if (before === undefined) for (const [group, part] of partly) add(totals, group, -part);
  const counted = Object.fromEntries(
    [...totals].map(([group, total]) => [group, Math.max(0, Math.floor(total + (partly.get(group) ?? 0) + ROUNDING))]),
  );
  const own = [...last.values()];
  const fromNow = [...totals.keys()].map((group) => [group, -(partly.get(group) ?? 0)] as const);
  return {
    memory: { totals: Object.fromEntries(totals), series: own },
    kept: { totals: Object.fromEntries(fromNow), series: own },
    counted,
  };
}

/**
 * From where a series is followed that was not known: from 0 at the scrape before, which did not have it. Without such a scrape its server is
 * new since the reading before; at the first reading it may have been there for long, and is followed from its first sample.
 */
function startOf(first: Sample, { samples, times, intervalMs }: Beginning): Sample {
  // it was there already, without a number
  if (first !== samples[0]) return first;
  const without = times?.scrapes.findLast((atMs) => atMs < first[0]);
  if (without !== undefined) return [without, 0];
  return intervalMs === undefined ? first : [first[0] - intervalMs, 0];
}

type Beginning = {
  readonly samples: readonly Sample[];
  readonly times: TargetTimes | undefined;
  /** Undefined at the first reading. */
  readonly intervalMs: number | undefined;
};

const isSound = ([, value]: Sample): boolean => !Number.isNaN(value);

/** Whether a series was gone while its target was asked, or its target began again, between two of its samples. */
function beganAgain(
  { scrapes, restarts }: TargetTimes,
  samples: readonly Sample[],
  [fromMs, toMs]: readonly [number, number],
): boolean {
  const isWithin = (atMs: number) => atMs > fromMs && atMs < toMs;
  return (
    scrapes.some((atMs) => isWithin(atMs) && !samples.some(([own]) => own === atMs)) ||
    restarts.some((atMs) => isWithin(atMs) || atMs === toMs)
  );
}

/** When the targets of an arm were scraped, by all of its series. A counter that fell by more than half tells that all begin again. */
export function timesOfTargets(series: readonly CounterSeries[]): TimesByTarget {
  const scrapes = new Map<string, Set<number>>();
  const restarts = new Map<string, Set<number>>();
  const note = (times: Map<string, Set<number>>, target: string, atMs: number) => {
    const known = times.get(target) ?? new Set();
    times.set(target, known.add(atMs));
  };
  for (const { target, samples } of series) {
    if (target === undefined) continue;
    for (const [i, [atMs, value]] of samples.entries()) {
      note(scrapes, target, atMs);
      if (value < (samples[i - 1]?.[1] ?? 0) / 2) note(restarts, target, atMs);
    }
  }
  const sorted = (times: ReadonlySet<number> | undefined) => [...(times ?? [])].sort((a, b) => a - b);
  return new Map(
    [...scrapes].map(([target, times]) => [target, { scrapes: sorted(times), restarts: sorted(restarts.get(target)) }]),
  );
}

/** Sums of fractions that should be whole are not. */
const ROUNDING = 1e-6;

function add(sums: Map<string, number>, group: string, value: number): void {
  sums.set(group, (sums.get(group) ?? 0) + value);
}

/** The longest of the usual times between two samples of a series; undefined where none has two. */
export function intervalOf(series: readonly CounterSeries[]): number | undefined {
  const usual = series.flatMap(({ samples }) => {
    const steps = samples.slice(1).map(([atMs], i) => atMs - (samples[i]?.[0] ?? atMs));
    const middle = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
    return middle === undefined ? [] : [middle];
  });
  return usual.length === 0 ? undefined : Math.max(...usual);
}

/** How many intervals a series may be silent before it counts as gone. */
const SILENT_INTERVALS = 2.5;

/**
 * The first moment that lies wholly after another: every live series was sampled between them. What a counter did around it, it did after
 * the other, so that a rate that changed there is not spread over both sides. Undefined where a series has no sample yet.
 */
export function firstAfter(
  series: readonly CounterSeries[],
  sinceMs: number,
  { atMs, intervalMs }: Moment,
): number | undefined {
  const firsts = series
    .filter(({ samples }) => isAlive(samples, { atMs, intervalMs }))
    .map(({ samples }) => samples.find((sample) => isSound(sample) && sample[0] >= sinceMs)?.[0]);
  const known = firsts.filter((first) => first !== undefined);
  return known.length === 0 || known.length < firsts.length ? undefined : Math.max(...known);
}

function isAlive(samples: readonly Sample[], { atMs, intervalMs }: Moment): boolean {
  const end = samples.findLast(isSound)?.[0];
  return end !== undefined && end >= atMs - SILENT_INTERVALS * intervalMs;
}

/** Up to when an arm is known: the earliest of the last samples of its series that are alive at a moment; undefined where none is. */
export function knownUntil(series: readonly CounterSeries[], { atMs, intervalMs }: Moment): number | undefined {
  const ends = series.flatMap(({ samples }) =>
    isAlive(samples, { atMs, intervalMs }) ? [samples.findLast(isSound)?.[0] ?? 0] : [],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
