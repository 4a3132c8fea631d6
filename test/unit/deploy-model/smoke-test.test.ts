import { describe, expect, test } from "vitest";
import { smokeTest } from "../../../actions/deploy-model/smoke/smoke-test.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import type { Served } from "../../../actions/shared/ports/serving.ts";

type Said = readonly [status: number, value?: unknown];
const model = { name: "digits", version: "1.2.0", digest: `sha256:${"a".repeat(64)}` } as const;
const PODS: Served["runs"] = { as: "pods", kind: "Deployment digits", ready: 1, wanted: 1 };

/** A server that answers these paths, and 404 everywhere else. */
function serving(answers: Readonly<Record<string, Said>>, runs = PODS) {
  const asked: string[] = [];
  const ask: Served["ask"] = async (path, body) => {
    asked.push(body === undefined ? path : `${path} ${body}`);
    const [status, value = {}] = answers[path] ?? [404, { error: "Not Found" }];
    return { status, text: typeof value === "string" ? value : JSON.stringify(value), ms: 1 };
  };
  return { served: { model, ask, runs }, asked };
}

const payload = (request: object) => ({ request: { ...request }, tolerance: 0 });
const smoke = (served: Served, test: Partial<Parameters<typeof smokeTest>[1]> = {}) =>
  smokeTest(served, { payloads: [], wanted: "auto", names: ["digits"], ...test });

const V2 = {
  "/v2/health/ready": [200],
  "/v2/models/digits": [200, { name: "digits", inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }] }],
  "/v2/models/digits/infer": [200, { outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [0] }] }],
} as const;

describe("the Open Inference Protocol v2", () => {
  test("is found, and asked with zeros of the shape that the model takes", async () => {
    const { served, asked } = serving(V2);
    expect(await smoke(served)).toMatchObject({
      state: "passed",
      speech: { protocol: "v2", inferPath: "/v2/models/digits/infer" },
    });
    expect(asked.at(-1)).toBe(
      '/v2/models/digits/infer {"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,0]}]}',
    );
  });

  test("is spoken of the model by the name of the object that serves it", async () => {
    const { served } = serving({
      ...V2,
      "/v2/models/digits": [404],
      "/v2/models/digits-prod": [200, { name: "digits-prod" }],
    });
    expect(await smoke(served, { names: ["digits", "digits-prod"] })).toMatchObject({
      state: "passed",
      speech: { inferPath: "/v2/models/digits-prod/infer" },
    });
  });

  test.each([
    ["is not ready", { "/v2/health/ready": [503, "loading"] }, /503: loading/],
    ["describes another model", { "/v2/models/digits": [200, { name: "letters" }] }, /does not describe this model/],
    ["breaks at zeros", { "/v2/models/digits/infer": [500, "boom"] }, /a request of zeros: .*500: boom/],
    ["answers in another shape", { "/v2/models/digits/infer": [200, { y: 1 }] }, /not of the protocol's shape/],
  ] as const)("fails a server that %s", async (_, change, what) => {
    const { served } = serving({ ...V2, ...change });
    expect(await smoke(served)).toEqual({ state: "failed", what: expect.stringMatching(what) });
  });

  test("takes a refusal of zeros for an answer, and one of a payload for a fault", async () => {
    const { served } = serving({ ...V2, "/v2/models/digits/infer": [400, { error: "no digit" }] });
    expect(await smoke(served)).toMatchObject({ state: "passed", said: expect.stringContaining("no digit") });
    expect(await smoke(served, { payloads: [payload({ inputs: [] })] })).toMatchObject({
      state: "failed",
      what: expect.stringContaining("400"),
    });
  });

  test("believes the version only where the server was told it", async () => {
    const other = { ...V2, "/v2/models/digits": [200, { name: "digits", versions: ["1"] }] } as const;
    expect(await smoke(serving(other).served)).toMatchObject({ state: "passed" });
    const process = { as: "process", command: "server" } as const;
    expect(
      await smokeTest({ ...serving(other).served, runs: process }, { payloads: [], wanted: "v2", names: ["digits"] }),
    ).toMatchObject({
      state: "failed",
      what: expect.stringContaining("version 1, not 1.2.0"),
    });
  });
});

describe("the first inference protocol", () => {
  const ready = { "/v1/models/digits": [200, { name: "digits", ready: true }] } as const;
  const tensorflow = (state: string): Readonly<Record<string, Said>> => ({
    "/v1/models/digits": [200, { model_version_status: [{ version: "1", state, status: {} }] }],
  });

  test("of KServe and of TensorFlow Serving is found", async () => {
    for (const answers of [ready, tensorflow("AVAILABLE")])
      expect(await smoke(serving(answers).served)).toMatchObject({
        state: "passed",
        speech: { protocol: "v1", inferPath: "/v1/models/digits:predict" },
      });
  });

  test("fails a model that is not ready, or has no version that is available", async () => {
    const waiting = serving({ "/v1/models/digits": [200, { name: "digits", ready: "False" }] });
    expect(await smoke(waiting.served)).toMatchObject({ state: "failed", what: expect.stringContaining("not ready") });
    expect(await smoke(serving(tensorflow("LOADING")).served)).toMatchObject({
      state: "failed",
      what: expect.stringContaining("LOADING"),
    });
  });

  test("sends payloads to predict, whose answer has predictions", async () => {
    const good = serving({ ...ready, "/v1/models/digits:predict": [200, { predictions: [7] }] });
    const payloads = [payload({ instances: [[1]] })];
    expect(await smoke(good.served, { payloads })).toMatchObject({ state: "passed" });
    const bad = serving({ ...ready, "/v1/models/digits:predict": [200, "<html>"] });
    expect(await smoke(bad.served, { payloads })).toMatchObject({ state: "failed" });
  });
});

test("TorchServe says how it is by its ping", async () => {
  const healthy = serving({ "/ping": [200, { status: "Healthy" }], "/predictions/digits": [200, 7] });
  expect(await smoke(healthy.served, { payloads: [payload({ data: 1 })] })).toMatchObject({
    state: "passed",
    speech: { protocol: "torchserve", inferPath: "/predictions/digits" },
  });
  const unhealthy = serving({ "/ping": [200, { status: "Unhealthy" }] });
  expect(await smoke(unhealthy.served)).toMatchObject({ state: "failed", what: expect.stringContaining("Unhealthy") });
});

test("any other server is asked at the path that is named", async () => {
  const { served } = serving({ "/healthz": [200, "ok"] });
  expect(await smoke(served, { wanted: "/healthz" })).toMatchObject({ state: "passed", speech: { protocol: "path" } });
  expect(await smoke(served)).toMatchObject({
    state: "failed",
    what: expect.stringContaining("set `smoke` to a path"),
  });
  expect(await smoke(serving({}).served, { wanted: "/healthz" })).toMatchObject({ state: "failed" });
});

test("a server that does not answer has failed, whatever it speaks", async () => {
  const ask = () => Promise.reject(new ReleaseError("UNAVAILABLE", { rule: "nobody answers" }));
  expect(await smoke({ model, ask, runs: PODS })).toEqual({
    state: "failed",
    what: expect.stringContaining("nobody answers"),
  });
});
