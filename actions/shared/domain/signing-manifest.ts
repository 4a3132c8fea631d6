import type { Digest } from "./digest.ts";

/** One file of a model: its path inside the model (`/` between parts), its size in bytes, the SHA-256 of its bytes. */
export type ModelFile = { readonly path: string; readonly size: number; readonly digest: Digest };

/** What the manifest of OpenSSF Model Signing leaves out at the root of a model. */
export const IGNORED_AT_ROOT: readonly string[] = [".git", ".gitignore", ".gitattributes", ".github"];
/** The detached signature lies beside what it signs. */
const SIGNATURE_FILE = "model.sig";

/** Whether a path inside a model is no part of it: version control at its root, and the signature. */
export function isIgnoredInModel(path: string): boolean {
  const first = path.split("/", 1)[0] ?? "";
  return path === SIGNATURE_FILE || IGNORED_AT_ROOT.includes(first);
}

/** In the order of the manifest: by Unicode code point, which is not the order of UTF-16 code units. */
export function sortFiles<T extends { readonly path: string }>(files: readonly T[]): readonly T[] {
  return files.toSorted((a, b) => compareCodePoints(a.path, b.path));
}

/**
 * The bytes whose SHA-256 is the root digest of OpenSSF Model Signing v1.0 (method `files`): the raw file digests in the order of their
 * paths. Throws RangeError for a model without files, which has no digest.
 */
export function rootDigestBytes(files: readonly Pick<ModelFile, "path" | "digest">[]): Uint8Array {
  return rawDigests(sortFiles(files));
}

/** The raw digests of files one after the other, in the order that is given. Throws RangeError for no files. */
export function rawDigests(files: readonly Pick<ModelFile, "digest">[]): Uint8Array {
  if (files.length === 0) throw new RangeError("a model must have a file");
  const bytes = new Uint8Array(32 * files.length);
  for (const [i, file] of files.entries()) {
    for (let byte = 0; byte < 32; byte++) {
      const at = "sha256:".length + 2 * byte;
      bytes[32 * i + byte] = Number.parseInt(file.digest.slice(at, at + 2), 16);
    }
  }
  return bytes;
}

function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
