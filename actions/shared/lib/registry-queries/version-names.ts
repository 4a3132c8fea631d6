import { pathsNamedBy } from "../../domain/garbage.ts";
import { MODEL_SCHEMA } from "../../domain/model-version.ts";
import type { ModelStore, StoredEntry } from "../../ports/model-store.ts";
import { inParallel } from "../in-parallel.ts";
import { damaged, jsonIn } from "../model-registry/entry.ts";

const AT_ONCE = 16;

/**
 * The folders that these records of versions name. They are read as they are, so that a name in a field that this code does not know counts too.
 * Throws `INTEGRITY` for a record that cannot be read: it may name anything.
 */
export async function namedBy(store: ModelStore, recordKeys: readonly string[]): Promise<ReadonlySet<string>> {
  const named = await inParallel(recordKeys, AT_ONCE, async (key) => {
    const entry = await store.read(key);
    return entry === undefined ? [] : pathsNamedBy(recordIn(entry, key));
  });
  return new Set(named.flat());
}

function recordIn(entry: StoredEntry, key: string): object {
  const value = jsonIn(entry, key);
  if (typeof value !== "object" || value === null || !("schema" in value)) throw damaged(key, "no record of a version");
  if (value.schema !== MODEL_SCHEMA) throw damaged(key, `schema ${JSON.stringify(value.schema)}`);
  return value;
}
