import { describe, expect, test } from "vitest";
import { PRESETS, presetOf } from "../../../../../actions/shared/domain/traffic/presets.ts";
import {
  type MetricQueries,
  type MetricsFile,
  MetricsSchema,
  queriesFor,
  queriesOf,
  timesOf,
  wantedPreset,
} from "../../../../../actions/shared/domain/traffic/queries.ts";
import { formatSelector } from "../../../../../actions/shared/domain/traffic/selector.ts";
import { checkConfig } from "../../../../../actions/shared/lib/decode.ts";

const names = {
  namespace: "prod",
  workload: "digits-canary",
  service: "digits-canary",
  revision: "digits-00002",
  pods: "digits-canary-.+",
};
const nowhere = () => ({});

function queries(file: MetricsFile, preset?: string): MetricQueries {
  const found = queriesOf(file, preset === undefined ? undefined : presetOf(preset), nowhere);
  if (found.state === "bad") throw new Error(found.problems.map(({ rule }) => rule).join("\n"));
  const arm = queriesFor(found.value, names);
  if (arm.state === "bad") throw new Error(arm.problems.map(({ rule }) => rule).join("\n"));
  return arm.value;
}

describe.each(PRESETS.filter(({ errors }) => errors !== undefined).map(({ name }) => name))("the preset %s", (name) => {
  test("reads counters of one arm, and none that holds for both", () => {
    const { requests, errors, rejected = [], latency } = queries({}, name);
    const all = [...requests, ...errors, ...rejected, ...(latency === undefined ? [] : [latency.buckets])];
    for (const selector of all) expect(formatSelector(selector)).toMatch(/digits-canary|digits-00002/);
    for (const selector of all) expect(formatSelector(selector)).not.toContain("{{");
  });
});

test("queries of presets are what their sources export", () => {
  expect(
    Object.fromEntries(PRESETS.map(({ name, requests }) => [name, requests.map((one) => one.split("{")[0])])),
  ).toEqual({
    istio: ["istio_requests_total"],
    envoy: ["envoy_cluster_upstream_rq"],
    haproxy: ["haproxy_backend_http_responses_total"],
    traefik: ["traefik_service_requests_total"],
    knative: ["kn_serving_invocation_duration_seconds_count"],
    "knative-1.18": ["revision_request_count"],
    triton: ["nv_inference_request_success", "nv_inference_request_failure"],
    torchserve: ["ts_inference_requests_total"],
    tfserving: [":tensorflow:serving:request_count"],
    vllm: ["http_requests_total"],
    kserve: ["request_predict_seconds_count"],
  });
});

test("a source that does not count errors asks for them", () => {
  expect(queriesOf({ preset: "kserve" }, presetOf("kserve"), () => ({ file: "rollout.yaml" }))).toMatchObject({
    state: "bad",
    problems: [{ rule: "KServe's Python servers do not count errors", saw: "preset: kserve" }],
  });
  const own = queries(
    { errors: 'istio_requests_total{destination_workload="{{workload}}", response_code=~"5.."}' },
    "kserve",
  );
  expect(own.requests.map(formatSelector)).toEqual([
    'request_predict_seconds_count{namespace="prod", pod=~"digits-canary-.+"}',
  ]);
  expect(own.errors.map(formatSelector)).toEqual([
    'istio_requests_total{destination_workload="digits-canary", response_code=~"5.."}',
  ]);
});

test("own requests leave nothing of a preset's that would count other requests", () => {
  const own = queries(
    { requests: 'a{pod=~"{{pods}}"}', errors: ['b{pod=~"{{pods}}"}', 'c{pod=~"{{pods}}"}'] },
    "istio",
  );
  expect(own).not.toHaveProperty("rejected");
  expect(own).not.toHaveProperty("latency");
  expect(own.errors.map(formatSelector)).toEqual(['b{pod=~"digits-canary-.+"}', 'c{pod=~"digits-canary-.+"}']);
});

test("every query that is none is told at its place", () => {
  const file = { requests: "sum(a)", errors: ["b", "rate(c[1m])"], wrong: { requests: "d", bad: '"e"' } };
  const found = queriesOf(file, undefined, (path) => ({ input: path.join(".") }));
  expect(found.state === "bad" && found.problems.map(({ rule, where }) => [where?.input, rule])).toEqual([
    ["requests", "metrics.requests must select the series of a counter"],
    ["errors", "metrics.errors must select the series of a counter"],
    ["wrong.bad", "metrics.wrong.bad must select the series of a counter"],
  ]);
});

test("names that a target does not have are told with the query", () => {
  const found = queriesOf({ preset: "knative-1.18" }, presetOf("knative-1.18"), nowhere);
  const { revision: _, ...plain } = names;
  expect(found.state === "ok" && queriesFor(found.value, plain)).toMatchObject({
    state: "bad",
    problems: expect.arrayContaining([
      expect.objectContaining({ rule: "{{revision}} of the label revision_name has no value at this target" }),
    ]),
  });
});

test.each([
  [{}, "auto"],
  [{ preset: "auto" }, "auto"],
  [{ requests: "a", errors: "b" }, undefined],
  [{ preset: "auto", requests: "a", errors: "b" }, undefined],
  [{ requests: "a" }, "auto"],
] as const)("asks the metrics themselves which preset fits for %j: %s", (file, wanted) => {
  expect(wantedPreset(file)).toBe(wanted);
});

test("takes the preset that is named", () => {
  expect(wantedPreset({ preset: "triton" })).toMatchObject({ name: "triton" });
});

describe("metrics of the rollout file", () => {
  const check = (value: unknown) => checkConfig(MetricsSchema, value, () => ({ file: "rollout.yaml" }));

  test("has everything that a judge may be given", () => {
    const value = {
      preset: "istio",
      latency: { buckets: 'h_bucket{pod=~"{{pods}}"}', unit: "ms" },
      wrong: { requests: "a", bad: "b" },
      predictions: { counter: "c", label: "class" },
      drift: { measure: "js", limit: 0.1, gate: true },
      offset: "10s",
      patience: "2m",
      settle: "1s",
    };
    expect(check(value)).toEqual({ state: "ok", value });
    expect(timesOf(value as MetricsFile)).toEqual({ offsetMs: 10_000, patienceMs: 120_000, settleMs: 1_000 });
    expect(timesOf({})).toEqual({ offsetMs: 5_000, patienceMs: 90_000, settleMs: 5_000 });
  });

  test.each([
    [{ request: "a" }, "request is not known"],
    [{ preset: "istoi" }, "preset"],
    [{ drift: { gate: "yes" } }, "drift.gate must be true or false"],
    [{ predictions: { counter: "a" } }, "predictions"],
    [{ offset: "5" }, "offset must be a duration"],
    [{ requests: [] }, "requests"],
  ])("refuses %j", (value, rule) => {
    expect(check(value)).toMatchObject({
      state: "bad",
      problems: [{ rule: expect.stringContaining(rule), where: { file: "rollout.yaml" } }],
    });
  });
});
