import { binomial, poisson, type Random } from "../../actions/shared/domain/rollout/random.ts";
import type { CounterSeries, Sample } from "../../actions/shared/domain/traffic/counter.ts";
import { type ArmReading, countsOfArm, readArm } from "../../actions/shared/domain/traffic/readings.ts";
import type { Seen } from "./judge-under-test.ts";
import type { Moment, Scenario } from "./scenarios.ts";

const SCRAPE_SECONDS = 15;
const RESTART_SECONDS = 180;

export type Scraping = {
  /** Before most runs are decided, the candidate's server and one of stable's start again: counters begin at 0, the last seconds are lost. */
  readonly restarts: boolean;
};

type Arm = "candidate" | "stable";
type Pod = {
  readonly arm: Arm;
  readonly part: number;
  readonly offset: number;
  readonly restartAt: number | undefined;
};
type Scraped = { readonly requests: CounterSeries; readonly errors: CounterSeries };

const PODS: Readonly<Record<Arm, number>> = { candidate: 1, stable: 3 };

/**
 * The same traffic as a metric server has it: every server is asked for its counters each 15 s, at a time of its own, and each look reads what was
 * counted up to its moment by the very code of deploy-model.
 */
export function scrape(scenario: Scenario, random: Random, { restarts }: Scraping): readonly Seen[] {
  const arms = (["candidate", "stable"] as const).map((arm) =>
    Array.from({ length: PODS[arm] }, (_, i) =>
      scrapePod(scenario, random, {
        arm,
        part: 1 / PODS[arm],
        offset: random() * SCRAPE_SECONDS,
        restartAt: restarts && i === 0 ? RESTART_SECONDS + random() * SCRAPE_SECONDS : undefined,
      }),
    ),
  );
  const readings = arms.map((pods) => readAll(scenario, pods));
  return Array.from({ length: scenario.looks }, (_, i) => {
    const [candidate, stable] = readings.map((all) => since(all[i], all[i + 1]));
    return { candidate: candidate ?? NOBODY, stable: stable ?? NOBODY };
  });
}

const NOBODY = { n: 0, bad: 0 };

/** From one event to the next: a scrape, a look (where rates and shares may change), a new start. */
function scrapePod(scenario: Scenario, random: Random, pod: Pod): Scraped {
  const requests: Sample[] = [];
  const errors: Sample[] = [];
  let [n, bad] = [0, 0];
  let restartAt = pod.restartAt ?? Number.POSITIVE_INFINITY;
  let nextScrape = pod.offset - SCRAPE_SECONDS;
  const end = scenario.looks * scenario.lookSeconds + 2 * SCRAPE_SECONDS;
  for (let at = nextScrape; at < end; ) {
    const nextLook = (Math.floor(at / scenario.lookSeconds) + 1) * scenario.lookSeconds;
    const until = Math.min(nextScrape, nextLook, restartAt);
    const moment = scenario.at(Math.max(0, at));
    const arrived = poisson(random, scenario.rate * (until - at) * shareOf(moment, pod));
    n += arrived;
    bad += binomial(random, arrived, moment[pod.arm]);
    at = until;
    if (until === restartAt) {
      [n, bad] = [0, 0];
      restartAt = Number.POSITIVE_INFINITY;
    }
    if (until !== nextScrape) continue;
    requests.push([nextScrape * 1_000, n]);
    errors.push([nextScrape * 1_000, bad]);
    nextScrape += SCRAPE_SECONDS;
  }
  const series = (samples: readonly Sample[]): CounterSeries => ({
    key: `${pod.arm} ${pod.offset}`,
    group: "",
    samples,
  });
  return { requests: series(requests), errors: series(errors) };
}

function shareOf({ share }: Moment, { arm, part }: Pod): number {
  return part * (arm === "candidate" ? share : 1 - share);
}

/** What an arm's counters come to at the beginning and after each look. */
function readAll(scenario: Scenario, pods: readonly Scraped[]): readonly (readonly [n: number, bad: number])[] {
  let before: ArmReading | undefined;
  return Array.from({ length: scenario.looks + 1 }, (_, i) => {
    const atMs = i * scenario.lookSeconds * 1_000;
    const seen = (series: CounterSeries) => ({ ...series, samples: around(series.samples, atMs) });
    const samples = { requests: pods.map((pod) => seen(pod.requests)), errors: pods.map((pod) => seen(pod.errors)) };
    before = readArm(before, samples, { atMs, intervalMs: SCRAPE_SECONDS * 1_000 });
    const { requests, series } = countsOfArm(before.counted).counts;
    return [requests, series.errors?.bad ?? 0] as const;
  });
}

/** What a range query of the last minute and the wait for one more sample see. Every sample but the first is in a slot of its own. */
function around(samples: readonly Sample[], atMs: number): readonly Sample[] {
  const slot = Math.floor(atMs / (SCRAPE_SECONDS * 1_000));
  return samples.slice(Math.max(0, slot - 3), slot + 3).filter(([at]) => at <= atMs + SCRAPE_SECONDS * 1_000);
}

function since(before: readonly [number, number] | undefined, after: readonly [number, number] | undefined) {
  return { n: (after?.[0] ?? 0) - (before?.[0] ?? 0), bad: (after?.[1] ?? 0) - (before?.[1] ?? 0) };
}
