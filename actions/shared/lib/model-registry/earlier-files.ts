import type { VersionRecord } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { isReleaseError } from "../error.ts";
import { checkName } from "./entry.ts";
import { findVersion } from "./versions.ts";

/** How many of them: the further back, the less is the same. */
const NEWEST = 2;

/** The records of the versions that were registered last, the newest first. A damaged one is none: nothing rests on them. */
export async function newestVersions(store: ModelStore, name: string): Promise<readonly VersionRecord[]> {
  const prefix = `${checkName(name)}/versions/`;
  const listed = await Array.fromAsync(store.list(prefix));
  const names = listed
    .filter(({ key }) => /^[^/]+\.json$/.test(key.slice(prefix.length)))
    .sort((one, other) => other.modifiedMs - one.modifiedMs)
    .slice(0, NEWEST)
    .map(({ key }) => key.slice(prefix.length, -".json".length));
  const records = await Promise.all(
    names.map((version) =>
      findVersion(store, name, version).catch((error: unknown) => {
        if (isReleaseError(error, "INTEGRITY", "INPUT")) return undefined;
        throw error;
      }),
    ),
  );
  return records.filter((record) => record !== undefined);
}
