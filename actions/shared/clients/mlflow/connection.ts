import type * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { type ErrorCode, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest, Send } from "../../lib/http.ts";
import { codeOfStatus } from "../../lib/http-error.ts";
import type { Clock } from "../../ports/clock.ts";
import { readServerError, type ServerError } from "./server-error.ts";

export type MlflowRequest = {
  /** Default GET. */
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  /** Below the base: `/api/2.0/mlflow/runs/get`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  /** Whether sending it twice is the same as once: it is then repeated while the server is not available. Default: of GET and PUT. */
  readonly repeatable?: true;
};

export type Refusal = { readonly state: "refused"; readonly status: number; readonly error: ServerError };
/** What the server answered: its word, or what it says of a request that it refuses. A silent or broken server is an exception. */
export type MlflowAnswer = { readonly state: "ok"; readonly http: HttpAnswer } | Refusal;

export type Mlflow = {
  /** Without a `/` at the end; the API is below it. */
  readonly base: string;
  call(wanted: MlflowRequest): Promise<MlflowAnswer>;
  /** The answer as its schema says; a refusal is thrown. `act` is what was tried: `create the run digits 1.1.0`. */
  ask<S extends v.GenericSchema>(act: string, schema: S, wanted: MlflowRequest): Promise<v.InferOutput<S>>;
};

export type MlflowOptions = {
  readonly base: string;
  /** The hop to the server, with whatever credentials it needs. */
  readonly send: Send;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
};

export const SERVICE = "MLflow";

/** What is decided by MLflow's own word rather than by the status: it says 400 for what exists already and for an alias that does not. */
const ANSWERS = [200, 201, 204, 400, 404, 405, 409, 501];

export function connectMlflow(options: MlflowOptions): Mlflow {
  const call = async (wanted: MlflowRequest): Promise<MlflowAnswer> => {
    const http = await options.send(httpRequest(options, wanted));
    if (http.status < 300) return { state: "ok", http };
    return { state: "refused", status: http.status, error: readServerError(http.text()) };
  };
  return {
    base: options.base,
    call,
    ask: async (act, schema, wanted) => readAnswer(schema, await call(wanted), act),
  };
}

function httpRequest({ base, clock, signal }: MlflowOptions, wanted: MlflowRequest): HttpRequest {
  const { method = "GET", repeatable, json, bytes } = wanted;
  const url = new URL(`${base}${wanted.path}`);
  for (const [name, value] of Object.entries(wanted.query ?? {}))
    if (value !== undefined && value !== "") url.searchParams.set(name, value);
  return {
    service: SERVICE,
    method,
    url,
    clock,
    okStatus: ANSWERS,
    headers: {
      accept: "application/json",
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(bytes === undefined ? {} : { "content-type": "application/octet-stream" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(bytes === undefined ? {} : { body: bytes }),
    ...(signal === undefined ? {} : { signal }),
    ...(repeatable === undefined ? {} : { attempts: 4 }),
    hints: {
      AUTH: RIGHTS,
      UNAVAILABLE: "is the address of the tracking server right, and the server up?",
    },
  };
}

/** The answer as its schema says; a refusal is thrown. */
export function readAnswer<S extends v.GenericSchema>(schema: S, answer: MlflowAnswer, act: string): v.InferOutput<S> {
  if (answer.state === "refused") throw refusal(act, answer);
  return decode(schema, answer.http.json(), `${SERVICE}, to ${act}`);
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  UNAUTHENTICATED: "AUTH",
  CUSTOMER_UNAUTHORIZED: "AUTH",
  PERMISSION_DENIED: "AUTH",
  RESOURCE_DOES_NOT_EXIST: "NOT_FOUND",
  RESOURCE_ALREADY_EXISTS: "CONFLICT",
  RESOURCE_CONFLICT: "CONFLICT",
  INVALID_PARAMETER_VALUE: "CONFIG",
  BAD_REQUEST: "CONFIG",
  INVALID_STATE: "CONFIG",
  REQUEST_LIMIT_EXCEEDED: "UNAVAILABLE",
  RESOURCE_EXHAUSTED: "UNAVAILABLE",
  TEMPORARILY_UNAVAILABLE: "UNAVAILABLE",
};

/** A refusal as an exception; `act` is what was tried. */
export function refusal(act: string, answer: Refusal): ReleaseError {
  const { status, error } = answer;
  const known = error.code === undefined ? undefined : CODES[error.code];
  const code = known ?? (status === 400 ? "CONFIG" : codeOfStatus(status));
  const hint = isUnknownRoute(answer)
    ? "is this the address of an MLflow tracking server, and not too old a one?"
    : code === "AUTH"
      ? RIGHTS
      : undefined;
  return new ReleaseError(code, {
    rule: `${SERVICE} refused to ${act}`,
    saw: `${status}${error.code === undefined ? "" : ` ${error.code}`}: ${error.message}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

const RIGHTS = "the account needs the permission EDIT on the experiment and on the registered model";

/** Whether the server says so in its own words: a 404 in others' says nothing of the thing that was asked for. */
export function says(answer: MlflowAnswer, code: string): answer is Refusal {
  return answer.state === "refused" && answer.error.code === code;
}

/** The server is one that does not have this: an older one, or one that only speaks a part of the API. */
export function isUnknownRoute(answer: MlflowAnswer): boolean {
  if (answer.state === "ok") return false;
  if (answer.error.code === "ENDPOINT_NOT_FOUND" || answer.error.code === "NOT_IMPLEMENTED") return true;
  return answer.error.code === undefined && [404, 405, 501].includes(answer.status);
}
