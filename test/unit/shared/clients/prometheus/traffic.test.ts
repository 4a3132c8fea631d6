import { describe, expect, test } from "vitest";
import { prometheusTraffic } from "../../../../../actions/shared/clients/prometheus/traffic.ts";
import { countsSince } from "../../../../../actions/shared/domain/rollout/counts.ts";
import { type DriftPolicy, driftPolicyOf } from "../../../../../actions/shared/domain/traffic/drift.ts";
import { TrafficMemorySchema } from "../../../../../actions/shared/domain/traffic/memory.ts";
import { type MetricsFile, queriesOf } from "../../../../../actions/shared/domain/traffic/queries.ts";
import { decode } from "../../../../../actions/shared/lib/decode.ts";
import { ReleaseError } from "../../../../../actions/shared/lib/error.ts";
import { type FakeSeries, fakePrometheus } from "../../../../support/fake-prometheus.ts";
import { logInto } from "../../../../support/logs.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

const START = 1_800_000_000_000;
const STABLE = { namespace: "prod", workload: "digits", service: "digits", pods: "digits-s-.+" };
const CANDIDATE = { namespace: "prod", workload: "digits-c", service: "digits-c", pods: "digits-c-.+" };

const FILE: MetricsFile = {
  requests: 'http_requests_total{pod=~"{{pods}}"}',
  errors: 'http_requests_total{pod=~"{{pods}}", code=~"5.."}',
};

/** A pod that is scraped every 15 s and serves `perSecond`, all of them with one status. */
function pod(name: string, perSecond: number, more: Partial<FakeSeries> & { readonly code?: string } = {}): FakeSeries {
  const { code = "200", ...rest } = more;
  const fromMs = rest.fromMs ?? START - 600_000 + ((name.length * 3_700) % 15_000);
  return {
    metric: { __name__: "http_requests_total", pod: name, code },
    everyMs: 15_000,
    fromMs,
    valueAt: (ms) => Math.floor(((ms - START + 600_000) * perSecond) / 1_000),
    ...rest,
  };
}

function rollout({ file = FILE, aheadMs = 0, ...more }: RolloutOptions = {}) {
  const clock = virtualClock(START);
  const prometheus = fakePrometheus(clock, aheadMs);
  const told: string[] = [];
  const queries = queriesOf(file, undefined, () => ({}));
  if (queries.state === "bad") throw new Error(JSON.stringify(queries.problems));
  const open = (memory = more.memory) =>
    prometheusTraffic({
      prometheus,
      queries: queries.value,
      arms: async () => ({ candidate: CANDIDATE, stable: more.stable === "none" ? undefined : STABLE }),
      latencyBoundMs: more.latencyBoundMs,
      offsetMs: 5_000,
      patienceMs: 90_000,
      settleMs: 5_000,
      memory,
      drift: more.drift,
      ...(more.isGone === undefined ? {} : { isGone: more.isGone }),
      clock,
      log: logInto(told),
      signal: new AbortController().signal,
    });
  return { clock, prometheus, told, open, traffic: open() };
}

type RolloutOptions = {
  readonly file?: MetricsFile;
  readonly aheadMs?: number;
  readonly latencyBoundMs?: number;
  readonly stable?: "none";
  readonly memory?: Parameters<typeof prometheusTraffic>[0]["memory"];
  readonly drift?: DriftPolicy;
  readonly isGone?: Parameters<typeof prometheusTraffic>[0]["isGone"];
};

describe("the traffic that Prometheus has counted", () => {
  test("is counted from the moment of one call to the moment of the next, whenever pods are scraped", async () => {
    const { clock, prometheus, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-s-22", 100), pod("digits-c-1", 20));
    const first = await traffic.counts();
    const began = clock.now();
    await clock.sleep(60_000);
    const at = clock.now();
    const since = countsSince(first, await traffic.counts());
    // of exactly the time between the two calls, although each took a scrape
    const seconds = (at - START) / 1_000;
    expect(began).toBeGreaterThan(START + 5_000);
    expect(since.candidate.requests).toBeCloseTo(20 * seconds, -1);
    expect(since.stable.requests).toBeCloseTo(200 * seconds, -1);
    expect(since.candidate).toMatchObject({ started: since.candidate.requests, series: { errors: { bad: 0 } } });
  });

  test("of a share before never mixes with that of the next", async () => {
    const { clock, prometheus, traffic } = rollout();
    const shiftMs = START + 120_000;
    const split = (before: number, after: number) => (ms: number) =>
      Math.floor((Math.min(ms, shiftMs) - START) * before + Math.max(0, ms - shiftMs) * after) + 10_000_000;
    prometheus.series.push(
      pod("digits-s-1", 0, { valueAt: split(0.95, 0.5) }),
      pod("digits-c-333", 0, { valueAt: split(0.05, 0.5) }),
    );
    await clock.sleep(shiftMs - clock.now());
    const base = await traffic.counts("change");
    const { candidate, stable } = countsSince(base, await traffic.counts());
    expect(candidate.requests).toBeGreaterThan(1_000);
    expect(candidate.requests / (candidate.requests + stable.requests)).toBeCloseTo(0.5, 3);
  });

  test("is not counted where one arm is silent, until it is there", async () => {
    const { clock, prometheus, told, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100));
    const none = await traffic.counts();
    expect(none).toMatchObject({ candidate: { requests: 0 }, stable: { requests: 0 } });
    expect(clock.now() - START).toBeLessThan(150_000);
    expect(told).toEqual([
      "! no newer samples of the candidate in 1m30s: are its pods scraped, and do the labels fit?",
    ]);
    const fromMs = clock.now() + 1_000;
    prometheus.series.push(pod("digits-c-1", 10, { fromMs, valueAt: (ms) => Math.floor((ms - fromMs) / 100) }));
    await traffic.counts();
    await clock.sleep(30_000);
    const { candidate, stable } = await traffic.counts();
    expect(candidate.requests).toBeGreaterThan(0);
    expect(stable.requests / candidate.requests).toBeCloseTo(10, -1);
  });

  test("is not counted from a part of the stores", async () => {
    const { prometheus, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 100));
    const base = await traffic.counts();
    prometheus.isPartial = true;
    expect(countsSince(base, await traffic.counts())).toMatchObject({
      candidate: { requests: 0 },
      stable: { requests: 0 },
    });
    expect(traffic.findings()).toEqual([
      "no newer samples of the candidate and the champion in 1m30s: are its pods scraped, and do the labels fit?",
    ]);
  });

  test("outlives a Prometheus that is away for a look, and loses nothing", async () => {
    const { clock, prometheus, told, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    const base = await traffic.counts();
    const { samples } = prometheus;
    prometheus.samples = async () => {
      throw new ReleaseError("UNAVAILABLE", { rule: "Prometheus is not available" });
    };
    await clock.sleep(60_000);
    expect(countsSince(base, await traffic.counts()).candidate.requests).toBe(0);
    expect(told[0]).toBe("! [UNAVAILABLE] Prometheus is not available");
    prometheus.samples = samples;
    const seconds = (clock.now() - START) / 1_000;
    expect(countsSince(base, await traffic.counts()).candidate.requests).toBeCloseTo(10 * seconds, -1);
  });

  test("goes on when stable is scaled to nothing after it lost its traffic", async () => {
    const { clock, prometheus, traffic } = rollout();
    const goneMs = START + 150_000;
    prometheus.series.push(pod("digits-s-1", 0, { valueAt: () => 5_000, untilMs: goneMs }), pod("digits-c-1", 100));
    await traffic.counts();
    await clock.sleep(60_000);
    const before = await traffic.counts();
    await clock.sleep(300_000);
    const since = countsSince(before, await traffic.counts());
    expect(since.candidate.requests).toBeGreaterThan(30_000);
    expect(since.stable.requests).toBe(0);
  });

  test("waits for pods that were still busy when they fell silent", async () => {
    const { clock, prometheus, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100, { untilMs: START + 100_000 }), pod("digits-c-1", 100));
    await traffic.counts();
    await clock.sleep(300_000);
    const before = await traffic.counts();
    expect(countsSince(before, await traffic.counts()).candidate.requests).toBe(0);
    expect(traffic.findings()).toHaveLength(1);
  });

  test("goes on without pods that were busy to the end, once nothing of their version is up", async () => {
    const up = { candidate: true, stable: true };
    const { clock, prometheus, traffic } = rollout({ isGone: async (arm) => !up[arm] });
    const goneMs = START + 100_000;
    prometheus.series.push(pod("digits-s-1", 100, { untilMs: goneMs }), pod("digits-c-1", 100));
    await traffic.counts();
    await clock.sleep(goneMs - clock.now());
    const last = await traffic.counts();
    await clock.sleep(300_000);
    // not scraped, for all that is known
    expect(countsSince(last, await traffic.counts()).candidate.requests).toBe(0);
    up.stable = false;
    const base = await traffic.counts("change");
    await clock.sleep(60_000);
    const { candidate, stable } = countsSince(base, await traffic.counts());
    expect(candidate.requests).toBeGreaterThan(5_000);
    expect(stable.requests).toBe(0);
  });

  test("of a first version is counted without a stable one", async () => {
    const { clock, prometheus, traffic } = rollout({ stable: "none" });
    prometheus.series.push(pod("digits-c-1", 10));
    const base = await traffic.counts();
    await clock.sleep(60_000);
    expect(countsSince(base, await traffic.counts()).candidate.requests).toBeGreaterThan(600);
  });

  test("never has more bad events than requests, and says where counters claim so", async () => {
    const { clock, prometheus, told, traffic } = rollout({
      file: { requests: 'ok_total{pod=~"{{pods}}"}', errors: 'http_requests_total{pod=~"{{pods}}"}' },
    });
    const ok = (name: string) => ({ ...pod(name, 1), metric: { __name__: "ok_total", pod: name } });
    prometheus.series.push(ok("digits-s-1"), ok("digits-c-1"), pod("digits-c-1", 100), pod("digits-s-1", 0));
    await traffic.counts();
    await clock.sleep(60_000);
    const { candidate } = await traffic.counts();
    expect(candidate.series.errors?.bad).toBe(candidate.requests);
    await traffic.counts();
    expect(told.filter((line) => line.includes("contradict each other"))).toHaveLength(1);
  });

  test("passes over values that count nothing, and says so once", async () => {
    const { clock, prometheus, told, traffic } = rollout();
    const broken = pod("digits-c-1", 10);
    prometheus.series.push(pod("digits-s-1", 100), {
      ...broken,
      valueAt: (ms) => [Number.NaN, Number.POSITIVE_INFINITY, -1][Math.floor(ms / 15_000) % 6] ?? broken.valueAt(ms),
    });
    const base = await traffic.counts();
    await clock.sleep(300_000);
    const seconds = (clock.now() - START) / 1_000;
    const { candidate } = countsSince(base, await traffic.counts());
    expect(candidate.requests).toBeCloseTo(10 * seconds, -1);
    expect(told).toEqual(["! http_requests_total has values that count nothing (NaN, infinite or negative)"]);
  });

  test("is counted once where two Prometheus scrape the same pod", async () => {
    const { clock, prometheus, traffic } = rollout();
    const twice = (name: string, perSecond: number) =>
      ["a", "b"].map((replica) => {
        const one = pod(name, perSecond);
        return { ...one, metric: { ...one.metric, prometheus_replica: replica } };
      });
    prometheus.series.push(...twice("digits-s-1", 100), ...twice("digits-c-1", 10));
    const base = await traffic.counts();
    const from = clock.now();
    await clock.sleep(60_000);
    const { candidate } = countsSince(base, await traffic.counts());
    expect(candidate.requests).toBeLessThan(((clock.now() - from) / 1_000) * 10 + 300);
    expect(traffic.findings()[0]).toContain("counted once");
  });

  test("is refused where both arms' queries select the same series", async () => {
    const { prometheus, traffic } = rollout({ file: { requests: 'http_requests_total{code="200"}', errors: "e" } });
    prometheus.series.push(pod("digits-s-1", 100));
    await expect(traffic.counts()).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining("metrics must tell the versions apart"),
    });
  });

  test("is asked for in the time of Prometheus, where its clock is another", async () => {
    const { clock, prometheus, told, traffic } = rollout({ aheadMs: 3_600_000 });
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    const base = await traffic.counts();
    await clock.sleep(60_000);
    expect(countsSince(base, await traffic.counts()).candidate.requests).toBeGreaterThan(600);
    expect(told[0]).toBe("! the clock of Prometheus is 1h ahead of ours");
  });

  test("goes on in another process from where the first had come to, and counts what came since", async () => {
    const { clock, prometheus, traffic, open } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    await traffic.counts();
    await clock.sleep(60_000);
    await traffic.counts();
    const kept = decode(TrafficMemorySchema, JSON.parse(JSON.stringify(traffic.snapshot())), "the journal");
    // meanwhile a pod is started again, and counts from nothing
    const restartMs = clock.now() + 20_000;
    const [stable, candidate] = prometheus.series;
    prometheus.series.splice(0, 2, stable as FakeSeries, {
      ...(candidate as FakeSeries),
      valueAt: (ms) => (ms < restartMs ? (candidate?.valueAt(ms) ?? 0) : Math.floor((ms - restartMs) / 100)),
    });
    await clock.sleep(120_000);
    const next = open(kept);
    const at = clock.now();
    const after = await next.counts();
    const seconds = (at - kept.atMs) / 1_000;
    expect(after.stable.requests).toBeCloseTo(100 * seconds, -2);
    expect(after.candidate.requests).toBeGreaterThan(10 * seconds - 200);
    expect(after.candidate.requests).toBeLessThanOrEqual(10 * seconds + 1);
  });

  test("names every query, for the evidence", async () => {
    const { prometheus, traffic } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    await traffic.counts();
    expect(traffic.asked()).toEqual([
      { arm: "candidate", counter: "requests", query: 'http_requests_total{pod=~"digits-c-.+"}' },
      { arm: "candidate", counter: "errors", query: 'http_requests_total{pod=~"digits-c-.+", code=~"5.."}' },
      { arm: "stable", counter: "requests", query: 'http_requests_total{pod=~"digits-s-.+"}' },
      { arm: "stable", counter: "errors", query: 'http_requests_total{pod=~"digits-s-.+", code=~"5.."}' },
    ]);
  });
});

describe("slow answers", () => {
  const file: MetricsFile = { ...FILE, latency: { buckets: 'latency_bucket{pod=~"{{pods}}"}' } };
  const bucket = (name: string, le: string, perSecond: number): FakeSeries => ({
    ...pod(name, perSecond),
    metric: { __name__: "latency_bucket", pod: name, le },
  });

  test("are those over the bound, which versions of Prometheus write differently", async () => {
    const { clock, prometheus, traffic } = rollout({ file, latencyBoundMs: 1_000 });
    prometheus.series.push(
      pod("digits-s-1", 100),
      pod("digits-c-1", 100),
      ...["0.5", "1", "+Inf"].map((le, i) => bucket("digits-s-1", le, 98 + i)),
      ...["0.5", "1.0", "+Inf"].map((le, i) => bucket("digits-c-1", le, 60 + 20 * i)),
    );
    await traffic.counts();
    await clock.sleep(300_000);
    const { candidate, stable } = await traffic.counts();
    const part = (one: typeof candidate) => (one.series.slow?.bad ?? 0) / (one.series.slow?.n ?? 1);
    expect(part(candidate)).toBeCloseTo(0.2, 2);
    expect(part(stable)).toBeCloseTo(0.01, 2);
    expect(traffic.asked().filter(({ counter }) => counter === "latency")[0]?.query).toBe(
      'latency_bucket{pod=~"digits-c-.+", le=~"1\\\\.0|1|\\\\+Inf"}',
    );
  });

  test("need a bound that is counted, else the error lists those that are", async () => {
    const { prometheus, traffic } = rollout({ file, latencyBoundMs: 250 });
    prometheus.series.push(...["0.005", "0.1", "2.5", "+Inf"].map((le) => bucket("digits-s-1", le, 1)));
    await expect(traffic.counts()).rejects.toMatchObject({
      code: "CONFIG",
      message:
        '[CONFIG] input latency-bound: latency-bound must be a bound of the histogram latency_bucket{pod=~"digits-s-.+"} (saw 250ms; allowed: 5ms, 100ms, 2.5s); answers are counted by these bounds only',
    });
  });

  test("cannot be had of a histogram without buckets", async () => {
    const { prometheus, traffic } = rollout({ file, latencyBoundMs: 250 });
    prometheus.series.push({
      ...bucket("digits-s-1", "1", 1),
      metric: { __name__: "latency_bucket", pod: "digits-s-1" },
    });
    await expect(traffic.counts()).rejects.toThrow("needs the buckets of a histogram");
  });
});

describe("predictions", () => {
  const file: MetricsFile = { ...FILE, predictions: { counter: 'predicted_total{pod=~"{{pods}}"}', label: "class" } };
  const predicted = (name: string, label: string, perSecond: number): FakeSeries => ({
    ...pod(name, perSecond),
    metric: { __name__: "predicted_total", pod: name, class: label },
  });

  async function predictions(candidate: readonly number[], gate: boolean) {
    const { clock, prometheus, open } = rollout({ file, drift: driftPolicyOf({ gate }) });
    const traffic = open();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    for (const [i, label] of ["3", "8"].entries())
      prometheus.series.push(predicted("digits-s-1", label, 50), predicted("digits-c-1", label, candidate[i] ?? 0));
    await traffic.counts();
    for (let looks = 0; looks < 3; looks++) {
      await clock.sleep(60_000);
      await traffic.counts();
    }
    return traffic;
  }

  test("of the candidate that are others than stable's are told, with what moved most", async () => {
    const traffic = await predictions([9, 1], false);
    expect(traffic.drift()).toMatchObject({ state: "drifted", measure: "psi", bins: 2 });
    expect(traffic.findings()).toEqual([
      expect.stringMatching(
        /^predictions differ from the champion's: stability index .*\(most at 3: 9\d? % against 50 %/,
      ),
    ]);
    expect(traffic.drifted()).toBeUndefined();
  });

  test("keep the candidate from more traffic where that is declared", async () => {
    expect((await predictions([9, 1], true)).drifted()).toContain("predictions differ from the champion's");
    expect((await predictions([5, 5], true)).drifted()).toBeUndefined();
  });

  test("are not compared where nobody asks", async () => {
    const { traffic, prometheus } = rollout();
    prometheus.series.push(pod("digits-s-1", 100), pod("digits-c-1", 10));
    await traffic.counts();
    expect(traffic.drift()).toBeUndefined();
  });
});
