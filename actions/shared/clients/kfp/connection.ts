import * as v from "valibot";
import { allPages } from "../../lib/all-pages.ts";
import { decode } from "../../lib/decode.ts";
import { type ErrorCode, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest, Send } from "../../lib/http.ts";
import { codeOfStatus } from "../../lib/http-error.ts";
import type { Clock } from "../../ports/clock.ts";
import { readServerError, type ServerError } from "./server-error.ts";

export type KfpRequest = {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Below the base: `/apis/v2beta1/runs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly maxBytes?: number;
};

/** What the server answered: its word, or what it says of a request that it refuses. A silent or broken server is an exception. */
export type KfpAnswer =
  | { readonly state: "ok"; readonly http: HttpAnswer }
  | { readonly state: "refused"; readonly status: number; readonly error: ServerError };

export type Connection = {
  /** Without a `/` at the end; the API is below it. */
  readonly base: string;
  call(wanted: KfpRequest): Promise<KfpAnswer>;
};

/** Statuses with something to say. A 500 on a request that changes something is one of them: the server reports users' errors so. */
const ANSWERS = [200, 201, 202, 204, 400, 403, 404, 405, 409, 412, 413, 501];

export function connectKfp({
  base,
  send,
  clock,
}: {
  readonly base: string;
  readonly send: Send;
  readonly clock: Clock;
}): Connection {
  return {
    base,
    call: async (wanted) => {
      const http = await send(httpRequest(base, wanted, clock));
      if (http.status < 300) return { state: "ok", http };
      return { state: "refused", status: http.status, error: readServerError(http.text()) };
    },
  };
}

function httpRequest(base: string, wanted: KfpRequest, clock: Clock): HttpRequest {
  const { method = "GET", timeoutMs, attempts, maxBytes } = wanted;
  const url = new URL(`${base}${wanted.path}`);
  for (const [name, value] of Object.entries(wanted.query ?? {}))
    if (value !== undefined && value !== "") url.searchParams.set(name, value);
  return {
    service: SERVICE,
    method,
    url,
    clock,
    okStatus: method === "GET" ? ANSWERS : [...ANSWERS, 500],
    timeoutMs: timeoutMs ?? 30_000,
    ...(attempts === undefined ? {} : { attempts }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...bodyOf(wanted),
    hints: {
      AUTH: "check `token` and what the account may: get, list and create of pipelines, experiments and runs in group pipelines.kubeflow.org",
      UNAVAILABLE: "is `endpoint` right, and the server up?",
    },
  };
}

function bodyOf({ json, body }: KfpRequest): Pick<HttpRequest, "headers" | "body"> {
  if (body !== undefined)
    return { headers: { accept: "application/json", "content-type": body.type }, body: body.bytes };
  if (json === undefined) return { headers: { accept: "application/json" } };
  return {
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(json),
  };
}

export const SERVICE = "Kubeflow Pipelines";

/** A refusal as an exception; `act` is what was tried: `create the pipeline digits`. */
export function refusal(act: string, { status, error }: Extract<KfpAnswer, { state: "refused" }>): ReleaseError {
  const isForbidden = status === 403 || error.code === 7 || error.code === 16 || looksForbidden(error.message);
  const code: ErrorCode = isForbidden ? "AUTH" : status === 400 || status === 413 ? "CONFIG" : codeOfStatus(status);
  const hint = isForbidden ? RIGHTS : status === 413 ? LARGE : undefined;
  return new ReleaseError(code, {
    rule: `${SERVICE} refused to ${act}`,
    saw: `${status}: ${error.message}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** gRPC's. */
const NOT_FOUND = 5;
const RIGHTS = "the account needs this right in the namespace (ClusterRole kubeflow-pipelines-edit)";
const LARGE = "a gateway before the server takes no request of this size: raise its limit, or make the package smaller";

/** Uploads say 400 for everything. */
function looksForbidden(message: string): boolean {
  return /PermissionDenied|Unauthenticated|not authorized|unauthorized|forbidden/i.test(message);
}

/** The answer as its schema says; a refusal is thrown. */
export function readAnswer<S extends v.GenericSchema>(schema: S, answer: KfpAnswer, act: string): v.InferOutput<S> {
  if (answer.state === "refused") throw refusal(act, answer);
  return decode(schema, answer.http.json(), `${SERVICE}, to ${act}`);
}

/**
 * As `readAnswer`; undefined where the server does not know it. A 404 in other words than the server's comes from what stands before it (a
 * gateway whose route is being made anew, the API server of the cluster), and says nothing of a run.
 */
export function findAnswer<S extends v.GenericSchema>(
  schema: S,
  answer: KfpAnswer,
  act: string,
): v.InferOutput<S> | undefined {
  if (answer.state === "ok" || answer.status !== 404) return readAnswer(schema, answer, act);
  if (answer.error.code === NOT_FOUND) return undefined;
  throw new ReleaseError("UNAVAILABLE", {
    rule: `could not ${act}: what stands before ${SERVICE} leads nowhere now`,
    saw: `404: ${answer.error.message}`,
    hint: "is `endpoint` right, and the server up?",
  });
}

/** All pages of a list, `field` naming it in the answer. */
export async function listAll<S extends v.GenericSchema>(
  connection: Connection,
  wanted: KfpRequest,
  { field, item, act }: { readonly field: string; readonly item: S; readonly act: string },
): Promise<readonly v.InferOutput<S>[]> {
  const schema = v.looseObject({ [field]: v.optional(v.array(item)), next_page_token: v.optional(v.string()) });
  return allPages({
    what: `what ${SERVICE} answers to ${act}`,
    hint: "look at the log of the API server",
    read: async (token) => {
      const query = { page_size: "200", ...wanted.query, page_token: token };
      const page = readAnswer(schema, await connection.call({ ...wanted, query }), act);
      return {
        items: (page[field] ?? []) as v.InferOutput<S>[],
        next: page.next_page_token as string | undefined,
      };
    },
  });
}
