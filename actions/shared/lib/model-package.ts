import { type Digest, hexOf } from "../domain/digest.ts";
import { sortFiles } from "../domain/signing-manifest.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { createHashed } from "./create-hashed.ts";
import { ReleaseError } from "./error.ts";
import { sha256Stream } from "./hash.ts";
import { checkName } from "./model-registry/entry.ts";
import { storedGzip, storedGzipSize } from "./stored-gzip.ts";
import { type NewTarEntry, tarSize, writeTar } from "./tar/write-tar.ts";

/** A file by its path in the archive. */
export type PackedFile = { readonly path: string; readonly file: SourceFile };

/** A `model.tar.gz` that is made anew each time that it is read: nothing of it lies anywhere. */
export type ModelPackage = { readonly size: number; open(): AsyncIterable<Uint8Array> };

/** Sorted by path, without times, owners and modes of the files: the same files make the same bytes on every machine. */
export function modelPackage(files: readonly PackedFile[], signal: AbortSignal): ModelPackage {
  const entries = sortFiles(files).map(({ path, file }): NewTarEntry => {
    const { size } = file;
    return { type: "file", path, size, mode: 0o644, uid: 0, gid: 0, open: () => file.read(signal) };
  });
  return { size: storedGzipSize(tarSize(entries)), open: () => storedGzip(writeTar(entries)) };
}

export type KeptPackage = { readonly key: string; readonly digest: Digest; readonly size: number };

/**
 * Keeps an archive beside a version that is not registered yet: `<name>/packages/<place>/model.tar.gz`, created and never changed. What an
 * attempt that was cut short left there is taken where it is the same; else it goes to `<place>~<first 12 of its digest>`.
 */
export async function keepPackage(
  store: ModelStore,
  { name, place, archive }: { readonly name: string; readonly place: string; readonly archive: ModelPackage },
): Promise<KeptPackage> {
  const keyIn = (folder: string) => `${checkName(name)}/packages/${folder}/model.tar.gz`;
  const { size } = archive;
  const key = keyIn(place);
  const value = { source: { size, read: () => archive.open() } };
  const created = await createHashed(store, key, value);
  if (created !== undefined) return { key, digest: created.digest, size };
  const { digest } = await sha256Stream(archive.open());
  if ((await digestAt(store, key)) === digest) return { key, digest, size };
  const own = keyIn(`${place}~${hexOf(digest, 12)}`);
  const there = (await createHashed(store, own, value))?.digest ?? (await digestAt(store, own));
  if (there === digest) return { key: own, digest, size };
  throw new ReleaseError("INTEGRITY", {
    rule: "a place of the store that is named by a digest must hold what has that digest",
    where: { file: store.address(own) },
    saw: there ?? "nothing",
    allowed: digest,
    hint: "it was changed: remove it, which no version names, and run the step again",
  });
}

/** Of what lies at a key. */
export async function digestAt(store: ModelStore, key: string): Promise<Digest | undefined> {
  const stored = await store.open(key);
  return stored && (await sha256Stream(stored)).digest;
}
