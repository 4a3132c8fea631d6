import type { Digest } from "../domain/digest.ts";
import { type ModelFile, rootDigestBytes } from "../domain/signing-manifest.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { sha256, sha256Stream } from "./hash.ts";
import { findModelFiles } from "./model-files.ts";

export type HashedModel = { readonly files: readonly ModelFile[]; readonly digest: Digest };

/** Reads every file of a model (a file or a folder) once: its manifest and its root digest. */
export async function hashModel(path: string): Promise<HashedModel> {
  return hashFiles(await findModelFiles(path));
}

export async function hashFiles(found: readonly SourceFile[], signal?: AbortSignal): Promise<HashedModel> {
  const files: ModelFile[] = [];
  for (const file of found) {
    const { digest, size } = await sha256Stream(file.read(signal));
    files.push({ path: file.path, size, digest });
  }
  return { files, digest: modelDigest(files) };
}

/** The root digest of a model with these files. */
export function modelDigest(files: readonly ModelFile[]): Digest {
  return sha256(rootDigestBytes(files));
}
