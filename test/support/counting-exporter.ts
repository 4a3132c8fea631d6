import { createServer } from "node:http";

// A server of a model as Prometheus sees it: `POST /serve` counts requests as if they had been answered, `GET /metrics` tells them.
// Everything is lost when it is killed, as counters of a real one are.

const [port = "0", version = "2"] = process.argv.slice(2);
/** Version 3 of Prometheus writes whole bounds with a point, as OpenMetrics does. */
const bounds = version === "2" ? ["0.1", "0.5", "1"] : ["0.1", "0.5", "1.0"];

const served = { ok: 0, errors: 0, rejected: 0, slow: 0, classes: {} as Record<string, number> };
let mode = "sound";

function metrics(): string {
  const number = (value: number) => (mode === "nan" ? "NaN" : String(value));
  const all = served.ok + served.errors + served.rejected;
  // an answer that is not slow takes between 0.1 and 0.5 seconds, a slow one over a second
  const buckets = [0, all - served.slow, all - served.slow];
  return [
    "# TYPE http_requests_total counter",
    `http_requests_total{code="200"} ${number(served.ok)}`,
    ...(served.errors > 0 ? [`http_requests_total{code="500"} ${number(served.errors)}`] : []),
    ...(served.rejected > 0 ? [`http_requests_total{code="422"} ${number(served.rejected)}`] : []),
    "# TYPE http_request_duration_seconds histogram",
    ...bounds.map((le, i) => `http_request_duration_seconds_bucket{le="${le}"} ${buckets[i]}`),
    `http_request_duration_seconds_bucket{le="+Inf"} ${all}`,
    `http_request_duration_seconds_count ${all}`,
    `http_request_duration_seconds_sum ${all * 0.3}`,
    "# TYPE predictions_total counter",
    ...Object.entries(served.classes).map(([name, count]) => `predictions_total{class="${name}"} ${count}`),
    "",
  ].join("\n");
}

const server = createServer((incoming, response) => {
  const { pathname, searchParams } = new URL(incoming.url ?? "", "http://exporter");
  if (incoming.method === "GET") {
    if (mode === "down") return void response.writeHead(503).end();
    return void response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(metrics());
  }
  if (pathname === "/mode") mode = searchParams.get("is") ?? "sound";
  for (const name of ["ok", "errors", "rejected", "slow"] as const) served[name] += Number(searchParams.get(name) ?? 0);
  const predicted = searchParams.get("class");
  if (predicted !== null) served.classes[predicted] = (served.classes[predicted] ?? 0) + 1;
  response.end();
});
server.listen(Number(port), "127.0.0.1");
