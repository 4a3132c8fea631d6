import { type ErrorCode, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, Send } from "../../lib/http.ts";
import { malformed } from "./wire.ts";

// gRPC-Web (github.com/grpc/grpc, doc/PROTOCOL-WEB.md): gRPC that passes HTTP/1.1 proxies. A body is frames: one byte of flags, four of
// length, the content. Answers end with a frame of trailers, or have them as HTTP headers where there is no content.

const TYPE = "application/grpc-web+proto";
const TRAILERS = 0x80;
const COMPRESSED = 0x01;
const HEAD = 5;

export type GrpcService = {
  readonly send: Send;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** `ml_metadata.MetadataStoreService` */
  readonly service: string;
};

/** One unary call: the message of the answer. Only for calls that change nothing: they are repeated. */
export async function callGrpc(
  { send, endpoint, service }: GrpcService,
  method: string,
  message: Uint8Array,
): Promise<Uint8Array> {
  const url = `${endpoint}/${service}/${method}`;
  const answer = await send({
    service: "ML Metadata",
    method: "POST",
    url,
    headers: { "content-type": TYPE, accept: TYPE, "x-grpc-web": "1" },
    body: frame(message),
    attempts: 2,
    timeoutMs: 30_000,
    maxBytes: 256 * 1024 * 1024,
    hints: {
      NOT_FOUND:
        "the gateway does not lead to the metadata service there: set metadata-endpoint, or metrics-from: logs",
      AUTH: "the account may not read ML Metadata: allow it at the gateway, or set metrics-from: logs",
      UNAVAILABLE: "check that the metadata service is running, or set metadata-endpoint",
    },
  });
  return messageOf(answer, new URL(url).pathname);
}

export function frame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The message of an answer. Several frames of data are one message, wherever it was split. */
export function messageOf(answer: Pick<HttpAnswer, "headers" | "bytes">, call: string): Uint8Array {
  const type = answer.headers.get("content-type") ?? "";
  if (!type.startsWith("application/grpc")) throw otherService(type, answer.bytes);
  const { data, trailers } = readFrames(answer.bytes);
  const told = trailers.get("grpc-status") ?? answer.headers.get("grpc-status");
  const status = told === null || told === undefined ? undefined : Number(told);
  if (status === undefined) throw malformed("an answer without its end: it has no grpc-status");
  const text = trailers.get("grpc-message") ?? answer.headers.get("grpc-message") ?? "";
  if (status !== 0) throw grpcError(status, text, call);
  return data;
}

type Frames = { readonly data: Uint8Array; readonly trailers: ReadonlyMap<string, string> };

function readFrames(bytes: Uint8Array): Frames {
  const data: Uint8Array[] = [];
  const trailers = new Map<string, string>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < HEAD) throw malformed("an end in the middle of a frame's head");
    const flags = view.getUint8(at);
    const size = view.getUint32(at + 1);
    const start = at + HEAD;
    if (size > bytes.length - start) throw malformed(`a frame of ${size} bytes of which ${bytes.length - start} came`);
    if ((flags & COMPRESSED) !== 0) throw malformed("a compressed frame, which was not asked for");
    const content = bytes.subarray(start, start + size);
    if ((flags & TRAILERS) === 0) data.push(content);
    else for (const [name, value] of trailerLines(content)) trailers.set(name, value);
    at = start + size;
  }
  return { data: data.length === 1 && data[0] !== undefined ? data[0] : Buffer.concat(data), trailers };
}

function trailerLines(content: Uint8Array): readonly (readonly [string, string])[] {
  return new TextDecoder()
    .decode(content)
    .split(/\r?\n/)
    .filter((line) => line.includes(":"))
    .map((line) => [line.slice(0, line.indexOf(":")).trim().toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
}

/** What the numbers of gRPC mean (grpc.io, Status codes), in our words. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  4: "UNAVAILABLE",
  5: "NOT_FOUND",
  7: "AUTH",
  8: "UNAVAILABLE",
  10: "UNAVAILABLE",
  12: "NOT_FOUND",
  14: "UNAVAILABLE",
  16: "AUTH",
};

function grpcError(status: number, text: string, call: string): ReleaseError {
  const code = CODES[status] ?? "PROTOCOL";
  return new ReleaseError(code, {
    rule: `ML Metadata refused a call (${call})`,
    saw: `grpc-status ${status}${text === "" ? "" : `: ${plain(text).slice(0, 300)}`}`,
    hint:
      code === "AUTH"
        ? "the account may not read ML Metadata: allow it at the gateway, or set metrics-from: logs"
        : "look at the log of the metadata service, or set metrics-from: logs",
  });
}

/** Messages are percent-encoded. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function otherService(type: string, bytes: Uint8Array): ReleaseError {
  const start = new TextDecoder().decode(bytes.subarray(0, 200)).replaceAll(/\s+/g, " ").trim();
  const isPage = /html/i.test(type) || /^<(!doctype|html)/i.test(start);
  return new ReleaseError("PROTOCOL", {
    rule: isPage
      ? "a web page answered instead of ML Metadata: a login page, or a gateway that does not know the metadata service"
      : "what answered is not ML Metadata",
    saw: `content type ${type || "none"}`,
    allowed: TYPE,
    hint: "set metadata-endpoint to where /ml_metadata.MetadataStoreService is served, or metrics-from: logs",
  });
}
