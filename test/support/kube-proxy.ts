import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { connectCluster, type KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { silentLog } from "./logs.ts";

/** What befalls one request on its way to the API server. */
export type KubeFault =
  /** Carried out, but the answer never comes. */
  | "lost answer"
  /** Carried out, and the connection breaks. */
  | "reset after"
  /** The connection breaks before it arrives. */
  | "reset before"
  /** Arrives, and is answered, later. */
  | "slow"
  | "409"
  | "410"
  /** With `Retry-After`. */
  | "429"
  | "503";

export const KUBE_FAULTS: readonly [KubeFault, ...KubeFault[]] = [
  "lost answer",
  "reset after",
  "reset before",
  "slow",
  "409",
  "410",
  "429",
  "503",
];

export type KubeProxy = {
  /** `PATCH /apis/…`, in order. */
  readonly requests: readonly string[];
  /** Decides for each request by its number, from 0. */
  befall: (number: number, line: string) => KubeFault | undefined;
  /** Through it. A request is given up after 0.7 s; waits between tries are short. */
  readonly connection: KubeConnection;
  close(): void;
};

/** Stands before the real API server of a test. */
export async function kubeProxy(cluster: Cluster, namespace: string, token = cluster.tokens.admin): Promise<KubeProxy> {
  const requests: string[] = [];
  const agent = new Agent({ ca: cluster.ca, keepAlive: true });
  const server = createServer((incoming, response) => {
    const line = `${incoming.method} ${incoming.url?.split("?")[0]}`;
    const fault = proxy.befall(requests.length, line);
    requests.push(line);
    befallen({ incoming, response, fault, server: cluster.server, agent }).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: KubeProxy = {
    requests,
    befall: () => undefined,
    connection: await impatient(address, { namespace, token }),
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
  return proxy;
}

const quickClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) };

async function impatient(
  server: string,
  { namespace, token }: { readonly namespace: string; readonly token: string },
): Promise<KubeConnection> {
  const named = { name: "test" };
  const connection = await connectCluster({
    kubeconfig: JSON.stringify({
      "current-context": "test",
      clusters: [{ ...named, cluster: { server } }],
      users: [{ ...named, user: { token } }],
      contexts: [{ ...named, context: { cluster: "test", user: "test", namespace } }],
    }),
    cwd: "/",
    env: {},
    mask: () => {},
    clock: quickClock,
    log: silentLog,
  });
  return { ...connection, send: (wanted) => connection.send({ timeoutMs: 700, ...wanted }) };
}

type Passage = {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly fault: KubeFault | undefined;
  readonly server: string;
  readonly agent: Agent;
};

async function befallen({ incoming, response, fault, server, agent }: Passage): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(incoming));
  if (fault === "reset before") incoming.socket.destroy();
  // a read is in nobody's way
  const isRefused = fault !== "409" || incoming.method !== "GET";
  const refusal = isRefused && fault ? REFUSALS.get(fault) : undefined;
  if (refusal !== undefined) {
    const { headers = {}, code, reason } = refusal;
    const status = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: "from the proxy" };
    response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(status));
  }
  if (fault === "reset before" || refusal !== undefined) return;
  if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 200));
  const answer = await passOn(incoming, body, { server, agent });
  const whole = Buffer.concat(await Array.fromAsync(answer));
  if (fault === "reset after") incoming.socket.destroy();
  if (fault === "lost answer" || fault === "reset after") return;
  response.writeHead(answer.statusCode ?? 502, answer.headers).end(whole);
}

function passOn(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  { server, agent }: { readonly server: string; readonly agent: Agent },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(url ?? "/", server), { method, agent, headers: { ...headers, host: "" } }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}

type Refusal = { readonly code: number; readonly reason: string; readonly headers?: Readonly<Record<string, string>> };

const REFUSALS: ReadonlyMap<KubeFault, Refusal> = new Map([
  ["409", { code: 409, reason: "Conflict" }],
  ["410", { code: 410, reason: "Expired" }],
  ["429", { code: 429, reason: "TooManyRequests", headers: { "retry-after": "1" } }],
  ["503", { code: 503, reason: "ServiceUnavailable" }],
]);
