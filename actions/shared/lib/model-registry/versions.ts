import {
  isModelVersion,
  MODEL_VERSION_RULE,
  type VersionRecord,
  VersionRecordSchema,
} from "../../domain/model-version.ts";
import { nearestName } from "../../domain/nearest.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { checkName, damaged, decodeRecord, namesBelow, toBytes } from "./entry.ts";

export type WantedVersion = {
  readonly name: string;
  readonly version: string;
  /** The input that asks for it, for errors. */
  readonly input: string;
};

export const versionKey = (name: string, version: string) =>
  `${checkName(name)}/versions/${checkVersion(version)}.json`;

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

/** The record of a version that must be there. Throws `NOT_FOUND` with the nearest one that is. */
export async function existingVersion(store: ModelStore, wanted: WantedVersion): Promise<VersionRecord> {
  const { name, version, input } = wanted;
  const record = await findVersion(store, name, version);
  if (record !== undefined) return record;
  const versions = await listVersions(store, name);
  const nearest = nearestName(version, versions);
  throw new ReleaseError("NOT_FOUND", {
    rule: `${name} ${version} is not registered`,
    where: { input },
    saw: `${versions.length} versions of ${name} in ${store.uri}`,
    hint:
      nearest === undefined
        ? "register it before, or check the name, the version and `store`"
        : `did you mean ${nearest}?`,
  });
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

export function checkVersion(version: string): string {
  if (isModelVersion(version)) return version;
  throw new ReleaseError("INPUT", {
    rule: "must be a model version",
    saw: JSON.stringify(version),
    allowed: MODEL_VERSION_RULE,
  });
}
