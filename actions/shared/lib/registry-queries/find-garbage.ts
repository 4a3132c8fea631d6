import { type DatedKey, type Garbage, garbageOf } from "../../domain/garbage.ts";
import { isModelName } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { inParallel } from "../in-parallel.ts";
import { findClaim } from "../model-registry/claims.ts";
import { namedBy } from "./version-names.ts";

export type GarbageWish = {
  /** Of this model only; else of all. */
  readonly name: string | undefined;
  readonly olderThanMs: number;
  readonly nowMs: number;
};

export type FoundGarbage = Garbage & {
  /** The keys of the records that were read. */
  readonly records: ReadonlySet<string>;
  /** Whether the store holds anything of what was looked at. */
  readonly isEmpty: boolean;
};

/** What no version's record names, in the whole store or of one model. Reads every record, and changes nothing. */
export async function findGarbage(store: ModelStore, { name, olderThanMs, nowMs }: GarbageWish): Promise<FoundGarbage> {
  const keys = await Array.fromAsync(store.list(name === undefined ? "" : `${name}/`));
  const models = keys.filter(({ key }) => isModelName(key.split("/")[0] ?? ""));
  const records = new Set(models.filter(isRecord).map(({ key }) => key));
  const named = await namedBy(store, [...records]);
  const dated = await withoutAbandoned(store, models, nowMs);
  return { ...garbageOf({ keys: dated, named, nowMs, olderThanMs }), records, isEmpty: models.length === 0 };
}

/** A claim for removing that is older was left by a collection that was killed. */
export const ABANDONED_MS = 60 * 60_000;

/** Claims that were left so count as old: else nobody would finish what was begun until they are. */
async function withoutAbandoned(
  store: ModelStore,
  keys: readonly DatedKey[],
  nowMs: number,
): Promise<readonly DatedKey[]> {
  return inParallel(keys, AT_ONCE, async (dated) => {
    const [, name = "", place = ""] = /^([^/]+)\/claims\/([^/]+)\.json$/.exec(dated.key) ?? [];
    if (name === "" || nowMs - dated.modifiedMs <= ABANDONED_MS) return dated;
    const claim = await findClaim(store, name, place);
    return claim?.state === "removing" ? { ...dated, modifiedMs: 0 } : dated;
  });
}

const AT_ONCE = 16;

export function isRecord({ key }: Pick<DatedKey, "key">): boolean {
  return /^[^/]+\/versions\/[^/]+\.json$/.test(key);
}
