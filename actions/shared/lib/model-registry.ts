import * as v from "valibot";
import { canonicalJson, type Json } from "../domain/canonical.ts";
import {
  type Act,
  ALIAS_RULE,
  type AliasRecord,
  AliasRecordSchema,
  type AliasTarget,
  isAlias,
  isModelName,
  isModelVersion,
  MODEL_NAME_RULE,
  MODEL_SCHEMA,
  MODEL_VERSION_RULE,
  type ModelEvent,
  ModelEventSchema,
  type VersionRecord,
  VersionRecordSchema,
} from "../domain/model-version.ts";
import type { ModelStore, StoredEntry } from "../ports/model-store.ts";
import { ReleaseError } from "./error.ts";

export type FoundAlias = AliasRecord & { readonly etag: string };

export type AliasMove = {
  readonly name: string;
  readonly alias: string;
  readonly to: AliasTarget;
  /** The etag that the alias had when the move was decided; undefined: it did not exist. */
  readonly expected: string | undefined;
  readonly act: Act;
};

/** `lost`: somebody moved it since `expected` was read. Nothing was changed: look again and decide again, never just repeat. */
export type AliasMoved =
  | { readonly state: "moved"; readonly etag: string; readonly alias: AliasRecord }
  | { readonly state: "unchanged"; readonly etag: string; readonly alias: AliasRecord }
  | { readonly state: "lost"; readonly current: FoundAlias | undefined };

export const versionKey = (name: string, version: string) =>
  `${checkName(name)}/versions/${checkVersion(version)}.json`;
export const aliasKey = (name: string, alias: string) => `${checkName(name)}/aliases/${checkAlias(alias)}.json`;

/** The record of a version; undefined: there is no such version, whatever files lie in the store. Throws `INTEGRITY` where it is damaged. */
export async function findVersion(
  store: ModelStore,
  name: string,
  version: string,
): Promise<VersionRecord | undefined> {
  const key = versionKey(name, version);
  const entry = await store.read(key);
  if (entry === undefined) return undefined;
  const record = decodeRecord(VersionRecordSchema, entry, key);
  if (record.model !== name || record.version !== version)
    throw damaged(key, `the record of ${record.model} ${record.version}`);
  return record;
}

/** Creates the record: the moment from which the version exists. `exists`: somebody was first; read what they wrote. */
export async function createVersion(
  store: ModelStore,
  record: VersionRecord,
): Promise<{ readonly state: "created" } | { readonly state: "exists" }> {
  const { state } = await store.create(versionKey(record.model, record.version), toBytes(record));
  return { state };
}

/** The versions of a model, by name. */
export async function listVersions(store: ModelStore, name: string): Promise<readonly string[]> {
  return namesBelow(store, `${checkName(name)}/versions/`);
}

/** Every alias of a model. */
export async function listAliases(store: ModelStore, name: string): Promise<readonly FoundAlias[]> {
  const found = await Promise.all(
    (await namesBelow(store, `${checkName(name)}/aliases/`)).map((alias) => findAlias(store, name, alias)),
  );
  return found.filter((alias) => alias !== undefined);
}

export async function findAlias(store: ModelStore, name: string, alias: string): Promise<FoundAlias | undefined> {
  const key = aliasKey(name, alias);
  const entry = await store.read(key);
  return entry === undefined ? undefined : { ...decodeRecord(AliasRecordSchema, entry, key), etag: entry.etag };
}

/**
 * Points an alias at a version by compare-and-swap, and logs the move. A process that was killed between the two leaves an alias that
 * is ahead of the log by one move: whoever touches the alias next writes that entry first, so that no move is missing from the log.
 */
export async function moveAlias(store: ModelStore, move: AliasMove): Promise<AliasMoved> {
  const { name, alias, to, expected, act } = move;
  const current = await findAlias(store, name, alias);
  if (current?.version === to.version && current.digest === to.digest) return await unchanged(store, name, current);
  if (current?.etag !== expected) return { state: "lost", current };
  const logAfter = current === undefined ? await logLength(store, name) : await logMove(store, name, current);
  const next: AliasRecord = {
    schema: MODEL_SCHEMA,
    alias,
    version: to.version,
    digest: to.digest,
    ...(current === undefined ? {} : { previous: { version: current.version, digest: current.digest } }),
    move: (current?.move ?? 0) + 1,
    logAfter,
    act,
  };
  const etag = await swap(store, aliasKey(name, alias), { expected, next });
  if (etag === undefined) return { state: "lost", current: await findAlias(store, name, alias) };
  await logMove(store, name, next);
  return { state: "moved", etag, alias: next };
}

/** Writes the next entry of a model's log and returns its number, from 1. */
export async function appendEvent(store: ModelStore, name: string, event: ModelEvent): Promise<number> {
  let number = (await logLength(store, name)) + 1;
  while ((await store.create(eventKey(name, number), toBytes(event))).state === "exists") number++;
  return number;
}

/**
 * Appends an event that can happen only once (a registration, a numbered move of an alias) unless the log has it, and returns its number.
 * `after` is how long the log was at some time before the event could be logged: it is looked for, and put, behind that.
 */
export async function appendOnce(
  store: ModelStore,
  name: string,
  { event, after }: { readonly event: ModelEvent; readonly after: number },
): Promise<number> {
  for (let number = after + 1; ; number++) {
    const key = eventKey(name, number);
    if ((await store.create(key, toBytes(event))).state === "created") return number;
    const other = await store.read(key);
    if (other !== undefined && isSameEvent(decodeRecord(ModelEventSchema, other, key), event)) return number;
  }
}

/** The log of a model, oldest first. */
export async function history(store: ModelStore, name: string): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const { key } of store.list(`${checkName(name)}/log/`)) {
    const entry = await store.read(key);
    if (entry !== undefined) events.push(decodeRecord(ModelEventSchema, entry, key));
  }
  return events;
}

function isSameEvent(one: ModelEvent, other: ModelEvent): boolean {
  return (
    one.event === other.event && one.version === other.version && one.alias === other.alias && one.move === other.move
  );
}

/** The number of the log's entry for the last move of an alias, written now where it is missing. */
async function logMove(store: ModelStore, name: string, alias: AliasRecord): Promise<number> {
  const event: ModelEvent = {
    schema: MODEL_SCHEMA,
    event: "alias-moved",
    alias: alias.alias,
    version: alias.version,
    digest: alias.digest,
    ...(alias.previous === undefined ? {} : { previous: alias.previous }),
    move: alias.move,
    act: alias.act,
  };
  return appendOnce(store, name, { event, after: alias.logAfter });
}

async function swap(
  store: ModelStore,
  key: string,
  { expected, next }: { readonly expected: string | undefined; readonly next: AliasRecord },
): Promise<string | undefined> {
  const written =
    expected === undefined ? await store.create(key, toBytes(next)) : await store.replace(key, expected, toBytes(next));
  return written.state === "created" || written.state === "replaced" ? written.etag : undefined;
}

/** The number of the newest entry; 0 for none. Found by doubling and halving, since the log has no gaps and may be long. */
export async function logLength(store: ModelStore, name: string): Promise<number> {
  const isWritten = async (number: number) => (await store.read(eventKey(name, number))) !== undefined;
  let beyond = 1;
  while (await isWritten(beyond)) beyond *= 2;
  let last = Math.floor(beyond / 2);
  while (beyond - last > 1) {
    const middle = Math.floor((last + beyond) / 2);
    if (await isWritten(middle)) last = middle;
    else beyond = middle;
  }
  return last;
}

/** Twenty digits, so that the order of keys is the order of numbers. */
const eventKey = (name: string, number: number) => `${checkName(name)}/log/${String(number).padStart(20, "0")}.json`;

async function namesBelow(store: ModelStore, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(prefix)) {
    const name = /^([^/]+)\.json$/.exec(key.slice(prefix.length))?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}

async function unchanged(store: ModelStore, name: string, current: FoundAlias): Promise<AliasMoved> {
  const { etag, ...alias } = current;
  await logMove(store, name, alias);
  return { state: "unchanged", etag, alias };
}

function toBytes(value: VersionRecord | AliasRecord | ModelEvent): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(value as Json)}\n`);
}

function decodeRecord<S extends v.GenericSchema>(schema: S, entry: StoredEntry, key: string): v.InferOutput<S> {
  const result = v.safeParse(schema, parse(entry, key));
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw damaged(key, `${v.getDotPath(issue) ?? "the value"}: ${issue.message}`);
}

function parse(entry: StoredEntry, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(entry.bytes));
  } catch (error) {
    throw damaged(key, error instanceof Error ? error.message : "no JSON");
  }
}

function damaged(key: string, saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a record of the model store must be as this code (or an older one) wrote it",
    where: { file: key },
    saw,
    hint: "it was edited by hand, is damaged, or was written by a newer version of these actions",
  });
}

function checkName(name: string): string {
  if (isModelName(name)) return name;
  throw new ReleaseError("INPUT", {
    rule: "must be a model name",
    saw: JSON.stringify(name),
    allowed: MODEL_NAME_RULE,
  });
}

function checkVersion(version: string): string {
  if (isModelVersion(version)) return version;
  throw new ReleaseError("INPUT", {
    rule: "must be a model version",
    saw: JSON.stringify(version),
    allowed: MODEL_VERSION_RULE,
  });
}

function checkAlias(alias: string): string {
  if (isAlias(alias)) return alias;
  throw new ReleaseError("INPUT", { rule: "must be an alias", saw: JSON.stringify(alias), allowed: ALIAS_RULE });
}
