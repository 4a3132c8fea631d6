import type http from "node:http";
import type https from "node:https";
import type { S3 } from "@aws-sdk/client-s3";
import { hexOf } from "../../domain/digest.ts";
import { sha256 } from "../../lib/hash.ts";
import { collectAll } from "../../lib/heap.ts";
import type { Clock } from "../../ports/clock.ts";
import { pathText, queryText, requestSigner } from "./signature.ts";

/** A PUT of bytes. */
export type Sending = {
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
};

/** Sends one, and gives the etag. Throws as the SDK does. */
export type SendBody = (sending: Sending, abortSignal: AbortSignal) => Promise<{ readonly etag: string }>;

export type Agents = { readonly httpAgent: http.Agent; readonly httpsAgent: https.Agent };

export type SenderOptions = {
  readonly client: S3;
  readonly bucket: string;
  readonly clock: Pick<Clock, "now">;
  readonly agents: Agents;
};

/**
 * What is handed to TLS at once: of all of a body it would make a second copy. An eighth, so that this takes an eighth of what the bodies on
 * their way take; less than 256 KiB at once, or more than 1 MiB, takes longer.
 */
function sliceBytesOf(size: number): number {
  return Math.min(Math.max(256 * 1024, Math.ceil(size / 8)), 1024 * 1024);
}

/**
 * Sends bodies by Node's own HTTP, since the SDK takes longer over a small file than network and server together, and copies large ones.
 * Where the bucket is, who asks and for which region stays the SDK's to find out: it is taken from a request of its own.
 */
export function bodySender({ client, bucket: Bucket, clock, agents }: SenderOptions): SendBody {
  const placeNow = placeOfRequests(client);
  const sign = requestSigner();
  let connections = 0;

  async function placeFor(Key: string): Promise<Place> {
    if (placeNow() === undefined) await client.headObject({ Bucket, Key }).catch(() => undefined);
    const place = placeNow();
    if (place === undefined) throw new Error("the SDK sent no request");
    return place;
  }

  return async ({ key, query = {}, headers, bytes }, abortSignal) => {
    const { protocol, hostname, port } = await placeFor(key);
    const path = `${hostname.startsWith(`${Bucket}.`) ? "" : `/${Bucket}`}/${pathText(key)}`;
    const isSecure = protocol === "https:";
    const [credentials, region] = await Promise.all([client.config.credentials(), client.config.region()]);
    const signed = sign(
      {
        method: "PUT",
        host: port === undefined ? hostname : `${hostname}:${port}`,
        path,
        query,
        headers,
        // Over TLS nobody changes a body, and its digest goes along.
        payload: isSecure ? "UNSIGNED-PAYLOAD" : hexOf(sha256(bytes)),
      },
      { credentials, region, nowMs: clock.now() },
    );
    const search = queryText(query);
    const request = process.getBuiltinModule(isSecure ? "node:https" : "node:http").request({
      method: "PUT",
      hostname,
      ...(port === undefined ? {} : { port }),
      path: search === "" ? path : `${path}?${search}`,
      headers: { ...signed, "content-length": String(bytes.length) },
      agent: isSecure ? agents.httpsAgent : agents.httpAgent,
    });
    const response = await answerTo(request, bytes, abortSignal);
    if (!request.reusedSocket && ++connections % COLLECTED_CONNECTIONS === 0) collectAll();
    return { etag: String(response.headers.etag ?? "") };
  };
}

/** Where a server ends each connection after its answer, some 15 KB are left of each, which V8 would only collect after many MB. */
const COLLECTED_CONNECTIONS = 400;

function answerTo(
  request: http.ClientRequest,
  bytes: Uint8Array,
  abortSignal: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Node's own `signal` watches the streams besides, which takes a tenth of a small request.
    const abort = () => request.destroy(abortSignal.reason);
    abortSignal.addEventListener("abort", abort);
    request.once("close", () => abortSignal.removeEventListener("abort", abort));
    request.setNoDelay(true);
    request.once("error", reject);
    request.once("response", (response: http.IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        if (text.length < LONGEST_ANSWER) text += piece;
      });
      response.once("error", reject);
      response.once("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(response);
        else reject(refusalOf(response, text));
      });
    });
    // By themselves: what goes together is copied together first.
    request.flushHeaders();
    const sliceBytes = sliceBytesOf(bytes.length);
    let at = 0;
    const write = () => {
      while (bytes.length - at > sliceBytes) {
        const slice = bytes.subarray(at, at + sliceBytes);
        at += slice.length;
        if (!request.write(slice)) return void request.once("drain", write);
      }
      request.end(bytes.subarray(at));
    };
    write();
  });
}

/** No answer to a PUT is longer. */
const LONGEST_ANSWER = 64 * 1024;

/** As the SDK tells it. */
function refusalOf({ statusCode, headers }: http.IncomingMessage, text: string): Error {
  const told = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  return Object.assign(new Error(told("Message") ?? ""), {
    name: told("Code") ?? String(statusCode),
    $metadata: { httpStatusCode: statusCode },
    $response: { headers },
  });
}

type Place = { readonly protocol: string; readonly hostname: string; readonly port?: number | undefined };

/** Where the SDK's requests go, as soon as there was one. */
function placeOfRequests(client: S3): () => Place | undefined {
  let place: Place | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      place = (args as { readonly request: Place }).request;
      return next(args);
    },
    { step: "build", name: "placeOfRequests" },
  );
  return () => place;
}
