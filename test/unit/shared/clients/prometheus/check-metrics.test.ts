import { describe, expect, test } from "vitest";
import { checkMetrics } from "../../../../../actions/shared/clients/prometheus/check-metrics.ts";
import { detectPreset, detectPresets } from "../../../../../actions/shared/clients/prometheus/detect-preset.ts";
import { presetOf } from "../../../../../actions/shared/domain/traffic/presets.ts";
import { type MetricsFile, queriesOf } from "../../../../../actions/shared/domain/traffic/queries.ts";
import { type FakeSeries, fakePrometheus } from "../../../../support/fake-prometheus.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

const START = 1_800_000_000_000;
const stable = { namespace: "prod", workload: "digits", service: "digits", pods: "digits-[a-z0-9]+" };
const candidate = {
  namespace: "prod",
  workload: "digits-canary",
  service: "digits-canary",
  pods: "digits-canary-[a-z0-9]+",
};

function series(metric: Readonly<Record<string, string>>, perSecond = 10): FakeSeries {
  return {
    metric,
    everyMs: 15_000,
    fromMs: START - 900_000,
    valueAt: (ms) => Math.floor(((ms - START + 900_000) * perSecond) / 1_000),
  };
}

const istio = (workload: string, code: string, perSecond?: number) =>
  series(
    {
      __name__: "istio_requests_total",
      reporter: "destination",
      destination_workload: workload,
      destination_workload_namespace: "prod",
      response_code: code,
    },
    perSecond,
  );

function check(file: MetricsFile, all: readonly FakeSeries[], more: Partial<Parameters<typeof checkMetrics>[1]> = {}) {
  const prometheus = fakePrometheus(virtualClock(START));
  prometheus.series.push(...all);
  const preset = file.preset === undefined ? undefined : presetOf(file.preset);
  const queries = queriesOf(file, preset, () => ({}));
  if (queries.state === "bad") throw new Error(JSON.stringify(queries.problems));
  const asked = { queries: queries.value, stable, candidate, latencyBoundMs: undefined, lookMs: 30_000, ...more };
  return checkMetrics(prometheus, asked);
}

describe("the check of metrics before a rollout", () => {
  test("tells what stable gets now, for the forecast", async () => {
    const found = await check({ preset: "istio" }, [istio("digits", "200", 95), istio("digits", "503", 5)]);
    expect(found.problems).toEqual([]);
    expect(found).toMatchObject({
      intervalMs: 15_000,
      traffic: { rate: expect.closeTo(100, 0), bad: { errors: expect.closeTo(0.05, 3) } },
    });
  });

  test("takes no series of errors for none, and says so", async () => {
    const found = await check({ preset: "istio" }, [istio("digits", "200")]);
    expect(found.problems).toEqual([]);
    expect(found.notes).toEqual([
      "No series of errors yet: taken as none, since counters often begin with the first event.",
    ]);
  });

  test("says that a look cannot be shorter than the time between samples", async () => {
    const found = await check({ preset: "istio" }, [istio("digits", "200"), istio("digits", "500")], {
      lookMs: 10_000,
    });
    expect(found.notes).toEqual(["Samples come every 15s: a look takes at least as long, not 10s."]);
  });

  test.each([
    ["no series at all", [], "no series of istio_requests_total at all"],
    ["another workload", [istio("ditigs", "200")], 'destination_workload "ditigs"'],
    [
      "no such label",
      [series({ __name__: "istio_requests_total", reporter: "destination", destination_workload: "digits" })],
      "series without the label destination_workload_namespace",
    ],
  ])("says which label keeps the query from answering: %s", async (_, all, saw) => {
    expect((await check({ preset: "istio" }, all)).problems).toMatchObject([
      { rule: expect.stringContaining("nothing is counted for stable by istio_requests_total{"), saw },
    ]);
  });

  test("finds queries that are the same for both versions", async () => {
    const file = { requests: 'a{namespace="{{namespace}}"}', errors: 'b{pod=~"{{pods}}"}' };
    expect((await check(file, [])).problems).toMatchObject([
      { rule: "metrics must tell the versions apart", saw: 'a{namespace="prod"}' },
    ]);
  });

  test("finds that the candidate's pattern takes stable's series in", async () => {
    const file = { requests: 'a{pod=~"{{pods}}"}', errors: 'b{pod=~"{{pods}}"}' };
    const all = [series({ __name__: "a", pod: "digits-canary-x1" })];
    const greedy = { ...stable, pods: "digits-.+" };
    expect((await check(file, all, { stable: greedy })).problems).toMatchObject([
      { rule: "metrics must tell the versions apart" },
    ]);
  });

  test("finds a latency bound that is not counted", async () => {
    const file: MetricsFile = {
      requests: 'a{pod=~"{{pods}}"}',
      errors: 'b{pod=~"{{pods}}"}',
      latency: { buckets: 'c_bucket{pod=~"{{pods}}"}' },
    };
    const all = [
      series({ __name__: "a", pod: "digits-x1" }),
      ...["0.1", "0.5", "+Inf"].map((le) => series({ __name__: "c_bucket", pod: "digits-x1", le })),
    ];
    expect((await check(file, all, { latencyBoundMs: 250 })).problems).toMatchObject([
      { where: { input: "latency-bound" }, saw: "250ms", allowed: "100ms, 500ms" },
    ]);
    expect((await check(file, all, { latencyBoundMs: 500 })).problems).toEqual([]);
  });

  test("finds that the source has no histogram to hold a latency bound against", async () => {
    const all = [series({ __name__: "ts_inference_requests_total", namespace: "prod", pod: "digits-x1" })];
    expect((await check({ preset: "torchserve" }, all, { latencyBoundMs: 250 })).problems).toMatchObject([
      { rule: "a latency bound needs a histogram of latency", saw: "torchserve metrics, which have none" },
    ]);
  });

  test("has nothing to ask before a first version", async () => {
    expect(await check({ preset: "istio" }, [], { stable: undefined })).toEqual({
      problems: [],
      notes: ["Nothing serves yet, so the metrics could not be tried."],
    });
  });

  test("names a name that the target does not have", async () => {
    expect((await check({ preset: "knative-1.18" }, [])).problems[0]?.rule).toBe(
      "{{revision}} of the label revision_name has no value at this target",
    );
  });
});

describe("the preset", () => {
  const at = { stable, atMs: START };

  test("is the one whose requests are counted for stable, a gateway's before the server's own", async () => {
    const prometheus = fakePrometheus(virtualClock(START));
    const kserve = series({ __name__: "request_predict_seconds_count", namespace: "prod", pod: "digits-x1" });
    const triton = series({ __name__: "nv_inference_request_success", namespace: "prod", pod: "digits-x1" });
    const other = series({ __name__: "http_requests_total", namespace: "other", pod: "digits-x1" });
    prometheus.series.push(kserve, triton, other);
    expect((await detectPresets(prometheus, at)).map(({ name }) => name)).toEqual(["triton", "kserve"]);
    prometheus.series.push(istio("digits", "200"));
    expect((await detectPreset(prometheus, at)).name).toBe("istio");
  });

  test("that is not found is told with those that there are", async () => {
    await expect(detectPreset(fakePrometheus(virtualClock(START)), at)).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining("istio, envoy, haproxy, traefik, knative, knative-1.18, triton"),
    });
  });

  test("of a gateway finds its services by their names", async () => {
    const prometheus = fakePrometheus(virtualClock(START));
    prometheus.series.push(
      series({ __name__: "traefik_service_requests_total", service: "prod-digits-http-80@kubernetesgateway" }),
      series({ __name__: "haproxy_backend_http_responses_total", proxy: "prod_svc_digits_http", code: "2xx" }),
    );
    expect((await detectPresets(prometheus, at)).map(({ name }) => name)).toEqual(["haproxy", "traefik"]);
    expect((await detectPresets(prometheus, { ...at, stable: candidate })).map(({ name }) => name)).toEqual([]);
  });
});
