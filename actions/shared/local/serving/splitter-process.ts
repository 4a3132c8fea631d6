import { timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";

// The splitter: a process of its own, so that it outlives the step that started it. It imports nothing of ours, since it runs as one file
// beside the bundle. Its folder, name and port come as arguments; the token of its control door lies in the folder.
//
// Two doors, both on 127.0.0.1 only: requests come in by the first and go to one backend each, chosen at random by weight; the second
// changes the weights, all at once, and tells the counts.

type Backend = { readonly id: string; readonly port: number; readonly weight: number };

export type Routes = {
  readonly backends: readonly Backend[];
  /** Gets everything when `holdMs` have passed without new routes; nobody where it is absent. */
  readonly fallback?: string;
  readonly holdMs?: number;
  readonly requestTimeoutMs: number;
  /** Answers that take longer are slow. */
  readonly latencyBoundMs?: number;
};

/** `started` when a request is given to the backend; one of the others, and `finished`, when it has ended. */
type BackendCounts = {
  started: number;
  finished: number;
  errors: number;
  slow: number;
  rejected: number;
  /** The client went away; says nothing about the backend. */
  abandoned: number;
};

type State = {
  readonly routes: Routes;
  readonly counts: Readonly<Record<string, BackendCounts>>;
  /** Requests that no backend was there for. */
  readonly unrouted: number;
  /** The routes fell back because nobody renewed them. */
  readonly lapsed: boolean;
};

/** What the process writes when both doors are open. */
type Doors = { readonly pid: number; readonly port: number; readonly controlPort: number };

const [folder = "", id = "", wantedPort = "0"] = process.argv.slice(2);
const token = readFileSync(`${folder}/${id}.token`, "utf8");

let routes: Routes = { backends: [], requestTimeoutMs: 10_000 };
let lapse: NodeJS.Timeout | undefined;
let lapsed = false;
let unrouted = 0;
const counts: Record<string, BackendCounts> = {};
const agents = new Map<string, Agent>();

const traffic = createServer({ keepAliveTimeout: 65_000 }, (incoming, answer) => route(incoming, answer));
// A request is as long as its body: the backend's own time limit is ours.
traffic.requestTimeout = 0;
const control = createServer((incoming, answer) => {
  steer(incoming, answer).catch((error: unknown) => reply(answer, 500, { error: String(error) }));
});

await Promise.all([listen(traffic, Number(wantedPort)), listen(control, 0)]);
const doors: Doors = { pid: process.pid, port: portOf(traffic), controlPort: portOf(control) };
writeFileSync(`${folder}/${id}.tmp`, JSON.stringify(doors));
renameSync(`${folder}/${id}.tmp`, `${folder}/${id}.json`);
process.on("SIGTERM", close);
process.on("SIGINT", close);

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function close(): void {
  clearTimeout(lapse);
  control.close();
  traffic.close();
  traffic.closeIdleConnections();
  control.closeIdleConnections();
  for (const agent of agents.values()) agent.destroy();
}

async function steer(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  if (!isAllowed(incoming.headers.authorization)) return reply(answer, 401, { error: "wrong token" });
  if (incoming.method === "PUT" && incoming.url === "/routes")
    setRoutes(JSON.parse(await readText(incoming)) as Routes);
  else if (incoming.method !== "GET" || incoming.url !== "/state")
    return reply(answer, 404, { error: "GET /state, PUT /routes" });
  const state: State = { routes, counts, unrouted, lapsed };
  reply(answer, 200, state);
}

/** In force with the next request; requests under way end where they are. */
function setRoutes(next: Routes): void {
  routes = next;
  lapsed = false;
  clearTimeout(lapse);
  lapse = next.holdMs === undefined ? undefined : setTimeout(fallBack, next.holdMs);
  for (const { id: backend } of next.backends) {
    counts[backend] ??= { started: 0, finished: 0, errors: 0, slow: 0, rejected: 0, abandoned: 0 };
  }
  for (const [backend, agent] of agents) {
    if (next.backends.some((one) => one.id === backend)) continue;
    agent.destroy();
    agents.delete(backend);
  }
}

/** Whoever watched the candidate is gone: unattended, its share only falls. */
function fallBack(): void {
  const { fallback } = routes;
  routes = {
    ...routes,
    backends: routes.backends.map((backend) => ({ ...backend, weight: backend.id === fallback ? 1 : 0 })),
  };
  lapsed = true;
}

function choose(): Backend | undefined {
  const total = routes.backends.reduce((sum, backend) => sum + backend.weight, 0);
  let at = Math.random() * total;
  for (const backend of routes.backends) {
    at -= backend.weight;
    if (backend.weight > 0 && at < 0) return backend;
  }
  return routes.backends.findLast((backend) => backend.weight > 0);
}

function route(incoming: IncomingMessage, answer: ServerResponse): void {
  const backend = choose();
  const tally = backend === undefined ? undefined : counts[backend.id];
  if (backend === undefined || tally === undefined) {
    unrouted += 1;
    incoming.resume();
    reply(answer, 503, { error: "no model serves here" });
    return;
  }
  tally.started += 1;
  const exchange: Exchange = { incoming, answer, backend, tally, startedAt: performance.now(), ended: false };
  const declared = Number(incoming.headers["content-length"] ?? 0);
  const isSmall = declared <= MAX_KEPT_BYTES && incoming.headers["transfer-encoding"] === undefined;
  if (!isSmall) {
    forward(exchange, undefined);
    return;
  }
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.once("end", () => forward(exchange, Buffer.concat(chunks)));
  incoming.once("error", () => conclude(exchange, "abandoned"));
}

/** Bodies up to this are kept, so that a request can be sent again on a new connection. */
const MAX_KEPT_BYTES = 1024 * 1024;

type Exchange = {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  readonly backend: Backend;
  readonly tally: BackendCounts;
  readonly startedAt: number;
  ended: boolean;
};

function forward(exchange: Exchange, body: Buffer | undefined): void {
  const { incoming, answer, backend } = exchange;
  const upstream = send({
    host: "127.0.0.1",
    port: backend.port,
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    headers: endToEnd(incoming.headers, body),
    agent: agentOf(backend.id),
    signal: AbortSignal.timeout(routes.requestTimeoutMs),
  });
  answer.setHeader("x-ml-release-backend", backend.id);
  upstream.once("response", (response) => {
    answer.writeHead(response.statusCode ?? 502, endToEnd(response.headers, undefined));
    response.pipe(answer);
    response.once("error", () => {
      conclude(exchange, 502);
      answer.destroy();
    });
    answer.once("finish", () => conclude(exchange, response.statusCode ?? 502));
  });
  upstream.once("error", (error) => {
    // The backend closed an idle connection just as we took it: nothing of the request was read.
    const isStale = upstream.reusedSocket && "code" in error && error.code === "ECONNRESET" && !answer.headersSent;
    if (isStale && body !== undefined) {
      forward(exchange, body);
      return;
    }
    const isLate = error.name === "AbortError" || error.name === "TimeoutError";
    conclude(exchange, isLate ? 504 : 502);
    if (answer.headersSent) answer.destroy();
    else reply(answer, isLate ? 504 : 502, { error: `${backend.id}: ${isLate ? "no answer in time" : error.message}` });
  });
  answer.once("close", () => {
    if (answer.writableFinished) return;
    conclude(exchange, "abandoned");
    upstream.destroy();
  });
  if (body === undefined) incoming.pipe(upstream);
  else upstream.end(body);
}

/** Counts an exchange once, by what ended it first. */
function conclude(exchange: Exchange, how: number | "abandoned"): void {
  if (exchange.ended) return;
  exchange.ended = true;
  const { tally } = exchange;
  if (how === "abandoned") {
    tally.abandoned += 1;
    return;
  }
  tally.finished += 1;
  if (how >= 500) tally.errors += 1;
  else if (how >= 400) tally.rejected += 1;
  const { latencyBoundMs } = routes;
  if (latencyBoundMs !== undefined && performance.now() - exchange.startedAt > latencyBoundMs) tally.slow += 1;
}

function agentOf(backend: string): Agent {
  const known = agents.get(backend);
  if (known) return known;
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  agents.set(backend, agent);
  return agent;
}

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function endToEnd(headers: IncomingMessage["headers"], body: Buffer | undefined): Record<string, string | string[]> {
  const named = new Set(
    String(headers.connection ?? "")
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  const kept = Object.entries(headers).filter(
    (header): header is [string, string | string[]] =>
      header[1] !== undefined && !HOP_BY_HOP.has(header[0]) && !named.has(header[0]),
  );
  return { ...Object.fromEntries(kept), ...(body === undefined ? {} : { "content-length": String(body.length) }) };
}

function isAllowed(authorization: string | undefined): boolean {
  const seen = Buffer.from(authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return seen.length === wanted.length && timingSafeEqual(seen, wanted);
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function reply(answer: ServerResponse, status: number, value: unknown): void {
  if (!answer.headersSent) answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
