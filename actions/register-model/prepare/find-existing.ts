import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { type HashedModel, hashFiles } from "../../shared/lib/hash-model.ts";
import { findAllocated, findAllocations } from "../../shared/lib/model-registry/allocations.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { SourceFile } from "../../shared/ports/source-file.ts";
import type { Request } from "../request.ts";

export type Existing = {
  readonly existing: VersionRecord | undefined;
  /** What was read to find it. */
  readonly hashed: HashedModel | undefined;
};

/** The version of this request that is registered already. The files are read only where this release was given a version before. */
export async function findExisting(
  store: ModelStore,
  { name, choice }: Request,
  { files, signal }: { readonly files: readonly SourceFile[]; readonly signal: AbortSignal },
): Promise<Existing> {
  if (choice.by === "name") return { existing: await findVersion(store, name, choice.version), hashed: undefined };
  const { release, by: scheme } = choice;
  if ((await findAllocations(store, { name, release })).length === 0) return { existing: undefined, hashed: undefined };
  const hashed = await hashFiles(files, signal);
  return { existing: await findAllocated(store, { name, release, scheme, digest: hashed.digest }), hashed };
}
