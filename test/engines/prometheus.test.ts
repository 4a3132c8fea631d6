import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkMetrics } from "../../actions/shared/clients/prometheus/check-metrics.ts";
import { connectPrometheus, type Prometheus } from "../../actions/shared/clients/prometheus/connection.ts";
import { type PrometheusTrafficOptions, prometheusTraffic } from "../../actions/shared/clients/prometheus/traffic.ts";
import { countsSince } from "../../actions/shared/domain/rollout/counts.ts";
import type { ArmCounts } from "../../actions/shared/domain/rollout/judge.ts";
import { PRESETS } from "../../actions/shared/domain/traffic/presets.ts";
import { type MetricQueries, type MetricsFile, queriesOf } from "../../actions/shared/domain/traffic/queries.ts";
import { formatSelector } from "../../actions/shared/domain/traffic/selector.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { rolloutDashboard } from "../../actions/shared/render/rollout/dashboard.ts";
import { rolloutRules } from "../../actions/shared/render/rollout/rules.ts";
import { type Answered, trafficContract } from "../contract/traffic-contract.ts";
import { logInto } from "../support/logs.ts";
import {
  type CountingPod,
  checkRules,
  countingPod,
  lacksPrometheus,
  type RealPrometheus,
  type Served,
  startPrometheus,
  testRules,
} from "../support/prometheus.ts";
import { watchedRollout } from "../support/watched-rollout.ts";

const EVERY_MS = 250;
/** How many rollouts the tests have between them. */
const ROLLOUTS = 15;

const FILE: MetricsFile = {
  requests: 'http_requests_total{pod=~"{{pods}}"}',
  errors: 'http_requests_total{pod=~"{{pods}}", code=~"5.."}',
  rejected: 'http_requests_total{pod=~"{{pods}}", code=~"4.."}',
  latency: { buckets: 'http_request_duration_seconds_bucket{pod=~"{{pods}}"}' },
  predictions: { counter: 'predictions_total{pod=~"{{pods}}"}', label: "class" },
};

describe.skipIf(lacksPrometheus()).concurrent("a real Prometheus", () => {
  let real: RealPrometheus;
  let prometheus: Prometheus;
  const told: string[] = [];
  const pods = new Map<string, CountingPod>();
  let rollouts = 0;

  beforeAll(async () => {
    const names = Array.from({ length: ROLLOUTS }, (_, i) => [`s${i}-1`, `s${i}-2`, `c${i}-1`, `c${i}-2`]).flat();
    for (const name of names) pods.set(name, await countingPod(name.startsWith("s") ? "2" : "3"));
    const targets = [...pods].map(([pod, { port }]) => ({ port, labels: { pod } }));
    real = await startPrometheus({ everyMs: EVERY_MS, path: "/prometheus", targets });
    prometheus = connect(real.url);
  });
  afterAll(async () => {
    await Promise.all([...pods.values()].map((one) => one.kill()));
    await real?.stop();
  });

  const connect = (base: string) =>
    connectPrometheus({ base, send: request, clock: systemClock, log: logInto(told), timeoutMs: 5_000 });

  /** A pod of a version of this test, until the test is over. */
  async function pod(name: string): Promise<CountingPod> {
    const one = pods.get(name);
    if (one === undefined) throw new Error(`no pod ${name}: ROLLOUTS is too small`);
    await one.start();
    return one;
  }

  /** Names of a rollout that no other test has. */
  function rollout(more: Partial<PrometheusTrafficOptions> = {}, file: MetricsFile = FILE) {
    const [stable, candidate] = [`s${rollouts}`, `c${rollouts}`];
    rollouts += 1;
    const names = (pods: string) => ({ namespace: "prod", workload: pods, service: pods, pods: `${pods}-.+` });
    const arms = { stable: names(stable), candidate: names(candidate) };
    const open = (own: Partial<PrometheusTrafficOptions> = {}) =>
      prometheusTraffic({
        prometheus,
        queries: queriesIn(file),
        arms: async () => arms,
        latencyBoundMs: 500,
        offsetMs: 100,
        patienceMs: 10_000,
        settleMs: 100,
        clock: systemClock,
        log: logInto(told),
        signal: new AbortController().signal,
        ...more,
        ...own,
      });
    const seen = () => real.scraped(`${stable}-.+|${candidate}-.+`);
    return { stable, candidate, arms, open, seen, traffic: open() };
  }

  describe("as a source of counts", () => {
    trafficContract(async () => {
      const { stable, candidate, seen, traffic } = rollout();
      const servers = [await pod(`${stable}-1`), await pod(`${stable}-2`), await pod(`${candidate}-1`)];
      const none: Answered = { requests: 0, errors: 0, rejected: 0 };
      const answered = { stable: none, candidate: none };
      const serve = async (i: number, what: Required<Pick<Served, "ok" | "errors" | "rejected">>) => {
        await servers[i]?.serve(what);
        const arm = i === 2 ? "candidate" : "stable";
        const was = answered[arm];
        answered[arm] = {
          requests: was.requests + what.ok + what.errors + what.rejected,
          errors: was.errors + what.errors,
          rejected: was.rejected + what.rejected,
        };
      };
      for (const i of servers.keys()) await serve(i, { ok: 1_000, errors: 11, rejected: 3 });
      await seen();
      return {
        traffic,
        url: undefined,
        pass: async () => {
          for (let round = 0; round < 8; round++) {
            for (const i of servers.keys()) await serve(i, { ok: 20 + i, errors: i, rejected: round % 2 });
            await new Promise((resolve) => setTimeout(resolve, EVERY_MS / 3));
          }
          await seen();
        },
        answered: () => ({ ...answered }),
      };
    });
  });

  test("loses nothing that a killed server had told, and counts its successor from nothing", async () => {
    const { stable, candidate, seen, traffic } = rollout();
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await one.serve({ ok: 10_000 });
    await two.serve({ ok: 5_000, errors: 40 });
    await seen();
    const base = await traffic.counts();
    await two.serve({ ok: 30, errors: 3 });
    await one.serve({ ok: 300 });
    await seen();
    await two.kill();
    await two.start();
    // more than it had ever answered before: only its fall in between shows that it was started again
    await seen();
    await two.serve({ ok: 9_000, errors: 50, slow: 90 });
    await one.serve({ ok: 200 });
    await seen();
    const counted = countsSince(base, await traffic.counts());
    expect(counted.candidate).toMatchObject({ requests: 30 + 3 + 9_050, series: { errors: { n: 9_083, bad: 53 } } });
    expect(counted.candidate.series.slow).toEqual({ n: 9_083, bad: 90 });
    expect(counted.stable.requests).toBe(500);
  });

  test("counts pods that come and go", async () => {
    const { stable, candidate, seen, traffic } = rollout();
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 100 }), two.serve({ ok: 10 })]);
    await seen();
    const base = await traffic.counts();
    const late = await pod(`${candidate}-2`);
    await late.serve({ ok: 70, errors: 7 });
    await seen();
    await two.kill();
    await one.serve({ ok: 5 });
    await late.serve({ ok: 3 });
    await seen();
    const counted = countsSince(base, await traffic.counts());
    expect(counted.candidate).toMatchObject({ requests: 80, series: { errors: { bad: 7 } } });
    expect(counted.stable.requests).toBe(5);
  });

  test("does not count a look where an arm's scrapes fail, and nothing is lost by it", async () => {
    const { stable, candidate, open, seen } = rollout();
    const traffic = open({ patienceMs: 3_000 });
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 100 }), two.serve({ ok: 10 })]);
    await seen();
    const base = await traffic.counts();
    await two.become("down");
    await Promise.all([one.serve({ ok: 50 }), two.serve({ ok: 5 })]);
    expect(countsSince(base, await traffic.counts())).toMatchObject(none);
    expect(traffic.findings().at(-1)).toContain("no newer samples of the candidate");
    await two.become("sound");
    await seen();
    expect(requestsOf(countsSince(base, await traffic.counts()))).toEqual({ candidate: 5, stable: 50 });
  });

  test("passes over counters without a number", async () => {
    const { stable, candidate, open, seen } = rollout();
    const traffic = open({ patienceMs: 3_000 });
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 100 }), two.serve({ ok: 10 })]);
    await seen();
    const base = await traffic.counts();
    await two.become("nan");
    await two.serve({ ok: 25 });
    expect(countsSince(base, await traffic.counts())).toMatchObject(none);
    await two.become("sound");
    await seen();
    expect(requestsOf(countsSince(base, await traffic.counts()))).toEqual({ candidate: 25, stable: 0 });
    expect(traffic.findings()).toContain(
      "http_requests_total has values that count nothing (NaN, infinite or negative)",
    );
  });

  test("goes on in another process from what the journal keeps", async () => {
    const { stable, candidate, open, seen } = rollout();
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 100 }), two.serve({ ok: 10 })]);
    await seen();
    const first = open();
    await first.counts();
    await two.serve({ ok: 7 });
    await seen();
    await first.counts();
    const kept = first.snapshot();
    await Promise.all([one.serve({ ok: 9 }), two.serve({ ok: 4, errors: 1 })]);
    await seen();
    await two.kill();
    await two.start();
    await seen();
    await two.serve({ ok: 2 });
    await seen();
    const counted = await open({ memory: JSON.parse(JSON.stringify(kept)) }).counts();
    expect(requestsOf(counted)).toEqual({ candidate: 7, stable: 9 });
    expect(counted.candidate.series.errors).toEqual({ n: 7, bad: 1 });
  });

  test("finds the latency bound as either version writes it", async () => {
    const { stable, candidate, open, seen } = rollout();
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 1 }), two.serve({ ok: 1 })]);
    await seen();
    const traffic = open({ latencyBoundMs: 1_000 });
    const base = await traffic.counts();
    await Promise.all([one.serve({ ok: 100, slow: 5 }), two.serve({ ok: 50, slow: 6 })]);
    await seen();
    const { candidate: c, stable: s } = countsSince(base, await traffic.counts());
    expect([c.series.slow, s.series.slow]).toEqual([
      { n: 50, bad: 6 },
      { n: 100, bad: 5 },
    ]);
  });

  test("compares predictions of the same minutes", async () => {
    const { stable, candidate, seen, traffic } = rollout();
    const [one, two] = [await pod(`${stable}-1`), await pod(`${candidate}-1`)];
    await Promise.all([one.serve({ ok: 1, class: "3" }), two.serve({ ok: 1, class: "3" })]);
    await seen();
    await traffic.counts();
    const predict = (server: CountingPod, label: string, times: number) =>
      Promise.all(Array.from({ length: times }, () => server.serve({ class: label })));
    await Promise.all([predict(one, "3", 30), predict(one, "8", 30), predict(two, "3", 5), predict(two, "8", 45)]);
    await seen();
    await traffic.counts();
    expect(traffic.drift()).toMatchObject({ state: "drifted", candidate: 50, stable: 60, bins: 2 });
    expect(traffic.findings().at(-1)).toContain("(most at 3: 10 % against 50 %, 8: 90 % against 50 %)");
  });

  test("says before a rollout what it counts for stable, and which label would keep it from that", async () => {
    const { stable, arms, seen } = rollout();
    const one = await pod(`${stable}-1`);
    await one.serve({ ok: 90, errors: 10 });
    await seen();
    await one.serve({ ok: 90, errors: 10 });
    await seen();
    const asked = { ...arms, latencyBoundMs: 500, lookMs: 10_000 };
    const found = await checkMetrics(prometheus, { ...asked, queries: queriesIn(FILE) });
    expect(found).toMatchObject({
      problems: [],
      intervalMs: expect.closeTo(EVERY_MS, -2),
      traffic: { bad: { errors: 0.1, slow: 0 } },
    });
    expect(found.traffic?.rate).toBeGreaterThan(5);
    const wrong = { ...FILE, requests: 'http_requests_total{pod=~"{{pods}}", job="server"}' };
    expect((await checkMetrics(prometheus, { ...asked, queries: queriesIn(wrong) })).problems).toMatchObject([
      { saw: 'job "pods"', allowed: 'job="server"' },
    ]);
    const bound = { ...asked, latencyBoundMs: 300, queries: queriesIn(FILE) };
    expect((await checkMetrics(prometheus, bound)).problems).toMatchObject([{ allowed: "100ms, 500ms, 1s" }]);
  });

  test("refuses what it does not understand in its own words", async () => {
    await expect(prometheus.vector("sum(", Date.now())).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining("Prometheus does not understand the query: sum( (saw 400 bad_data: "),
    });
    await expect(prometheus.vector('"text"', Date.now())).rejects.toThrow("saw a string");
    await expect(prometheus.vector("1", Date.now())).rejects.toThrow("saw a scalar");
    await expect(prometheus.vector("up[5m]", Date.now())).rejects.toThrow("saw a matrix");
    await expect(prometheus.vector("up * on (job) up", Date.now())).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining("(saw 422 execution: found duplicate series"),
    });
    const elsewhere = connect(real.url.replace("/prometheus", ""));
    await expect(elsewhere.vector("up", Date.now())).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test.each(PRESETS.map(({ name }) => name))(
    "understands every query of %s, its dashboard and its rules",
    async (preset) => {
      const rollout = watchedRollout(preset, preset === "kserve" ? { errors: 'b{pod=~"{{pods}}"}' } : {});
      const { panels } = JSON.parse(rolloutDashboard(rollout, [])) as {
        readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
      };
      const charts = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
      expect(charts.length).toBeGreaterThan(5);
      for (const expr of charts)
        await expect(prometheus.vector(expr.replaceAll("$__rate_interval", "1m"), Date.now())).resolves.toBeDefined();
      const { requests, errors, rejected = [] } = rollout.candidate;
      for (const selector of [...requests, ...errors, ...rejected])
        await expect(
          prometheus.samples(formatSelector(selector), { atMs: Date.now(), rangeMs: 1_000 }),
        ).resolves.toEqual({
          series: [],
          isPartial: false,
        });
      expect(checkRules(rolloutRules(rollout))).toMatch(/SUCCESS: (8|10) rules found/);
    },
  );

  test("alerts where users are on a candidate that no job watches, and only there", async () => {
    expect(
      testRules(rolloutRules(watchedRollout("haproxy")), [
        { title: "watched", leaseAge: 20, holder: "job", perMinute: 60, alerts: [] },
        { title: "unattended", leaseAge: 3_600, holder: "", perMinute: 60, alerts: ["MlReleaseCanaryUnattended"] },
        {
          title: "killed",
          leaseAge: 3_600,
          holder: "job",
          perMinute: 60,
          alerts: ["MlReleaseCanaryUnattended", "MlReleaseLeaseExpired"],
        },
        {
          title: "killed at a share of 0",
          leaseAge: 3_600,
          holder: "job",
          perMinute: 0,
          alerts: ["MlReleaseLeaseExpired"],
        },
        { title: "nothing under way", leaseAge: 3_600, holder: "", perMinute: 0, alerts: [] },
        { title: "not counted", leaseAge: 20, holder: "job", perMinute: 0, alerts: ["MlReleaseCanaryNotCounted"] },
      ]),
    ).toContain("SUCCESS");
  });

  test("tells the time that it has itself", async () => {
    expect(Math.abs((await prometheus.now()) - Date.now())).toBeLessThan(2_000);
  });
});

const none = { candidate: { requests: 0 }, stable: { requests: 0 } };

function requestsOf({ candidate, stable }: { readonly candidate: ArmCounts; readonly stable: ArmCounts }) {
  return { candidate: candidate.requests, stable: stable.requests };
}

function queriesIn(file: MetricsFile): MetricQueries {
  const queries = queriesOf(file, undefined, () => ({}));
  if (queries.state === "bad") throw new Error(JSON.stringify(queries.problems));
  return queries.value;
}
