import * as v from "valibot";
import { allPages } from "../../lib/all-pages.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest, Send } from "../../lib/http.ts";
import { refusalOf } from "../../lib/http-error.ts";
import type { Clock } from "../../ports/clock.ts";

export const SERVICE = "the model registry of Kubeflow";

/** A server whose version was found out. */
export type Connection = {
  readonly api: "v1" | "v1alpha3";
  /** Whether metrics, parameters and data sets are artifacts; servers before 0.3 have models and documents only. */
  readonly isTyped: boolean;
  /** The first that a query finds; undefined for none. */
  find<S extends v.GenericSchema>(schema: S, wanted: Wanted): Promise<v.InferOutput<S> | undefined>;
  list<S extends v.GenericSchema>(item: S, path: string): Promise<readonly v.InferOutput<S>[]>;
  /** `conflict`: a name or an external id is taken. `unknown`: no answer came, so that it may be there or not. */
  create<S extends v.GenericSchema>(schema: S, wanted: Sent): Promise<Created<v.InferOutput<S>>>;
  update<S extends v.GenericSchema>(schema: S, wanted: Sent): Promise<v.InferOutput<S>>;
};

export type Wanted = { readonly path: string; readonly query?: Readonly<Record<string, string>> };
export type Sent = { readonly path: string; readonly json: unknown; readonly method?: "POST" | "PATCH" };

export type Created<T> =
  | { readonly state: "created"; readonly value: T }
  | { readonly state: "conflict"; readonly error: ReleaseError }
  | { readonly state: "unknown"; readonly error: ReleaseError };

export type HubAddress = { readonly address: string; readonly send: Send; readonly clock: Clock };

/** Newest first. The older one answers on most servers too, marked as deprecated. */
const APIS = ["v1", "v1alpha3"] as const;
const ROOT = "/api/model_registry";

/** The address without what people copy with it: the API's own path, a `/` at the end. */
export function readAddress(written: string): string {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ReleaseError("INPUT", {
      rule: `must be the address of ${SERVICE}`,
      where: { input: "kubeflow-registry" },
      saw: JSON.stringify(written),
      allowed: "https://… or http://…",
      hint: "write it with its scheme, such as https://registry.example.com",
    });
  return `${url.origin}${url.pathname.replace(/\/api\/model_registry(\/.*)?$/, "").replace(/\/+$/, "")}`;
}

/** Asks which API the server has. */
export async function connectHub(hub: HubAddress): Promise<Connection> {
  const seen: string[] = [];
  for (const api of APIS) {
    const base = `${hub.address}${ROOT}/${api}`;
    const saw = await probe(hub, `${base}/registered_models?pageSize=1`);
    if (saw === undefined) return connectionOf(hub, { api, base, isTyped: api === "v1" || (await hasRuns(hub, base)) });
    seen.push(`${api}: ${saw}`);
  }
  throw new ReleaseError("NOT_FOUND", {
    rule: `there is no API of ${SERVICE} at this address`,
    where: { input: "kubeflow-registry" },
    saw: seen.join("; "),
    allowed: `GET ${ROOT}/v1/registered_models (or v1alpha3) answers a list`,
    hint: `give the address that stands before ${ROOT}`,
  });
}

const ListSchema = v.looseObject({
  items: v.optional(v.nullable(v.array(v.unknown()))),
  size: v.optional(v.unknown()),
});

/** Undefined where it answers a list; else what it answered. */
async function probe(hub: HubAddress, url: string): Promise<string | undefined> {
  try {
    const answer = await hub.send(toRequest(hub, { method: "GET", url, okStatus: [200, 404, 405] }));
    if (answer.status !== 200) return String(answer.status);
    return v.is(ListSchema, answer.json()) ? undefined : "JSON of something else";
  } catch (error) {
    // a page for people at an address that is not the registry's
    if (isReleaseError(error, "PROTOCOL")) return error.problems[0]?.saw ?? "no list";
    throw error;
  }
}

/** Experiments came to v1alpha3 together with metrics, parameters and data sets (0.3). The API v1 has the latter without the former. */
async function hasRuns(hub: HubAddress, base: string): Promise<boolean> {
  return (await probe(hub, `${base}/experiments?pageSize=1`)) === undefined;
}

function connectionOf(
  hub: HubAddress,
  { base, ...known }: Pick<Connection, "api" | "isTyped"> & { readonly base: string },
): Connection {
  return {
    ...known,
    find: async (schema, { path, query = {} }) => {
      const url = `${base}${path}?${new URLSearchParams(query)}`;
      const answer = await hub.send(toRequest(hub, { method: "GET", url, okStatus: [200, 404] }));
      return answer.status === 404 ? undefined : decode(schema, answer.json(), `${SERVICE}, ${path}`);
    },
    list: (item, path) => listAll(hub, { item, url: `${base}${path}`, path }),
    create: async (schema, sent) => {
      const wanted = toRequest(hub, { ...writing(base, sent), okStatus: [200, 201, 409] });
      const answer = await unlessLost(hub.send(wanted));
      if (isReleaseError(answer)) return { state: "unknown", error: answer };
      if (answer.status === 409) return { state: "conflict", error: refusalOf(wanted, answer) };
      return { state: "created", value: decode(schema, answer.json(), `${SERVICE}, ${sent.path}`) };
    },
    update: async (schema, sent) => {
      // what is written twice is the same: a change may be repeated
      const wanted = toRequest(hub, { ...writing(base, sent), okStatus: [200, 201], attempts: 4 });
      return decode(schema, (await hub.send(wanted)).json(), `${SERVICE}, ${sent.path}`);
    },
  };
}

async function unlessLost(answer: Promise<HttpAnswer>): Promise<HttpAnswer | ReleaseError> {
  try {
    return await answer;
  } catch (error) {
    if (isReleaseError(error, "UNAVAILABLE")) return error;
    throw error;
  }
}

function writing(base: string, { path, json, method = "POST" }: Sent) {
  return { method, url: `${base}${path}`, body: JSON.stringify(json) };
}

type Part = Pick<HttpRequest, "method" | "url" | "body" | "okStatus" | "attempts">;

function toRequest({ clock }: HubAddress, part: Part): HttpRequest {
  return {
    ...part,
    service: SERVICE,
    clock,
    timeoutMs: 30_000,
    headers: {
      accept: "application/json",
      ...(part.body === undefined ? {} : { "content-type": "application/json" }),
    },
    hints: {
      AUTH: "check `kubeflow-registry-token`, and that its account may reach the registry's service",
      UNAVAILABLE: "is `kubeflow-registry` right, and the server up? It answers 503 until it has its database",
      PROTOCOL: "look at the log of the registry's server",
    },
  };
}

type Listed<S> = { readonly item: S; readonly url: string; readonly path: string };

async function listAll<S extends v.GenericSchema>(
  hub: HubAddress,
  { item, url, path }: Listed<S>,
): Promise<readonly v.InferOutput<S>[]> {
  const schema = v.looseObject({
    items: v.optional(v.nullable(v.array(item))),
    nextPageToken: v.optional(v.nullable(v.string())),
  });
  return allPages({
    what: `what ${SERVICE} lists at ${path}`,
    hint: "look at the log of the registry's server",
    read: async (token) => {
      const query = new URLSearchParams({ pageSize: "100", ...(token === undefined ? {} : { nextPageToken: token }) });
      const answer = await hub.send(toRequest(hub, { method: "GET", url: `${url}?${query}`, okStatus: [200] }));
      const page = decode(schema, answer.json(), `${SERVICE}, ${path}`);
      return { items: (page.items ?? []) as v.InferOutput<S>[], next: page.nextPageToken as string | undefined };
    },
  });
}
