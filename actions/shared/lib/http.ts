import type { Clock } from "../ports/clock.ts";
import { systemClock } from "./clock.ts";
import { type ErrorCode, isReleaseError, type ReleaseError } from "./error.ts";
import { problem, refusal, unreached, withoutCredentials } from "./http-error.ts";

export type HttpBody = string | Uint8Array | { readonly size: number; open(): AsyncIterable<Uint8Array> };

export type HttpRequest = {
  /** Whom we speak to, as it reads in a sentence: `the registry ghcr.io`. */
  readonly service: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly signal?: AbortSignal;
  /** Of one attempt, until the whole answer is read. Default 60 s. */
  readonly timeoutMs?: number;
  /** Statuses that are an answer to the caller. Default: 200 to 299. */
  readonly okStatus?: readonly number[];
  /** Default 4; 1 for POST and PATCH, which may have been carried out although no answer came. */
  readonly attempts?: number;
  /** `manual` gives the redirect's answer (its status must be in `okStatus`). */
  readonly redirect?: "follow" | "manual";
  /** Largest answer that is read whole. Default 64 MiB. */
  readonly maxBytes?: number;
  /** What to do, by the kind of failure: the permission to add, the input to check. */
  readonly hints?: Partial<Readonly<Record<ErrorCode, string>>>;
  /** The error of a refusal where the service says more than its status does; undefined where it does not. */
  readonly explain?: (refused: Refused) => ReleaseError | undefined;
  readonly clock?: Clock;
  /** How bytes get there. Default: `fetch`. */
  readonly transport?: Transport;
};

/** A refusal as it came: the beginning of its text, without the credentials that it may echo. */
export type Refused = { readonly status: number; readonly text: string };

/** One attempt, without retries. Rejects where no answer came. */
export type Transport = (url: string | URL, init: WireRequest) => Promise<WireAnswer>;

export type WireRequest = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly redirect: "follow" | "manual";
  readonly signal: AbortSignal;
};

export type WireAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  text(): string;
  /** Throws `PROTOCOL` where it is no JSON. */
  json(): unknown;
};

/** One hop to a service, such as `request`: others add credentials, a way through a proxy, another transport. */
export type Send = (wanted: HttpRequest) => Promise<HttpAnswer>;

/** One request, repeated while the service is unavailable. Throws what a status means (`codeOfStatus`); nothing secret is in an error. */
export function request(wanted: HttpRequest): Promise<HttpAnswer> {
  return withRetries(wanted, async (response) => {
    const bytes = await readAll(response, wanted);
    const text = () => new TextDecoder().decode(bytes);
    return { status: response.status, headers: response.headers, bytes, text, json: () => parseJson(text(), wanted) };
  });
}

/** As `request`, but the answer's body is read by the caller as it comes; only the head is repeated. */
export function requestStream(
  wanted: HttpRequest,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: AsyncIterable<Uint8Array> }> {
  return withRetries({ ...wanted, timeoutMs: wanted.timeoutMs ?? 6 * 3_600_000 }, async (response) => ({
    status: response.status,
    headers: response.headers,
    body: response.body ?? emptyBody(),
  }));
}

async function withRetries<T>(wanted: HttpRequest, read: (response: WireAnswer) => Promise<T>): Promise<T> {
  const clock = wanted.clock ?? systemClock;
  const repeatable = wanted.method !== "POST" && wanted.method !== "PATCH";
  const attempts = wanted.attempts ?? (repeatable ? 4 : 1);
  for (let attempt = 1; ; attempt++) {
    const tried = await attemptOnce(wanted, read, clock);
    if (tried.state === "answered") return tried.answer;
    if (tried.error.code !== "UNAVAILABLE" || attempt >= attempts) throw tried.error;
    await clock.sleep(tried.retryAfterMs ?? 500 * 2 ** (attempt - 1), wanted.signal);
  }
}

type Attempt<T> =
  | { readonly state: "answered"; readonly answer: T }
  | { readonly state: "failed"; readonly error: ReleaseError; readonly retryAfterMs?: number | undefined };

async function attemptOnce<T>(
  wanted: HttpRequest,
  read: (response: WireAnswer) => Promise<T>,
  clock: Clock,
): Promise<Attempt<T>> {
  try {
    const response = await send(wanted);
    const isOk = wanted.okStatus ? wanted.okStatus.includes(response.status) : Math.trunc(response.status / 100) === 2;
    if (isOk) return { state: "answered", answer: await read(response) };
    return {
      state: "failed",
      error: refusal(wanted, response.status, await beginningOf(response, wanted)),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), clock.now()),
    };
  } catch (error) {
    wanted.signal?.throwIfAborted();
    return { state: "failed", error: isReleaseError(error) ? error : unreached(wanted, error) };
  }
}

function send(wanted: HttpRequest): Promise<WireAnswer> {
  const timeout = AbortSignal.timeout(wanted.timeoutMs ?? 60_000);
  const { body, headers } = bodyOf(wanted);
  return (wanted.transport ?? overFetch)(wanted.url, {
    method: wanted.method ?? "GET",
    headers: { "user-agent": "ml-release-actions", ...headers, ...wanted.headers },
    signal: wanted.signal ? AbortSignal.any([wanted.signal, timeout]) : timeout,
    redirect: wanted.redirect ?? "follow",
    ...(body === undefined ? {} : { body }),
  });
}

const overFetch: Transport = (url, { body, ...init }) => {
  const isPlain = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const sent = isPlain ? body : ReadableStream.from(body);
  return fetch(url, { ...init, ...(sent === undefined ? {} : { body: sent, duplex: "half" }) } as RequestInit);
};

/** Seconds or a date; at most five minutes are waited. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 300_000);
}

const SNIPPET_BYTES = 4_096;
/** Where it is explained: it may list many reasons. */
const REFUSAL_BYTES = 65_536;

/** The beginning of what a service says of its refusal, however long it goes on. */
async function beginningOf(response: WireAnswer, wanted: HttpRequest): Promise<string> {
  const limit = wanted.explain === undefined ? SNIPPET_BYTES : REFUSAL_BYTES;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? emptyBody()) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= limit) break;
    }
  } catch {
    // The status tells enough.
  }
  return withoutCredentials(Buffer.concat(chunks).toString("utf8", 0, limit), wanted);
}

function bodyOf({ body }: HttpRequest): { body?: WireRequest["body"]; headers: Record<string, string> } {
  if (body === undefined) return { headers: {} };
  if (typeof body === "string" || body instanceof Uint8Array) return { body, headers: {} };
  return { body: body.open(), headers: { "content-length": String(body.size) } };
}

async function readAll(response: WireAnswer, wanted: HttpRequest): Promise<Uint8Array> {
  const limit = wanted.maxBytes ?? 64 * 1024 * 1024;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? emptyBody()) {
    size += chunk.length;
    if (size > limit) throw problem(wanted, "PROTOCOL", { saw: `an answer of more than ${limit} bytes` });
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}

function parseJson(text: string, wanted: HttpRequest): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No cause: the parser's own words quote the answer.
    throw problem(wanted, "PROTOCOL", { saw: `no JSON: ${withoutCredentials(text, wanted).slice(0, 100)}` });
  }
}
