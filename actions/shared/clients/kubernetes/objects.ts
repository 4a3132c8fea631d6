import * as v from "valibot";
import type { Json } from "../../domain/canonical.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { decode } from "../../lib/decode.ts";
import type { HttpAnswer, HttpRequest } from "../../lib/http.ts";
import type { KubeConnection } from "./connection.ts";
import { type Deed, failureOf, isNoSuchType } from "./failure.ts";

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

/** Statuses that are answers to be put into words; everything else that is no success is repeated or thrown by the connection. */
const ANSWERS = [200, 201, 202, 400, 403, 404, 405, 409, 410, 422];
/** An unknown field in an apply on a built-in type is answered with 500. */
const APPLY_ANSWERS = [...ANSWERS, 500];
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
  const answer = await ask(connection, { verb: "get", type, name }, { url: addressOf(connection, type, name) });
  return answer === undefined ? undefined : decode(ObjectSchema, answer.json(), `${type.plural} ${name}`);
}

/** All that are selected, page by page; undefined where the cluster has no such type. */
export async function listObjects(
  connection: KubeConnection,
  type: ResourceType,
  { labels, fields }: Selection,
): Promise<Listed | undefined> {
  const items: KubeObject[] = [];
  let next = "";
  for (;;) {
    const url = addressOf(connection, type);
    url.searchParams.set("limit", String(PAGE));
    if (labels !== undefined) url.searchParams.set("labelSelector", labels);
    if (fields !== undefined) url.searchParams.set("fieldSelector", fields);
    if (next !== "") url.searchParams.set("continue", next);
    const answer = await ask(connection, { verb: "list", type }, { url });
    if (answer === undefined) return undefined;
    const { metadata, items: page } = decode(ListSchema, answer.json(), `the list of ${type.plural}`);
    items.push(...(page ?? []));
    next = metadata.continue;
    if (next === "") return { items, resourceVersion: metadata.resourceVersion };
  }
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
  const deed: Deed = { verb: "patch", type, name };
  const answer = await connection.send({
    service: serviceOf(connection),
    method: "PATCH",
    url,
    headers: { ...ACCEPT, "content-type": "application/apply-patch+yaml" },
    body: JSON.stringify(object),
    okStatus: APPLY_ANSWERS,
    attempts: 4,
  });
  if (answer.status >= 300) throw failureOf(answer, deed, connection);
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
  const answer = await ask(
    connection,
    { verb: "patch", type, name },
    {
      method: "PATCH",
      url,
      headers: { ...ACCEPT, "content-type": "application/merge-patch+json" },
      body: JSON.stringify(patch),
      attempts: 4,
    },
  );
  return answer === undefined ? undefined : decode(ObjectSchema, answer.json(), `${type.plural} ${name}`);
}

/** Deletes an object after everything that it owns; false where it is gone already. */
export async function deleteObject(connection: KubeConnection, type: ResourceType, name: string): Promise<boolean> {
  const answer = await ask(
    connection,
    { verb: "delete", type, name },
    {
      method: "DELETE",
      url: addressOf(connection, type, name),
      headers: { ...ACCEPT, "content-type": "application/json" },
      body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" }),
    },
  );
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
  const answer = await ask(connection, { verb: "get", type: { group, version, plural: "" } }, { url });
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

/** One question; undefined for 404, whatever it is that is not there. */
async function ask(
  connection: KubeConnection,
  deed: Deed,
  wanted: Omit<HttpRequest, "service" | "okStatus">,
): Promise<HttpAnswer | undefined> {
  const answer = await connection.send({
    service: serviceOf(connection),
    headers: ACCEPT,
    okStatus: ANSWERS,
    ...wanted,
  });
  if (answer.status < 300) return answer;
  if (answer.status === 404 && (deed.verb !== "patch" || isNoSuchType(answer) || isNoSuchObject(answer)))
    return undefined;
  throw failureOf(answer, deed, connection);
}

function isNoSuchObject(answer: HttpAnswer): boolean {
  return answer.text().includes('"NotFound"');
}
