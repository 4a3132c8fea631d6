import { request, type Send, type Transport } from "../../../actions/shared/lib/http.ts";
import type { FakeKfp } from "./kfp.ts";

/** A way to the fake without sockets, on the fake's own clock; below `http://kfp.test`. Retries are those of a real request. */
export function sendOf(fake: FakeKfp): Send {
  return (wanted) =>
    request({ ...wanted, clock: fake.clock, transport: transportOf(fake, wanted.timeoutMs ?? 60_000) });
}

export const FAKE_ENDPOINT = "http://kfp.test";

function transportOf(fake: FakeKfp, timeoutMs: number): Transport {
  return async (url, { method, headers, body, signal }) => {
    const at = new URL(url);
    const outcome = await fake.handle({
      method,
      target: `${at.pathname}${at.search}`,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: await bytesOf(body),
    });
    if (outcome.do === "cut") throw new Error("ECONNRESET the connection was cut");
    if (outcome.do === "hang") {
      await fake.clock.sleep(timeoutMs, signal);
      throw new DOMException("no answer", "TimeoutError");
    }
    const { answer } = outcome;
    const content = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
    const comes = outcome.do === "break-off" ? brokenOff(content.subarray(0, outcome.bytes)) : onceOf(content);
    return { status: answer.status, headers: new Headers(answer.headers), body: comes };
  };
}

async function* onceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function* brokenOff(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
  throw new Error("ECONNRESET the connection was cut");
}

async function bytesOf(body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  return Buffer.concat(await Array.fromAsync(body));
}
