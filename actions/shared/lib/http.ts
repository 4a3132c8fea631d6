import type { Clock } from "../ports/clock.ts";
import { systemClock } from "./clock.ts";
import { type ErrorCode, isReleaseError, ReleaseError } from "./error.ts";

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

/** One request, repeated while the service is unavailable. Throws as STYLE's table says; nothing secret is in an error. */
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

/** The error that `request` throws for an answer: for callers that took a refusal as an answer first. */
export function refusalOf(wanted: HttpRequest, answer: HttpAnswer): ReleaseError {
  return errorOf(wanted, answer.status, withoutCredentials(answer.text(), wanted));
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
      error: errorOf(wanted, response.status, await beginningOf(response, wanted)),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), clock.now()),
    };
  } catch (error) {
    wanted.signal?.throwIfAborted();
    return { state: "failed", error: isReleaseError(error) ? error : unreached(wanted, error) };
  }
}

function errorOf(wanted: HttpRequest, status: number, text: string): ReleaseError {
  const told = wanted.explain?.({ status, text });
  if (told !== undefined) return told;
  const snippet = (messageIn(text) ?? text).replaceAll(/\s+/g, " ").trim().slice(0, 300);
  return problem(wanted, codeOfStatus(status), { saw: snippet === "" ? String(status) : `${status}: ${snippet}` });
}

/** What many services have for people in their JSON. */
function messageIn(text: string): string | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" && message !== "" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** A certificate that is not trusted stays so, however often one asks. */
function unreached(wanted: HttpRequest, error: unknown): ReleaseError {
  const saw = reasonOf(error);
  if (!CERTIFICATE.test(saw)) return problem(wanted, "UNAVAILABLE", { saw, cause: error });
  const hint =
    wanted.hints?.CONFIG ??
    "use the name that the certificate is for, or set NODE_EXTRA_CA_CERTS in the job's env to the file of the authority that signed it";
  const rule = `${wanted.service} has a certificate that is not trusted (${addressOf(wanted)})`;
  return new ReleaseError("CONFIG", { rule, saw, hint }, error);
}

/** Codes of OpenSSL and Node for what is wrong with a server's certificate. */
const CERTIFICATE =
  /^(UNABLE_TO_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA)\b/;

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

export function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return "AUTH";
  if (status === 404 || status === 410) return "NOT_FOUND";
  if (status === 409 || status === 412) return "CONFLICT";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "UNAVAILABLE";
  return "PROTOCOL";
}

/** Seconds or a date; at most five minutes are waited. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 300_000);
}

const RULES: Partial<Record<ErrorCode, string>> = {
  AUTH: "refused the credentials",
  NOT_FOUND: "does not know this",
  CONFLICT: "says that it conflicts with what is there",
  UNAVAILABLE: "is not available",
};

type Seen = { readonly saw: string; readonly cause?: unknown };

function problem(wanted: HttpRequest, code: ErrorCode, { saw, cause }: Seen): ReleaseError {
  const hint = wanted.hints?.[code];
  const rule = `${wanted.service} ${RULES[code] ?? "did not answer as its API promises"} (${addressOf(wanted)})`;
  return new ReleaseError(code, { rule, saw, ...(hint === undefined ? {} : { hint }) }, cause);
}

const SNIPPET_BYTES = 4_096;
/** Where it is explained: it may list many reasons. */
const REFUSAL_BYTES = 65_536;

/** Method and address without user, password, query (signatures live there) and fragment. */
function addressOf(wanted: HttpRequest): string {
  const url = new URL(wanted.url);
  return `${wanted.method ?? "GET"} ${url.protocol}//${url.host}${url.pathname}`;
}

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

/** A service may echo what it was sent. */
function withoutCredentials(text: string, wanted: HttpRequest): string {
  const secret = Object.entries(wanted.headers ?? {})
    .filter(([name]) => /^(authorization|proxy-authorization|cookie|x-[\w-]*token|[\w-]*api-key)$/i.test(name))
    .flatMap(([, value]) => [value, value.replace(/^\S+\s+/, ""), ...value.split(/[=;]\s*/).slice(1)])
    .filter((value) => value.length >= 4);
  return secret.reduce((shown, value) => shown.replaceAll(value, "***"), text);
}

/** fetch says "fetch failed" and keeps the reason in the cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "no whole answer in time";
  const cause = thrown.cause instanceof Error ? thrown.cause : thrown;
  return "code" in cause ? `${String(cause.code)} ${cause.message}`.trim() : cause.message;
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
