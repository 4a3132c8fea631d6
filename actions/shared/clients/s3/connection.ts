import { readFileSync } from "node:fs";
import { S3, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Operation } from "../../domain/s3-access.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { retryAfterMs } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { S3Address } from "./address.ts";
import { isEndpoint } from "./address.ts";
import { type Failure, failureOf, type SeenFailure, STORE_WORDS, type Words } from "./refusal.ts";
import { type Agents, bodySender, type SendBody } from "./send-body.ts";

export type S3Options = {
  readonly address: S3Address;
  /** Variables of the job, as far as they are about AWS. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Of one attempt of a small request; what carries bytes gets more by its size. Default 60 s. */
  readonly timeoutMs?: number;
  /** How often a request is tried while the server is unavailable. Default 6, over some 12 s. */
  readonly attempts?: number;
  /** Default: those of the store. */
  readonly words?: Words;
};

export type Tried<T> = { readonly state: "answered"; readonly answer: T } | Failure;

/** What is left where the others were repeated or thrown. */
export type Answer<T> = Extract<Tried<T>, { readonly state: "answered" | "missing" | "condition" }>;

export type Wanted = {
  readonly does: S3Operation;
  /** As the server knows it. */
  readonly key: string;
  /** What the request or its answer carries. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/** One request, by the SDK's client; the options are for its methods. */
export type Act<T> = (client: S3, options: { readonly abortSignal: AbortSignal }) => Promise<T>;

export type Connection = {
  readonly bucket: string;
  /** `https://host`, as it is shown. */
  readonly server: string;
  readonly attempts: number;
  /** A PUT of bytes, as an act of `once` or `ask`. */
  readonly send: SendBody;
  /** One attempt. Throws what is not the server's. */
  once<T>(wanted: Wanted, act: Act<T>): Promise<Tried<T>>;
  /** Repeated while the server is unavailable; throws what it refuses. For what may be done twice. */
  ask<T>(wanted: Wanted, act: Act<T>): Promise<Answer<T>>;
  /** The wait before the next attempt (from 1), longer each time. */
  pause(attempt: number, failure: Failure, signal?: AbortSignal): Promise<void>;
};

/** A server of S3 as address and environment name it. Throws `CONFIG` for what is wrong with them; asks nothing yet. */
export function connectS3({
  address,
  env,
  clock,
  timeoutMs = 60_000,
  attempts = 6,
  words = STORE_WORDS,
}: S3Options): Connection {
  const endpoint = endpointOf(address, env);
  const agents = agentsFor(caOf(address.ca ?? nonEmpty(env.AWS_CA_BUNDLE)));
  const client = new S3(clientConfig({ address, env, endpoint, agents }));
  if (endpoint === undefined || endpoint.startsWith("https:")) leaveBodiesUnsigned(client);
  const server = endpoint === undefined ? "Amazon S3" : new URL(endpoint).origin;
  const store = [`s3://${address.bucket}`, ...(address.prefix === "" ? [] : [address.prefix])].join("/");
  const secrets = [env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN].filter((secret) => secret !== undefined);

  const connection: Connection = {
    bucket: address.bucket,
    server,
    attempts,
    send: bodySender({ client, bucket: address.bucket, clock, agents }),
    async once(wanted, act) {
      const limit = AbortSignal.timeout(limitMs(timeoutMs, wanted.bytes ?? 0));
      const abortSignal = wanted.signal === undefined ? limit : AbortSignal.any([limit, wanted.signal]);
      try {
        return { state: "answered", answer: await act(client, { abortSignal }) };
      } catch (error) {
        wanted.signal?.throwIfAborted();
        const seen = seenOf(error, { isLate: limit.aborted, secrets, nowMs: clock.now() });
        const { does, key } = wanted;
        return failureOf(seen, {
          does,
          server,
          store,
          address: `s3://${address.bucket}/${key}`,
          bucket: address.bucket,
          words,
        });
      }
    },
    async ask(wanted, act) {
      for (let attempt = 1; ; attempt++) {
        const tried = await connection.once(wanted, act);
        switch (tried.state) {
          case "answered":
          case "missing":
          case "condition":
            return tried;
          case "refused":
            throw tried.error;
          case "conflict":
          case "unavailable":
            if (attempt >= attempts) throw tried.error;
            await connection.pause(attempt, tried, wanted.signal);
        }
      }
    },
    async pause(attempt, failure, signal) {
      const told = failure.state === "unavailable" ? failure.retryAfterMs : undefined;
      // Of many that lost together, not all come back together.
      const own = Math.min(200 * 2 ** (attempt - 1), 5_000) * (0.5 + Math.random());
      await clock.sleep(told ?? own, signal);
    },
  };
  return connection;
}

/** With the default of a minute: 70 KB a second. What is slower is not alive. */
function limitMs(timeoutMs: number, bytes: number): number {
  return Math.min(Math.ceil(timeoutMs * (1 + bytes / (4 * 1024 * 1024))), 15 * timeoutMs);
}

type Setting = Pick<S3Options, "address" | "env"> & { readonly endpoint: string | undefined; readonly agents: Agents };

/** One for the SDK and for us. By their names, built-in modules are loaded without what nobody asked for. */
function agentsFor(ca: string | undefined): Agents {
  const options = { keepAlive: true, maxSockets: 64 };
  // Made once: of the certificates alone, every connection would make one of its own, which takes longer than its handshake.
  const { createSecureContext } = process.getBuiltinModule("node:tls");
  const trust = ca === undefined ? {} : { secureContext: createSecureContext({ ca }) };
  return {
    httpAgent: new (process.getBuiltinModule("node:http").Agent)(options),
    httpsAgent: new (process.getBuiltinModule("node:https").Agent)({ ...options, ...trust }),
  };
}

function clientConfig({ address, env, endpoint, agents }: Setting): S3ClientConfig {
  const profile = address.profile ?? nonEmpty(env.AWS_PROFILE);
  const region = address.region ?? nonEmpty(env.AWS_REGION) ?? nonEmpty(env.AWS_DEFAULT_REGION);
  const keys = profile === undefined ? keysOf(env) : undefined;
  return {
    // Whether to try again is decided here: after a lost answer one must look before one repeats.
    maxAttempts: 1,
    // Bodies have their digest as a header. As a trailer, many servers refuse it, and some have stored it as content.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // With it the SDK takes a connection of its own for every part, to which our certificates are unknown.
    expectContinueHeader: false,
    forcePathStyle: (address.addressing ?? (endpoint === undefined ? "host" : "path")) === "path",
    requestHandler: {
      connectionTimeout: 10_000,
      ...agents,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    // Other servers rarely have regions, yet a signature has one.
    ...(region !== undefined ? { region } : endpoint === undefined ? {} : { region: "us-east-1" }),
    ...(profile === undefined ? {} : { profile }),
    ...(keys === undefined ? {} : { credentials: keys }),
  };
}

function endpointOf(address: S3Address, env: S3Options["env"]): string | undefined {
  const endpoint = address.endpoint ?? nonEmpty(env.AWS_ENDPOINT_URL_S3) ?? nonEmpty(env.AWS_ENDPOINT_URL);
  if (endpoint === undefined || isEndpoint(endpoint)) return endpoint;
  throw new ReleaseError("CONFIG", {
    rule: "AWS_ENDPOINT_URL_S3 must be the address of a server",
    allowed: "https://host or http://host, with a port where it has one; no user, no path",
    hint: "correct it in the job's env",
  });
}

function keysOf(env: S3Options["env"]) {
  const [accessKeyId, secretAccessKey] = [nonEmpty(env.AWS_ACCESS_KEY_ID), nonEmpty(env.AWS_SECRET_ACCESS_KEY)];
  const sessionToken = nonEmpty(env.AWS_SESSION_TOKEN);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function caOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ReleaseError(
      "CONFIG",
      { rule: "the certificates for the store cannot be read", where: { file }, hint: "correct AWS_CA_BUNDLE" },
      error,
    );
  }
}

/** Over TLS nobody changes a body, and its digest goes along: to hash it once more for the signature would take an eighth of the time. */
function leaveBodiesUnsigned(client: S3): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as {
        readonly request: { readonly body?: unknown; readonly headers: Record<string, string> };
      };
      if (request.body instanceof Uint8Array) request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build", name: "leaveBodiesUnsigned" },
  );
}

type Seeing = { readonly isLate: boolean; readonly secrets: readonly string[]; readonly nowMs: number };

/** Throws again what is ours, or no failure of a request at all. */
function seenOf(error: unknown, { isLate, secrets, nowMs }: Seeing): SeenFailure {
  if (isReleaseError(error) || !(error instanceof Error)) throw error;
  const told = error as Error & {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  };
  const isWire = told.$metadata !== undefined || typeof told.code === "string" || WIRE_NAMES.test(told.name);
  if (!isLate && !isWire && told.message !== NO_REGION) throw error;
  const headers = told.$response?.headers ?? {};
  const date = Date.parse(headers.date ?? "");
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), told.message);
  return {
    code: isLate ? "no answer in time" : codeOf(told),
    status: told.$metadata?.httpStatusCode,
    message: isLate ? "" : message,
    region: headers["x-amz-bucket-region"] ?? /expecting ['"]([\w-]+)['"]/.exec(told.message)?.[1],
    serverAheadMs: Number.isNaN(date) ? undefined : date - nowMs,
    retryAfterMs: retryAfterMs(headers["retry-after"] ?? null, nowMs),
  };
}

/** As the SDK says it, without a name. */
const NO_REGION = "Region is missing";

const WIRE_NAMES = /^(TimeoutError|AbortError|CredentialsProviderError|.*Exception)$/;

/** Where S3 said nothing, the socket's code says more than the SDK's name for it. */
function codeOf({
  name,
  code,
  message,
}: {
  readonly name: string;
  readonly code?: unknown;
  readonly message: string;
}): string {
  if (message === NO_REGION) return "RegionMissing";
  if (typeof code === "string" && /^(Error|TypeError|TimeoutError)$/.test(name)) return code;
  if (name === "Error") return /\bE[A-Z]{4,}\b/.exec(message)?.[0] ?? name;
  return name;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
