import * as v from "valibot";
import { canonicalJson, type Json } from "../../domain/canonical.ts";
import {
  type AliasRecord,
  isModelName,
  MODEL_NAME_RULE,
  type ModelEvent,
  type VersionRecord,
} from "../../domain/model-version.ts";
import type { Allocation } from "../../domain/version-scheme.ts";
import type { VersionState } from "../../domain/version-state.ts";
import type { ModelStore, StoredEntry } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";

export function toBytes(value: VersionRecord | AliasRecord | ModelEvent | Allocation | VersionState): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(value as Json)}\n`);
}

export function decodeRecord<S extends v.GenericSchema>(schema: S, entry: StoredEntry, key: string): v.InferOutput<S> {
  const result = v.safeParse(schema, jsonIn(entry, key));
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw damaged(key, `${v.getDotPath(issue) ?? "the value"}: ${issue.message}`);
}

/** What a record says, before anything is known of it. Throws `INTEGRITY` for what is no JSON. */
export function jsonIn(entry: StoredEntry, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(entry.bytes));
  } catch (error) {
    throw damaged(key, error instanceof Error ? error.message : "no JSON");
  }
}

export function damaged(key: string, saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a record of the model store must be as this code (or an older one) wrote it",
    where: { file: key },
    saw,
    hint: "it was edited by hand, is damaged, or was written by a newer version of these actions",
  });
}

export function checkName(name: string): string {
  if (isModelName(name)) return name;
  throw new ReleaseError("INPUT", {
    rule: "must be a model name",
    saw: JSON.stringify(name),
    allowed: MODEL_NAME_RULE,
  });
}

/** The names of the entries right below a prefix that ends with a slash. */
export async function namesBelow(store: ModelStore, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(prefix)) {
    const name = /^([^/]+)\.json$/.exec(key.slice(prefix.length))?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}
