import type { Json } from "../../../actions/shared/domain/canonical.ts";

/** One request, without a socket. */
export type Asked = {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type Answer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
};

export type JsonObject = { readonly [key: string]: Json };

/** gRPC's status codes that the server uses. */
export type RpcCode = 3 | 5 | 6 | 7 | 10 | 12 | 13 | 14 | 16;

const HTTP_STATUS: Readonly<Record<RpcCode, number>> = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  10: 409,
  12: 501,
  13: 500,
  14: 503,
  16: 401,
};

const JSON_TYPE = { "content-type": "application/json" };
const TEXT_TYPE = { "content-type": "text/plain; charset=utf-8" };

/** What the gateway in front of the gRPC services answers. */
export function ok(body: Json): Answer {
  return {
    status: 200,
    headers: { ...JSON_TYPE, "grpc-metadata-content-type": "application/grpc" },
    body: JSON.stringify(body),
  };
}

/** Without the header that only the gateway sets. */
export function plainOk(body: Json): Answer {
  return { status: 200, headers: JSON_TYPE, body: JSON.stringify(body) };
}

/** A refusal of the gateway itself: no details. */
export function refusal(code: RpcCode, message: string): Answer {
  return { status: HTTP_STATUS[code], headers: JSON_TYPE, body: JSON.stringify({ code, message }) };
}

/** A refusal of a service: the whole stack of words, and the innermost again in the details. */
export function failure(code: RpcCode, message: string, inner: string): Answer {
  const details = [
    {
      "@type": "type.googleapis.com/google.rpc.Status",
      code,
      message: code === 13 ? "Internal Server Error" : inner,
    },
  ];
  return { status: HTTP_STATUS[code], headers: JSON_TYPE, body: JSON.stringify({ code, message, details }) };
}

/** The upload routes answer in words of their own, and many of their JSON errors call themselves text. */
export function uploadError(status: number, message: string, type: "json" | "text"): Answer {
  const headers = type === "json" ? JSON_TYPE : TEXT_TYPE;
  return { status, headers, body: JSON.stringify({ error_message: message }) };
}

export function plainText(status: number, text: string): Answer {
  return { status, headers: { ...TEXT_TYPE, "x-content-type-options": "nosniff" }, body: text };
}

/** Thrown inside a handler and answered at its edge. */
export class Refused extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super("refused");
    this.answer = answer;
  }
}
