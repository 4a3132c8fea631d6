import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { anonymous } from "../../actions/shared/clients/access/credentials.ts";
import { passwordLogin } from "../../actions/shared/clients/access/password.ts";
import { fixedToken } from "../../actions/shared/clients/access/token.ts";
import { readPrometheusUrl } from "../../actions/shared/clients/prometheus/address.ts";
import { connectPrometheus, type PrometheusOptions } from "../../actions/shared/clients/prometheus/connection.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { answerJson, type Handler, startServer } from "../support/http-server.ts";
import { logInto } from "../support/logs.ts";

const AT = 1_800_000_000_250;
const clock = { now: () => Date.now(), sleep: async () => {} };

async function open(handler: Handler, more: Partial<PrometheusOptions> = {}) {
  const told: string[] = [];
  const base = await startServer(handler);
  const prometheus = connectPrometheus({
    base: `${base}/prom`,
    send: authorized(request, anonymous),
    clock,
    log: logInto(told),
    ...more,
  });
  return { prometheus, told };
}

const success = (resultType: string, result: unknown, more = {}) => ({
  status: "success",
  data: { resultType, result },
  ...more,
});

const formOf = async (incoming: IncomingMessage) => Object.fromEntries(new URLSearchParams(await text(incoming)));

test("asks by POST, below the path of the address, at an explicit time", async () => {
  const seen: unknown[] = [];
  const { prometheus } = await open(
    async (incoming, response) => {
      seen.push(incoming.method, incoming.url, incoming.headers["x-scope-orgid"], await formOf(incoming));
      answerJson(response, 200, success("vector", []));
    },
    { headers: { "X-Scope-OrgID": "team-a" } },
  );
  expect(await prometheus.vector('up{job="a"}', AT)).toEqual([]);
  expect(seen).toEqual([
    "POST",
    "/prom/api/v1/query",
    "team-a",
    { query: 'up{job="a"}', time: "1800000000.250", timeout: "30000ms", partial_response: "false" },
  ]);
});

test("reads samples, also those that no JSON has numbers for", async () => {
  const values = [
    [1, "1"],
    [2.5, "1e+06"],
    [3, "NaN"],
    [4, "+Inf"],
    [5, "-Inf"],
  ];
  const { prometheus } = await open((_, response) =>
    answerJson(response, 200, success("matrix", [{ metric: { a: "b" }, values }])),
  );
  expect(await prometheus.samples("a", { atMs: AT, rangeMs: 60_000 })).toEqual({
    isPartial: false,
    series: [
      {
        metric: { a: "b" },
        samples: [
          [1_000, 1],
          [2_500, 1_000_000],
          [3_000, Number.NaN],
          [4_000, Number.POSITIVE_INFINITY],
          [5_000, Number.NEGATIVE_INFINITY],
        ],
      },
    ],
  });
});

test.each([
  ["string", [1, "x"], "saw a string"],
  ["scalar", [1, "2"], "saw a scalar"],
  ["matrix", [], "saw a matrix"],
])("says that a vector is wanted where a %s comes", async (type, result, saw) => {
  const { prometheus } = await open((_, response) => answerJson(response, 200, success(type, result)));
  await expect(prometheus.vector("a", AT)).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining(saw),
  });
});

test("says which query was answered with what is no number", async () => {
  const { prometheus } = await open((_, response) =>
    answerJson(response, 200, success("vector", [{ metric: {}, value: [1, "many"] }])),
  );
  await expect(prometheus.vector("up", AT)).rejects.toThrow(/^\[PROTOCOL\] .*numbers: up \(saw "many"\)/);
});

test("refuses native histograms in words", async () => {
  const { prometheus } = await open((_, response) =>
    answerJson(response, 200, success("matrix", [{ metric: {}, histograms: [[1, { count: "1" }]] }])),
  );
  await expect(prometheus.samples("a", { atMs: AT, rangeMs: 1 })).rejects.toThrow(
    "a native histogram has no buckets that can be counted",
  );
});

test.each([
  { status: 400, type: "bad_data", code: "CONFIG", rule: "Prometheus does not understand the query: a" },
  { status: 422, type: "execution", code: "CONFIG", rule: "Prometheus cannot carry out the query: a" },
  { status: 503, type: "timeout", code: "UNAVAILABLE", rule: "Prometheus gave the query up: a" },
])("tells a $status in its own words", async ({ status, type, code, rule }) => {
  const { prometheus } = await open((_, response) =>
    answerJson(response, status, { status: "error", errorType: type, error: "its own words" }),
  );
  await expect(prometheus.vector("a", AT)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(`${rule} (saw ${status} ${type}: its own words`),
  });
});

test("asks again while the server is not available: a query changes nothing", async () => {
  let asked = 0;
  const { prometheus } = await open((_, response) => {
    asked += 1;
    if (asked < 3) answerJson(response, 503, { status: "error", error: "busy" });
    else answerJson(response, 200, success("vector", []));
  });
  expect(await prometheus.vector("a", AT)).toEqual([]);
});

test("asks by GET where nothing else is let through", async () => {
  const seen: (string | undefined)[] = [];
  const { prometheus } = await open((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url?.split("?")[0]}`);
    if (incoming.method === "POST") response.writeHead(405).end();
    else answerJson(response, 200, success("vector", []));
  });
  await prometheus.vector("a", AT);
  await prometheus.vector("b", AT);
  expect(seen).toEqual(["POST /prom/api/v1/query", "GET /prom/api/v1/query", "GET /prom/api/v1/query"]);
});

test("tells each warning once, and knows an answer of a part of the stores", async () => {
  const warnings = ["receive series from Addr: 10.0.0.1: rpc error: code = Unavailable"];
  const infos = ["PromQL info: metric might not be a counter"];
  const { prometheus, told } = await open((_, response) =>
    answerJson(response, 200, success("matrix", [], { warnings, infos })),
  );
  const span = { atMs: AT, rangeMs: 1_000 };
  expect(await prometheus.samples("a", span)).toMatchObject({ isPartial: true });
  expect(await prometheus.samples("b", span)).toMatchObject({ isPartial: true });
  expect(told).toEqual([
    `! Prometheus warned: ${warnings[0]} (a[1000ms])`,
    `! Prometheus warned: ${infos[0]} (a[1000ms])`,
  ]);
  expect(prometheus.warnings()).toEqual([...warnings, ...infos]);
});

test("an info is no sign of missing series", async () => {
  const { prometheus } = await open((_, response) =>
    answerJson(response, 200, success("matrix", [], { infos: ["PromQL info: partial words of a name"] })),
  );
  expect(await prometheus.samples("a", { atMs: AT, rangeMs: 1 })).toMatchObject({ isPartial: false });
});

test("asks the server what time it is", async () => {
  const { prometheus } = await open((_, response) =>
    answerJson(response, 200, success("scalar", [1_800_000_001, "1800000001.5"])),
  );
  expect(await prometheus.now()).toBe(1_800_000_001_500);
});

test("a page for people is no answer, and a login page says who is asked for", async () => {
  const html =
    (title: string): Handler =>
    (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(`<title>${title}</title>`);
  const grafana = await open(html("Grafana"));
  await expect(grafana.prometheus.vector("a", AT)).rejects.toMatchObject({
    code: "PROTOCOL",
    message: expect.stringContaining('with the HTML page "Grafana" at http://127.0.0.1'),
  });
  const login = await open(html("Log in to Dex"));
  await expect(login.prometheus.vector("a", AT)).rejects.toMatchObject({ code: "AUTH" });
  const moved = await open((_, response) => response.writeHead(302, { location: "/oauth2/start" }).end());
  await expect(moved.prometheus.vector("a", AT)).rejects.toMatchObject({
    code: "AUTH",
    message: expect.stringContaining("as for a login"),
  });
});

test("an answer that is cut or of another API is none", async () => {
  const cut = await open((_, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"status":"succ'),
  );
  await expect(cut.prometheus.vector("a", AT)).rejects.toMatchObject({ code: "PROTOCOL" });
  const other = await open((_, response) => answerJson(response, 200, { message: "hello" }));
  await expect(other.prometheus.vector("a", AT)).rejects.toMatchObject({ code: "PROTOCOL" });
});

test.each([
  ["a password", passwordLogin({ username: "ci", password: "s3cret-word" }, () => {}), "Basic Y2k6czNjcmV0LXdvcmQ="],
  ["a token", fixedToken("a-token-of-the-test", () => {}, "prometheus-token"), "Bearer a-token-of-the-test"],
])("proves who it is by %s, and never tells it", async (_, credentials, header) => {
  const accepted = await open(
    (incoming, response) =>
      incoming.headers.authorization === header
        ? answerJson(response, 200, success("vector", []))
        : answerJson(response, 401, {}),
    { send: authorized(request, credentials) },
  );
  expect(await accepted.prometheus.vector("a", AT)).toEqual([]);
  const refused = await open(
    (incoming, response) => answerJson(response, 401, { message: `no: ${incoming.headers.authorization}` }),
    { send: authorized(request, credentials) },
  );
  const error = await refused.prometheus.vector("a", AT).catch(String);
  expect(error).toContain("[AUTH]");
  expect(error).not.toMatch(/s3cret|Y2k6|a-token-of/);
});

test.each([
  ["https://p.acme.dev/", { base: "https://p.acme.dev" }],
  ["https://p.acme.dev/prometheus/graph?g0.expr=up", { base: "https://p.acme.dev/prometheus" }],
  ["http://10.0.0.1:9090/api/v1/query", { base: "http://10.0.0.1:9090" }],
  ["https://a:b%40c@p.acme.dev/x", { base: "https://p.acme.dev/x", login: { username: "a", password: "b@c" } }],
])("reads the address %s", (written, address) => {
  expect(readPrometheusUrl(written, "prometheus")).toEqual(address);
});

test.each(["prometheus:9090", "ftp://a", "//user:secret@host"])("refuses the address %s", (written) => {
  expect(() => readPrometheusUrl(written, "prometheus")).toThrow("[INPUT] input prometheus: must be the address");
  expect(() => readPrometheusUrl(written, "prometheus")).not.toThrow("secret");
});
