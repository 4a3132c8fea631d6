import type { Problem } from "../../domain/problem.ts";
import { formatDuration } from "../../domain/quantity.ts";
import type { ArmCounts, Counts } from "../../domain/rollout/judge.ts";
import { firstAfter, intervalOf, knownUntil } from "../../domain/traffic/counter.ts";
import { type Drift, type DriftPolicy, driftPolicyOf } from "../../domain/traffic/drift.ts";
import { memoryToKeep, type TrafficMemory } from "../../domain/traffic/memory.ts";
import type { MetricQueries, ReadingTimes } from "../../domain/traffic/queries.ts";
import { type ArmReading, countsOfArm, readArm } from "../../domain/traffic/readings.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { AskedQuery, Traffic } from "../../ports/traffic.ts";
import { type ArmQueries, type ArmsByName, findArmQueries } from "./arm-queries.ts";
import { type ReadSamples, readSamples } from "./arm-samples.ts";
import type { Prometheus } from "./connection.ts";
import { driftWatch } from "./drift-watch.ts";

export type PrometheusTrafficOptions = ReadingTimes & {
  readonly prometheus: Prometheus;
  readonly queries: MetricQueries;
  /** Asked at the first count, when both are up. */
  readonly arms: () => Promise<ArmsByName>;
  readonly latencyBoundMs: number | undefined;
  /**
   * Whether nothing of an arm is up that could still be sent a request: what it counted stands then, and no newer samples are waited for.
   * Asked only where it is silent. Default: never.
   */
  readonly isGone?: (arm: Arm) => Promise<boolean>;
  /** How far predictions may lie apart, where the queries have any. Default: as for the stability index. */
  readonly drift?: DriftPolicy | undefined;
  /** Where a process before this one had come to: what came since then is counted, from 0. */
  readonly memory?: TrafficMemory | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
};

export type PrometheusTraffic = Traffic & {
  /** For the journal; undefined before the first count, and where it would be too large. */
  snapshot(): TrafficMemory | undefined;
  /** Every query as it was asked, for the evidence. */
  asked(): readonly AskedQuery[];
  /** What was odd about the metrics: sentences, each once. */
  findings(): readonly string[];
  /** The queries of both arms with their names; undefined before the first count, and without a stable version. */
  watched(): { readonly candidate: MetricQueries; readonly stable: MetricQueries } | undefined;
  /** How far the candidate's predictions lie from the champion's, over all counts of this process; undefined where none are asked for. */
  drift(): Drift | undefined;
  /** Why drift keeps the candidate from more traffic: one sentence; undefined where it does not, or is only told. */
  drifted(): string | undefined;
};

/** How far back a first reading looks for a series that has just missed a scrape. */
const LOOKBACK_MS = 300_000;
/** A longer gap between two readings is bridged by its ends: restarts within it may go unseen. */
const LONGEST_RANGE_MS = 3_600_000;
/** Prometheus's own default; until it is known how often samples come. */
const USUAL_INTERVAL_MS = 60_000;

type Arm = "candidate" | "stable";

/**
 * The traffic that a Prometheus has counted. `counts` answers for the moment of the call, and waits until both arms were scraped after it. After
 * a change of the split it answers for the first moment before which all were scraped since: what was counted under one share never mixes
 * with what came under the next. Where an arm gives no newer samples in time, nothing is
 * counted for either, which the judge takes for what it is: no data; unless nothing of that arm is up any more.
 */
export function prometheusTraffic(options: PrometheusTrafficOptions): PrometheusTraffic {
  const { prometheus, clock, log, signal, offsetMs } = options;
  const findings = new Set<string>();
  const policy = options.drift ?? driftPolicyOf();
  const watch = driftWatch(options.queries.predictions, policy);
  let memory = options.memory;
  let intervalMs = memory?.intervalMs ?? USUAL_INTERVAL_MS;
  let readings: { readonly [arm in Arm]?: ArmReading } = {};
  let atRest: readonly Arm[] = [];
  let queries: ArmQueries | undefined;
  let skewMs: number | undefined;

  return {
    start: () => {},
    counts,
    differing: () => [],
    stop: async () => {},
    snapshot: () => {
      const { candidate, stable } = readings;
      if (memory === undefined || candidate === undefined) return memory;
      return memoryToKeep({ ...memory, candidate: candidate.kept, stable: stable?.kept ?? {} });
    },
    asked: () =>
      (["candidate", "stable"] as const).flatMap((arm) =>
        (queries?.[arm] ?? []).map(({ name, selector }) => ({ arm, counter: name, query: selector })),
      ),
    findings: () => [...findings, ...prometheus.warnings(), ...[watch.told()].filter((one) => one !== undefined)],
    watched: () => {
      const { candidate, stable } = queries?.filled ?? {};
      return candidate === undefined || stable === undefined ? undefined : { candidate, stable };
    },
    drift: watch.drift,
    drifted: () => (policy.gate ? watch.told() : undefined),
  };

  async function counts(after?: "change"): Promise<Counts> {
    skewMs ??= await measureSkew();
    const askedMs = clock.now() + skewMs;
    const sinceMs = after === "change" ? askedMs + options.settleMs : undefined;
    const own = await queriesOfArms(askedMs);
    const until = (sinceMs ?? askedMs) + options.patienceMs;
    for (;;) {
      await clock.sleep(Math.max(offsetMs, 1), signal);
      const read = await tryArms(own, clock.now() + skewMs - offsetMs);
      const moment = sinceMs === undefined ? askedMs : read.firstAfter(sinceMs);
      if (moment !== undefined && read.knownUntil >= moment) return take(read.samples, moment);
      const now = clock.now() + skewMs;
      if (now >= until) return silence(read);
      // the next scrape of the arm that is behind, and what it takes to be in
      const next = Math.max(read.knownUntil, now - intervalMs) + intervalMs + offsetMs - now;
      await clock.sleep(Math.min(Math.max(next, intervalMs / 10, 20), Math.max(until - now, 20)), signal);
    }
  }

  async function measureSkew(): Promise<number> {
    const askedMs = clock.now();
    const there = await prometheus.now();
    const skew = there - (askedMs + clock.now()) / 2;
    if (Math.abs(skew) > 5_000)
      note(`the clock of Prometheus is ${formatDuration(Math.abs(skew))} ${skew > 0 ? "ahead of" : "behind"} ours`);
    return Math.abs(skew) > 1_000 ? Math.round(skew) : 0;
  }

  /** The queries of both arms; asked for once, since their names stay for as long as both are up. */
  async function queriesOfArms(atMs: number): Promise<ArmQueries> {
    if (queries !== undefined && !queries.lacksBuckets) return queries;
    const { latencyBoundMs } = options;
    queries = await findArmQueries(prometheus, {
      queries: options.queries,
      names: await options.arms(),
      latencyBoundMs,
      atMs,
    });
    return queries;
  }

  type ReadArms = {
    readonly samples: { readonly [arm in Arm]?: ReadSamples };
    /** Up to when both arms are known. */
    readonly knownUntil: number;
    readonly silent: readonly Arm[];
    /** The first moment wholly after another, for all that is alive. */
    firstAfter(sinceMs: number): number | undefined;
  };

  /** A Prometheus that is away for a while has not lost anything: it is asked again for as long as a look may take. */
  async function tryArms(own: ArmQueries, atMs: number): Promise<ReadArms> {
    try {
      return await readArms(own, atMs);
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE")) throw error;
      note(error.message);
      return { samples: {}, knownUntil: Number.NEGATIVE_INFINITY, silent: [], firstAfter: () => undefined };
    }
  }

  async function readArms(own: ArmQueries, atMs: number): Promise<ReadArms> {
    const sinceMs = memory === undefined ? LOOKBACK_MS : atMs - memory.atMs + 3 * intervalMs;
    const span = { atMs, rangeMs: Math.min(sinceMs, LONGEST_RANGE_MS) };
    const [candidate, stable] = await Promise.all([
      readSamples(prometheus, own.candidate, span),
      own.stable === undefined ? undefined : readSamples(prometheus, own.stable, span),
    ]);
    const samples = { candidate, ...(stable === undefined ? {} : { stable }) };
    const both = Object.values(samples);
    for (const { odd } of both) odd.forEach(note);
    refuseShared(candidate, stable);
    intervalMs = intervalOf(both.flatMap((arm) => arm.samples.requests ?? [])) ?? intervalMs;
    const known = await Promise.all(
      (Object.entries(samples) as [Arm, ReadSamples][]).map(async ([arm, read]) => {
        if (read.isPartial) return { arm, untilMs: undefined };
        const untilMs = knownUntil(read.samples.requests ?? [], { atMs, intervalMs });
        return { arm, untilMs: untilMs ?? ((await isResting(arm)) ? atMs : undefined) };
      }),
    );
    return {
      samples,
      knownUntil: Math.min(...known.map(({ untilMs }) => untilMs ?? Number.NEGATIVE_INFINITY)),
      silent: known.filter(({ untilMs }) => untilMs === undefined).map(({ arm }) => arm),
      firstAfter: (sinceMs) =>
        firstAfter(
          both.flatMap((arm) => arm.samples.requests ?? []),
          sinceMs,
          { atMs, intervalMs },
        ),
    };
  }

  /** What had come to rest before it fell silent rests on: a version that is scaled to nothing after it lost its traffic. */
  async function isResting(arm: Arm): Promise<boolean> {
    return atRest.includes(arm) || ((await options.isGone?.(arm)) ?? false);
  }

  function take(samples: { readonly [arm in Arm]?: ReadSamples }, atMs: number): Counts {
    const moment = { atMs, intervalMs };
    const before = memory;
    const readOne = (arm: Arm): ArmReading | undefined => {
      const read = samples[arm];
      if (read === undefined) return undefined;
      const was = before === undefined ? undefined : { memory: before[arm], counted: readings[arm]?.counted ?? {} };
      return readArm(was, read.samples, moment);
    };
    const [candidate, stable] = [readOne("candidate"), readOne("stable")];
    const counts = { candidate: tell("candidate", candidate), stable: tell("stable", stable) };
    const was = countsNow();
    atRest = (["candidate", "stable"] as const).filter(
      (arm) => readings[arm] !== undefined && was[arm].requests === counts[arm].requests,
    );
    readings = { ...(candidate === undefined ? {} : { candidate }), ...(stable === undefined ? {} : { stable }) };
    memory = { atMs, intervalMs, candidate: candidate?.memory ?? {}, stable: stable?.memory ?? {} };
    watch.note({ candidate: candidate?.counted.predictions ?? {}, stable: stable?.counted.predictions ?? {} });
    return counts;
  }

  /** As before: nothing is counted where not everything could be. */
  function silence({ silent }: ReadArms): Counts {
    const who = silent.length === 0 ? "one of the arms" : silent.map((arm) => ARM[arm]).join(" and ");
    note(
      `no newer samples of ${who} in ${formatDuration(options.patienceMs)}: are its pods scraped, and do the labels fit?`,
    );
    return countsNow();
  }

  function countsNow(): Counts {
    return { candidate: tell("candidate", readings.candidate), stable: tell("stable", readings.stable) };
  }

  function tell(arm: Arm, reading: ArmReading | undefined): ArmCounts {
    const { counts, odd } = countsOfArm(reading?.counted ?? {});
    for (const what of odd) note(`the counters of ${ARM[arm]} contradict each other: ${what}`);
    return counts;
  }

  function note(what: string): void {
    // numbers within a sentence grow; one of a kind is enough
    const kind = what.replaceAll(/\d+/g, "n");
    if ([...findings].some((told) => told.replaceAll(/\d+/g, "n") === kind)) return;
    findings.add(what);
    log.warn(what);
  }
}

const ARM = { candidate: "the candidate", stable: "the champion" } as const;

/** A series that both arms' queries select would be counted for both. */
function refuseShared(candidate: ReadSamples, stable: ReadSamples | undefined): void {
  const own = new Set((candidate.samples.requests ?? []).map(({ key }) => key));
  if (!(stable?.samples.requests ?? []).some(({ key }) => own.has(key))) return;
  throw new ReleaseError("CONFIG", SHARED);
}

/** Two queries that do not tell the versions apart. */
export const SHARED: Problem = {
  rule: "metrics must tell the versions apart",
  saw: "series that the queries of both versions select",
  hint: 'put a label that differs between them into the query: pod=~"{{pods}}", or {{workload}}, {{service}}, {{revision}}',
};
