import type { VersionRecord } from "../shared/domain/model-version.ts";
import { nearestName } from "../shared/domain/nearest.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { findVersion, listVersions } from "../shared/lib/model-registry.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";

/** The record of a version that must be there. Throws `NOT_FOUND` with the nearest one that is. */
export async function findRecord(store: ModelStore, name: string, version: string): Promise<VersionRecord> {
  const record = await findVersion(store, name, version);
  if (record !== undefined) return record;
  const versions = await listVersions(store, name);
  const nearest = nearestName(version, versions);
  throw new ReleaseError("NOT_FOUND", {
    rule: `${name} ${version} is not registered`,
    where: { input: "version" },
    saw: `${versions.length} versions of ${name} in ${store.uri}`,
    hint: nearest === undefined ? "check `name`, `version` and `store`" : `did you mean ${nearest}?`,
  });
}
