import * as v from "valibot";
import type { Json, JsonObject } from "../../domain/canonical.ts";
import { isJsonObject } from "../../domain/canonical.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest } from "../../lib/http.ts";
import type { KubeConnection } from "./connection.ts";
import { addressOf, FIELD_MANAGER, type ResourceType, serviceOf } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { readStatus } from "./status.ts";

/** `exists`: of this name there is one. It may be one's own: a request whose answer was lost is sent again. */
export type Created = { readonly state: "created"; readonly object: KubeObject } | { readonly state: "exists" };

/**
 * What became of a change that holds only for what was read. `changed`: nothing was done, since the object is not as it was read any more.
 * That may be one's own doing, where an answer was lost and the request was sent again: read it and compare.
 */
export type Changed =
  | { readonly state: "done"; readonly object: KubeObject }
  | { readonly state: "changed" }
  | { readonly state: "gone" };

/** An operation of a JSON patch (RFC 6902). A `test` that fails leaves everything as it is. */
export type PatchOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

/** `dry-run`: the server goes through all of it, admission too, and stores nothing. */
type Mode = { readonly mode?: "real" | "dry-run" };

/** Creates an object; fields that its type does not have are refused. */
export async function createObject(
  connection: KubeConnection,
  type: ResourceType,
  { object, mode }: { readonly object: KubeObject } & Mode,
): Promise<Created> {
  const url = writeAddress(addressOf(connection, type), mode);
  url.searchParams.set("fieldValidation", "Strict");
  const answer = await send(connection, {
    method: "POST",
    url,
    headers: { ...ACCEPT, "content-type": "application/json" },
    body: JSON.stringify(object),
    okStatus: [200, 201, 202, 409],
  });
  if (answer.status !== 409) return { state: "created", object: objectIn(answer, type) };
  const status = readStatus(answer.json());
  if (status?.reason === "AlreadyExists") return { state: "exists" };
  // a quota was counted by several at once
  throw new ReleaseError("UNAVAILABLE", {
    rule: `${serviceOf(connection)} could not create the object now`,
    saw: status?.message ?? "409",
    hint: "try again",
  });
}

export type VersionPatch = {
  readonly name: string;
  readonly version: string;
  readonly patch: JsonObject;
  /** `status`: its status alone, which is a resource of its own. */
  readonly of?: "object" | "status";
};

/** A JSON merge patch that is carried out only on the version that was read (`metadata.resourceVersion`). */
export async function patchVersion(
  connection: KubeConnection,
  type: ResourceType,
  { name, version, patch, mode, of = "object" }: VersionPatch & Mode,
): Promise<Changed> {
  const metadata = isJsonObject(patch.metadata) ? patch.metadata : {};
  const url = writeAddress(addressOf(connection, type, name), mode);
  if (of === "status") url.pathname += "/status";
  const answer = await send(connection, {
    method: "PATCH",
    url,
    headers: { ...ACCEPT, "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ ...patch, metadata: { ...metadata, resourceVersion: version } }),
    okStatus: [200, 404, 409],
  });
  return changeIn(answer, type, url);
}

/** A JSON patch; where one of its `test` operations fails, or a path of it leads nowhere, nothing is done: `changed`. */
export async function patchTested(
  connection: KubeConnection,
  type: ResourceType,
  { name, operations, mode }: { readonly name: string; readonly operations: readonly PatchOperation[] } & Mode,
): Promise<Changed> {
  const url = writeAddress(addressOf(connection, type, name), mode);
  const answer = await send(connection, {
    method: "PATCH",
    url,
    headers: { ...ACCEPT, "content-type": "application/json-patch+json" },
    body: JSON.stringify(operations),
    okStatus: [200, 404, 409, 422],
  });
  return changeIn(answer, type, url);
}

export type Deletion = {
  readonly name: string;
  /** Only this very object, not another of its name. */
  readonly uid?: string;
  /** Only as it was read. */
  readonly version?: string;
  /** What it owns is deleted before it (`Foreground`), after it, or left. Default `Background`. */
  readonly owned?: "Foreground" | "Background" | "Orphan";
};

/** Deletes what was read, and nothing that came in its place. A `done` object may still be there for a while, with its finalizers. */
export async function deleteExactly(
  connection: KubeConnection,
  type: ResourceType,
  { name, uid, version, owned = "Background" }: Deletion,
): Promise<"done" | "changed" | "gone"> {
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(version === undefined ? {} : { resourceVersion: version }),
  };
  const url = addressOf(connection, type, name);
  const answer = await send(connection, {
    method: "DELETE",
    url,
    headers: { ...ACCEPT, "content-type": "application/json" },
    body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: owned, preconditions }),
    okStatus: [200, 202, 404, 409],
  });
  if (answer.status === 409) return "changed";
  return answer.status === 404 ? "gone" : "done";
}

const ACCEPT = { accept: "application/json" } as const;
const ObjectSchema = v.custom<KubeObject>((value) => isJsonObject(value as Json));

/** All of these may be sent again: what was carried out is not carried out a second time. */
function send(connection: KubeConnection, wanted: Omit<HttpRequest, "service">): Promise<HttpAnswer> {
  return connection.send({ service: serviceOf(connection), attempts: 4, ...wanted });
}

function writeAddress(url: URL, mode: "real" | "dry-run" = "real"): URL {
  url.searchParams.set("fieldManager", FIELD_MANAGER);
  if (mode === "dry-run") url.searchParams.set("dryRun", "All");
  return url;
}

function objectIn(answer: HttpAnswer, { plural }: ResourceType): KubeObject {
  return decode(ObjectSchema, answer.json(), `the answer about ${plural}`);
}

function changeIn(answer: HttpAnswer, type: ResourceType, url: URL): Changed {
  if (answer.status === 200) return { state: "done", object: objectIn(answer, type) };
  if (answer.status === 404) return { state: "gone" };
  if (answer.status === 409 || isFailedTest(answer)) return { state: "changed" };
  throw refused(answer, url);
}

/** The server says no more of a patch that could not be carried out on what is there; validation answers 422 too, but names the fields. */
function isFailedTest(answer: HttpAnswer): boolean {
  const status = readStatus(answer.json());
  return (status?.details?.causes ?? []).length === 0 && /due to an error in our request/.test(status?.message ?? "");
}

/** An answer that was let through, but is a refusal after all. */
function refused(answer: HttpAnswer, { host, pathname }: URL): ReleaseError {
  const status = readStatus(answer.json());
  const what = `the cluster ${host} (${pathname})`;
  if (status !== undefined) return refusalOf({ ...status, code: answer.status }, { what });
  return new ReleaseError("PROTOCOL", { rule: `${what}: did not answer as its API promises`, saw: `${answer.status}` });
}
