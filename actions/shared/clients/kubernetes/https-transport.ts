import { type Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Transport, WireRequest } from "../../lib/http.ts";

/** How often an idle connection shows that it is alive: a watch is silent for minutes, and what lies between forgets silent connections. */
const KEEP_ALIVE_MS = 30_000;

/** Requests over connections of this agent. Redirects are answers. */
export function agentTransport(agent: Agent, headers: OutgoingHttpHeaders): Transport {
  return async (url, init) => {
    const response = await open(new URL(url), { ...init, agent, extra: headers });
    return { status: response.statusCode ?? 0, headers: headersOf(response), body: bodyOf(response, init.signal) };
  };
}

type Opening = WireRequest & { readonly agent: Agent; readonly extra: OutgoingHttpHeaders };

function open(url: URL, { agent, extra, method, headers, body, signal }: Opening): Promise<IncomingMessage> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = send(url, { agent, method, headers: { ...headers, ...extra, ...lengthOf(body) }, signal });
    outgoing.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    outgoing.once("response", resolve);
    // not once: what goes wrong after the answer is told by its body, and an error that nobody hears would end the process
    outgoing.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) outgoing.end(body);
    else pipeline(Readable.from(body), outgoing).catch(reject);
  });
}

function lengthOf(body: WireRequest["body"]): OutgoingHttpHeaders {
  return typeof body === "string" || body instanceof Uint8Array ? { "content-length": Buffer.byteLength(body) } : {};
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  return headers;
}

/** Ends the connection when the reader leaves, and fails with the signal's reason. */
async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncIterable<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    response.destroy();
  }
}
