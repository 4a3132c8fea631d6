import {
  type Act,
  ALIAS_RULE,
  type AliasRecord,
  AliasRecordSchema,
  type AliasTarget,
  isAlias,
  MODEL_SCHEMA,
  type ModelEvent,
} from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { checkName, decodeRecord, namesBelow, toBytes } from "./entry.ts";
import { appendOnce, logLength } from "./log.ts";

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

export const aliasKey = (name: string, alias: string) => `${checkName(name)}/aliases/${checkAlias(alias)}.json`;

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

async function unchanged(store: ModelStore, name: string, current: FoundAlias): Promise<AliasMoved> {
  const { etag, ...alias } = current;
  await logMove(store, name, alias);
  return { state: "unchanged", etag, alias };
}

function checkAlias(alias: string): string {
  if (isAlias(alias)) return alias;
  throw new ReleaseError("INPUT", { rule: "must be an alias", saw: JSON.stringify(alias), allowed: ALIAS_RULE });
}
