import * as v from "valibot";
import type { Json } from "../../domain/canonical.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { allPages, type Page } from "../../lib/all-pages.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest } from "../../lib/http.ts";
import type { KubeConnection } from "./connection.ts";
import { refusalOf } from "./refusal.ts";
import { parseStatus } from "./status.ts";

/** A kind of object as it stands in addresses. Without a namespace: of the whole cluster. */
export type ResourceType = {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
};

export type Selection = { readonly labels?: string; readonly fields?: string };

export type Listed = {
  readonly items: readonly KubeObject[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
};

/** Who owns the fields that we apply. */
export const FIELD_MANAGER = "ml-release";

const PAGE = 500;

const ObjectSchema = v.custom<KubeObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const ListSchema = v.looseObject({
  metadata: v.looseObject({ resourceVersion: v.optional(v.string(), ""), continue: v.optional(v.string(), "") }),
  items: v.nullish(v.array(ObjectSchema)),
});

/** The address of objects of a type, or of one of them. */
export function addressOf(connection: KubeConnection, type: ResourceType, name?: string): URL {
  const { group, version, plural, namespace } = type;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const inside = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return new URL(
    `${connection.server}${root}${inside}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`,
  );
}

/** One object; undefined where there is none of that name, or no such type. */
export async function getObject(
  connection: KubeConnection,
  type: ResourceType,
  name: string,
): Promise<KubeObject | undefined> {
  const answer = await ask(connection, { url: addressOf(connection, type, name) });
  return answer === undefined ? undefined : decode(ObjectSchema, answer.json(), `${type.plural} ${name}`);
}

/** All that are selected, page by page; undefined where the cluster has no such type. */
export async function listObjects(
  connection: KubeConnection,
  type: ResourceType,
  selection: Selection,
): Promise<Listed | undefined> {
  let last: Listed | undefined;
  const items = await allPages({
    what: `the list of ${type.plural} of ${serviceOf(connection)}`,
    hint: "look at the log of its API server",
    read: async (token) => {
      last = await listPage(connection, type, { ...selection, continue: token ?? "" });
      if (last === undefined && token === undefined) return { items: [] };
      if (last !== undefined) return last;
      throw new ReleaseError("UNAVAILABLE", {
        rule: `${serviceOf(connection)} forgot a list of ${type.plural} while it was read`,
        hint: "it is asked again",
      });
    },
  });
  return last === undefined ? undefined : { items, resourceVersion: last.resourceVersion };
}

/** Undefined where there is no such type, or the rest of the list is no longer kept (410). */
async function listPage(
  connection: KubeConnection,
  type: ResourceType,
  wanted: Selection & { readonly continue: string },
): Promise<(Listed & Page<KubeObject>) | undefined> {
  const url = addressOf(connection, type);
  url.searchParams.set("limit", String(PAGE));
  if (wanted.labels !== undefined) url.searchParams.set("labelSelector", wanted.labels);
  if (wanted.fields !== undefined) url.searchParams.set("fieldSelector", wanted.fields);
  const isGoingOn = wanted.continue !== "";
  if (isGoingOn) url.searchParams.set("continue", wanted.continue);
  const answer = await ask(connection, { url, ...(isGoingOn ? { okStatus: [200, 410] } : {}) });
  if (answer === undefined || answer.status === 410) return undefined;
  const { metadata, items } = decode(ListSchema, answer.json(), `the list of ${type.plural}`);
  return { items: items ?? [], resourceVersion: metadata.resourceVersion, next: metadata.continue };
}

export type Apply = { readonly object: KubeObject; readonly name: string; readonly mode: "real" | "dry-run" };

/**
 * Server-side apply with our field manager, without force: a field that somebody else owns is a conflict that names both. The same apply
 * twice is one object, so a lost answer is repeated. Unknown fields are refused.
 */
export async function applyObject(
  connection: KubeConnection,
  type: ResourceType,
  { object, name, mode }: Apply,
): Promise<KubeObject> {
  const url = addressOf(connection, type, name);
  url.searchParams.set("fieldManager", FIELD_MANAGER);
  url.searchParams.set("force", "false");
  url.searchParams.set("fieldValidation", "Strict");
  if (mode === "dry-run") url.searchParams.set("dryRun", "All");
  const answer = await connection.send({
    service: serviceOf(connection),
    method: "PATCH",
    url,
    headers: { ...ACCEPT, "content-type": "application/apply-patch+yaml" },
    body: JSON.stringify(object),
    attempts: 4,
  });
  return decode(ObjectSchema, answer.json(), `${type.plural} ${name}`);
}

/** A JSON merge patch; undefined where there is no such object. */
export async function patchObject(
  connection: KubeConnection,
  type: ResourceType,
  { name, patch }: { readonly name: string; readonly patch: Json },
): Promise<KubeObject | undefined> {
  const url = addressOf(connection, type, name);
  url.searchParams.set("fieldManager", FIELD_MANAGER);
  const answer = await ask(connection, {
    method: "PATCH",
    url,
    headers: { ...ACCEPT, "content-type": "application/merge-patch+json" },
    body: JSON.stringify(patch),
    attempts: 4,
  });
  return answer === undefined ? undefined : decode(ObjectSchema, answer.json(), `${type.plural} ${name}`);
}

/** Deletes an object after everything that it owns; false where it is gone already. */
export async function deleteObject(connection: KubeConnection, type: ResourceType, name: string): Promise<boolean> {
  const answer = await ask(connection, {
    method: "DELETE",
    url: addressOf(connection, type, name),
    headers: { ...ACCEPT, "content-type": "application/json" },
    body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" }),
  });
  return answer !== undefined;
}

const ResourcesSchema = v.looseObject({
  resources: v.array(v.looseObject({ name: v.string(), kind: v.string(), namespaced: v.boolean() })),
});

export type FoundType = { readonly plural: string; readonly isNamespaced: boolean };

/** What the API calls a kind; undefined where the cluster does not have it. */
export async function findType(
  connection: KubeConnection,
  { group, version, kind }: { readonly group: string; readonly version: string; readonly kind: string },
): Promise<FoundType | undefined> {
  const url = new URL(`${connection.server}${group === "" ? `/api/${version}` : `/apis/${group}/${version}`}`);
  const answer = await ask(connection, { url });
  if (answer === undefined) return undefined;
  const { resources } = decode(ResourcesSchema, answer.json(), `the resources of ${group}/${version}`);
  const found = resources.find((one) => one.kind === kind && !one.name.includes("/"));
  return found === undefined ? undefined : { plural: found.name, isNamespaced: found.namespaced };
}

/** As it reads in a sentence. */
export function serviceOf({ server }: KubeConnection): string {
  return `the cluster ${new URL(server).host}`;
}

const ACCEPT = { accept: "application/json" } as const;
const GONE = { kind: "Status", message: "", reason: "Gone" } as const;

/** One question; undefined where there is nothing of that kind or name. Refusals are thrown in words by the connection. */
async function ask(connection: KubeConnection, wanted: Omit<HttpRequest, "service">): Promise<HttpAnswer | undefined> {
  const service = serviceOf(connection);
  // Whoever is on the way may say so, of what is there: taken for absent, it would be made anew.
  const explain: HttpRequest["explain"] = ({ status, text }) =>
    status === 410 ? refusalOf({ ...(parseStatus(text) ?? GONE), code: 410 }, { what: service }) : undefined;
  try {
    return await connection.send({ service, headers: ACCEPT, explain, ...wanted });
  } catch (error) {
    if (isReleaseError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}
