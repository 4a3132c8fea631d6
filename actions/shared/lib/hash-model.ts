import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Digest, shortDigest } from "../domain/digest.ts";
import { isIgnoredInModel, type ModelFile, rootDigestBytes, sortFiles } from "../domain/signing-manifest.ts";
import { ReleaseError } from "./error.ts";
import { sha256, sha256Stream } from "./hash.ts";

/** A file of a model before it is read: its path inside the model, where it lies, its size. */
export type FoundFile = { readonly path: string; readonly source: string; readonly size: number };

export type HashedModel = { readonly files: readonly ModelFile[]; readonly digest: Digest };

const MAX_FILES = 100_000;

/**
 * The files of a model, sorted as its manifest is: one file, or everything below a folder (hidden files too; not version control at its
 * root, not a detached signature). Throws `REFUSED` for a symbolic link, a device, a socket or a pipe, and for a model without files;
 * `NOT_FOUND` where nothing is.
 */
export async function findModelFiles(path: string): Promise<readonly FoundFile[]> {
  const found = await lstat(path).catch((error: unknown) => {
    throw readError(path, error);
  });
  if (!found.isDirectory()) {
    checkRegular(path, found);
    return [{ path: basename(path), source: path, size: found.size }];
  }
  const files: FoundFile[] = [];
  await walk(path, "", files);
  if (files.length > 0) return sortFiles(files);
  throw new ReleaseError("REFUSED", {
    rule: "a model must have a file",
    where: { file: path },
    saw: "an empty folder",
    hint: "check that the training run wrote its model there",
  });
}

/** Reads every file of a model once: its manifest and its root digest. */
export async function hashModel(path: string): Promise<HashedModel> {
  const files: ModelFile[] = [];
  for (const file of await findModelFiles(path)) {
    const { digest, size } = await sha256Stream(readUnchanged(file));
    files.push({ path: file.path, size, digest });
  }
  return { files, digest: modelDigest(files) };
}

/** The root digest of a model with these files. */
export function modelDigest(files: readonly ModelFile[]): Digest {
  return sha256(rootDigestBytes(files));
}

/**
 * The bytes of a file, once. After the last byte the file must be what it was before the first: size, inode, time of change; where it
 * was changed so recently that the clock of the file system could not tell, it is read again and compared. Throws `INTEGRITY`.
 */
export async function* readUnchanged(file: FoundFile): AsyncGenerator<Uint8Array> {
  const handle = await openRegular(file.source);
  try {
    const before = await handle.stat({ bigint: true });
    if (before.size !== BigInt(file.size)) throw changedError(file, `${before.size} bytes`, `${file.size} bytes`);
    const fresh = isFresh(before);
    const hash = createHash("sha256");
    yield* chunksOf(handle, (chunk) => hash.update(chunk));
    const digest: Digest = `sha256:${hash.digest("hex")}`;
    checkSame(file, before, await handle.stat({ bigint: true }));
    checkSame(file, before, await lstat(file.source, { bigint: true }));
    if (fresh) await checkAgain(file, handle, digest);
  } finally {
    await handle.close();
  }
}

const CHUNK_BYTES = 1024 * 1024;

async function* chunksOf(handle: FileHandle, each: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    each(chunk);
    yield chunk;
  }
}

async function checkAgain(file: FoundFile, handle: FileHandle, digest: Digest): Promise<void> {
  const again = await sha256Stream(chunksOf(handle, () => undefined));
  if (again.digest !== digest) throw changedError(file, shortDigest(again.digest), shortDigest(digest));
}

/** Two changes within one tick of the file system's clock leave one time: 2 s is the coarsest that is in use (FAT). */
const COARSEST_TICK_MS = 2_000n;

function isFresh(stats: BigIntStats): boolean {
  return BigInt(Date.now()) - stats.mtimeMs < COARSEST_TICK_MS || BigInt(Date.now()) - stats.ctimeMs < COARSEST_TICK_MS;
}

function checkSame(file: FoundFile, before: BigIntStats, after: BigIntStats): void {
  const words = ({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats) =>
    `${size} bytes, inode ${dev}:${ino}, changed at ${mtimeNs}/${ctimeNs} ns`;
  if (words(before) !== words(after)) throw changedError(file, words(after), words(before));
}

function changedError(file: FoundFile, saw: string, allowed: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file of the model must not change while it is read",
    where: { file: file.source },
    saw,
    allowed,
    hint: "wait until whatever writes it has ended, then run the step again",
  });
}

async function walk(root: string, prefix: string, files: FoundFile[]): Promise<void> {
  const folder = join(root, prefix);
  const entries = await readdir(folder).catch((error: unknown) => {
    throw readError(folder, error);
  });
  for (const name of entries) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (isIgnoredInModel(path)) continue;
    const source = join(root, path);
    const found = await lstat(source).catch((error: unknown) => {
      throw readError(source, error);
    });
    if (found.isDirectory()) await walk(root, path, files);
    else {
      checkRegular(source, found);
      files.push({ path, source, size: found.size });
    }
    if (files.length > MAX_FILES)
      throw new ReleaseError("REFUSED", {
        rule: "a model must not have too many files",
        where: { file: root },
        saw: `more than ${MAX_FILES}`,
        allowed: String(MAX_FILES),
        hint: "point `model` at the model itself, not at a folder above it",
      });
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  // Opening a pipe would wait for its writer; following a link would read another file than was checked.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch((error: unknown) => {
    throw readError(path, error);
  });
  try {
    checkRegular(path, await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

type Kinds = {
  isFile(): boolean;
  isSymbolicLink(): boolean;
  isDirectory(): boolean;
  isSocket(): boolean;
  isFIFO(): boolean;
};

function checkRegular(path: string, found: Kinds): void {
  if (found.isFile()) return;
  throw new ReleaseError("REFUSED", {
    rule: "a model must be made of regular files",
    where: { file: path },
    saw: wordFor(found),
    allowed: "files and folders",
    hint: found.isSymbolicLink() ? "copy what the link points at in its place" : "remove it from the model's folder",
  });
}

function wordFor(found: Kinds): string {
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isSocket()) return "a socket";
  if (found.isFIFO()) return "a named pipe";
  return found.isDirectory() ? "a folder" : "a device";
}

function readError(path: string, cause: unknown): ReleaseError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  const where = { file: path };
  if (code === "ENOENT" || code === "ENOTDIR")
    return new ReleaseError(
      "NOT_FOUND",
      {
        rule: "the model must exist",
        where,
        saw: "nothing",
        hint: "check the path, and that the training run wrote it",
      },
      cause,
    );
  if (code === "ELOOP")
    return new ReleaseError(
      "REFUSED",
      { rule: "a model must be made of regular files", where, saw: "a symbolic link", allowed: "files and folders" },
      cause,
    );
  return new ReleaseError(
    "STORAGE",
    { rule: "a file of the model could not be read", where, saw: code, hint: "check that this user may read it" },
    cause,
  );
}
