import { isAlias, isModelVersion, type VersionRecord } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { findAlias } from "../model-registry/aliases.ts";
import { soundVersion } from "../model-registry/sound-version.ts";
import { findVersion } from "../model-registry/versions.ts";

export type NamedVersion = { readonly name: string; readonly word: string; readonly input: string };

/** The version of a model that a word names: a version, else an alias. Throws `NOT_FOUND`, and `INTEGRITY` for a record that was edited. */
export async function namedVersion(store: ModelStore, { name, word, input }: NamedVersion): Promise<VersionRecord> {
  const isVersion = isModelVersion(word) && (await findVersion(store, name, word)) !== undefined;
  const alias = isVersion || !isAlias(word) ? undefined : await findAlias(store, name, word);
  return soundVersion(store, { name, version: alias?.version ?? word, input });
}
