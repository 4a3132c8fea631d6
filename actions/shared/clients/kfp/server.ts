import * as v from "valibot";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Connection, connectKfp, refusal, SERVICE } from "./connection.ts";
import { readEndpoint } from "./endpoint.ts";

/** A server and what it can. */
export type Server = Connection & {
  readonly multiUser: boolean;
  readonly store: "database" | "kubernetes";
  /** Tasks and artifacts have an API of their own (3.0): there is no ML Metadata beside it. */
  readonly native: boolean;
  /** Pipelines carry tags (2.17). A server that does not tell its version gets none in a body, where they would be an error. */
  readonly tags: boolean;
  readonly version?: string;
};

const HealthSchema = v.looseObject({
  tag_name: v.optional(v.string()),
  multi_user: v.optional(v.boolean(), false),
  pipeline_store: v.optional(v.string(), "database"),
});

/** What a server is found by. */
export type ServerAddress = {
  /** As users write it: of the page, of the API, with or without `/pipeline`. */
  readonly endpoint: string;
  /** The hop to the server, with whatever credentials it needs. */
  readonly send: Send;
  readonly clock: Clock;
};

/** Finds the API at or below the address, and asks it what it can. */
async function findServer({ endpoint, send, clock }: ServerAddress): Promise<Server> {
  const { bases } = readEndpoint(endpoint);
  const seen: string[] = [];
  for (const base of bases) {
    const connection = connectKfp({ base, send, clock });
    const health = await askHealth(connection);
    if (health.state === "found") return describe(connection, health.value);
    seen.push(`${base}: ${health.saw}`);
  }
  throw new ReleaseError("NOT_FOUND", {
    rule: `there is no API of ${SERVICE} at \`endpoint\``,
    where: { input: "endpoint" },
    saw: seen.join("; "),
    allowed: "GET …/apis/v2beta1/healthz answers JSON",
    hint: "give the address of its page or of the service ml-pipeline, such as https://kubeflow.example.com/pipeline",
  });
}

type Health =
  | { readonly state: "found"; readonly value: v.InferOutput<typeof HealthSchema> }
  | { readonly state: "none"; readonly saw: string };

async function askHealth(connection: Connection): Promise<Health> {
  try {
    const answer = await connection.call({ path: "/apis/v2beta1/healthz" });
    if (answer.state === "refused") {
      if (answer.status === 403) throw refusal("tell how it is", answer);
      return { state: "none", saw: `${answer.status} ${answer.error.message.slice(0, 100)}`.trim() };
    }
    const read = v.safeParse(HealthSchema, answer.http.json());
    return read.success ? { state: "found", value: read.output } : { state: "none", saw: "JSON of something else" };
  } catch (error) {
    // a page, such as the dashboard that a gateway shows at its root
    if (isReleaseError(error, "PROTOCOL")) return { state: "none", saw: error.problems[0]?.saw ?? "no JSON" };
    throw error;
  }
}

async function describe(connection: Connection, health: v.InferOutput<typeof HealthSchema>): Promise<Server> {
  const native = await isNative(connection);
  const version = /(\d+)\.(\d+)(?:\.\d+)?/.exec(health.tag_name ?? "");
  const [, major = "0", minor = "0"] = version ?? [];
  return {
    ...connection,
    multiUser: health.multi_user,
    store: health.pipeline_store === "kubernetes" ? "kubernetes" : "database",
    native,
    tags: native || Number(major) > 2 || (major === "2" && Number(minor) >= 17),
    ...(version === null ? {} : { version: version[0] }),
  };
}

/** Before 3.0 the route does not exist; with it, whatever the answer is, it is another one (400 without a namespace, 403). */
async function isNative(connection: Connection): Promise<boolean> {
  try {
    const probe = await connection.call({ path: "/apis/v2beta1/artifacts", query: { page_size: "1" } });
    return probe.state === "ok" || ![404, 405, 501].includes(probe.status);
  } catch (error) {
    if (isReleaseError(error, "PROTOCOL")) return false;
    throw error;
  }
}

/** A server that is looked for when it is first needed, and again as long as it could not be found. */
export type ServerFinder = {
  find(): Promise<Server>;
  /** Where it was looked for before; this starts nothing. */
  found(): Promise<Server> | undefined;
};

export function serverFinder(options: ServerAddress): ServerFinder {
  let found: Promise<Server> | undefined;
  return {
    find: () => {
      found ??= findServer(options).catch((error: unknown) => {
        found = undefined;
        throw error;
      });
      return found;
    },
    found: () => found,
  };
}

/** Where the API of a server is. */
export function kfpBase(options: ServerAddress): () => Promise<string> {
  const { find } = serverFinder(options);
  return async () => (await find()).base;
}
