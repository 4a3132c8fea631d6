import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { newBucket, type S3Server, storeAt, type TestStore } from "./s3-server.ts";

/** What befalls one request on its way. */
export type Fault =
  /** Carried out, but the answer never comes. */
  | "lost answer"
  /** Carried out, and the connection breaks. */
  | "reset after"
  /** The connection breaks before it arrives. */
  | "reset before"
  | "503"
  /** S3's word for: another write was under way, try again. */
  | "409"
  | "slow"
  | "expired token"
  /** The server takes the clock of whoever asks for wrong by an hour. */
  | "wrong clock"
  /** Its answer breaks off in the middle. */
  | "cut answer";

export type S3Proxy = {
  readonly endpoint: string;
  /** `PUT models/digits/…`, in order; what a query says that is not an id is told too: `POST models/a?uploads`. */
  readonly requests: readonly string[];
  /** How many bytes it has answered with. */
  answered(): number;
  /** Decides for each request by its number, from 0. */
  befall: (number: number, line: string) => Fault | undefined;
  /** Waited for before a request is passed on. */
  hold: (line: string) => Promise<void>;
};

/** Stands before a real server, under its own name, so that signatures hold. Ended with the test. */
export async function s3ProxyForTest(target: string): Promise<S3Proxy> {
  const requests: string[] = [];
  let bytes = 0;
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, response) => {
    const line = lineOf(incoming);
    const fault = proxy.befall(requests.length, line);
    requests.push(line);
    const onward = { hostname, port, hold: () => proxy.hold(line) };
    // A client that gives up breaks off: so does its passage.
    befallen({ incoming, response, fault, onward }).then(
      (length) => {
        bytes += length;
      },
      () => incoming.socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: S3Proxy = {
    endpoint,
    requests,
    answered: () => bytes,
    befall: () => undefined,
    hold: async () => undefined,
  };
  return proxy;
}

/** Method, path below the bucket, and what kind of request it is. */
function lineOf({ method, url = "" }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url, "http://proxy");
  const kinds = [...searchParams.keys()].filter((name) =>
    ["uploads", "uploadId", "partNumber", "list-type"].includes(name),
  );
  return `${method} ${pathname.split("/").slice(2).join("/")}${kinds.length > 0 ? `?${kinds.join("&")}` : ""}`;
}

type Passage = {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly fault: Fault | undefined;
  readonly onward: { readonly hostname: string; readonly port: string; hold(): Promise<void> };
};

/** The length of what the server has answered. */
async function befallen({ incoming, response, fault, onward }: Passage): Promise<number> {
  const body: Buffer[] = [];
  for await (const chunk of incoming) body.push(chunk as Buffer);
  if (fault === "reset before") incoming.socket.destroy();
  const refusal = fault && REFUSALS.get(fault);
  if (refusal !== undefined) refuse(response, refusal);
  if (fault === "reset before" || refusal !== undefined) return 0;
  await onward.hold();
  const answer = await passOn(incoming, Buffer.concat(body), onward);
  const whole = Buffer.concat(await Array.fromAsync(answer));
  if (fault === "reset after") incoming.socket.destroy();
  if (fault === "lost answer" || fault === "reset after") return whole.length;
  if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  if (fault !== "cut answer") response.end(whole);
  else response.write(whole.subarray(0, whole.length / 2), () => incoming.socket.destroy());
  return whole.length;
}

function passOn(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  { hostname, port }: Passage["onward"],
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: url, headers }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}

type Refusal = { readonly status: number; readonly code: string; readonly serverAheadMs?: number };

const REFUSALS: ReadonlyMap<Fault, Refusal> = new Map([
  ["503", { status: 503, code: "SlowDown" }],
  ["409", { status: 409, code: "ConditionalRequestConflict" }],
  ["expired token", { status: 400, code: "ExpiredToken" }],
  ["wrong clock", { status: 403, code: "RequestTimeTooSkewed", serverAheadMs: 3_600_000 }],
]);

function refuse(response: ServerResponse, { status, code, serverAheadMs = 0 }: Refusal): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>from the proxy</Message></Error>`;
  const date = new Date(Date.now() + serverAheadMs).toUTCString();
  response.writeHead(status, { "content-type": "application/xml", date }).end(text);
}

/** A store behind a proxy that breaks single requests, and the same one beside it. A request is given up after 0.7 s. */
export async function behindProxy(server: S3Server, ready?: string) {
  const bucket = ready ?? (await newBucket(server));
  const proxy = await s3ProxyForTest(server.endpoint);
  const open = (options: Partial<TestStore> = {}) =>
    storeAt({ server: { ...server, endpoint: proxy.endpoint }, bucket, timeoutMs: 700, ...options });
  return { bucket, proxy, open, direct: storeAt({ server, bucket }) };
}
