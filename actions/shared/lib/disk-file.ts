import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { type Digest, shortDigest } from "../domain/digest.ts";
import type { ByteSource, LentFile, SourceFile } from "../ports/source-file.ts";
import { cachedSource } from "./cached-source.ts";
import { ReleaseError, systemCodeOf } from "./error.ts";
import { sha256Stream } from "./hash.ts";

type Found = Pick<SourceFile, "path" | "source" | "size"> & { readonly stamp: string };

/**
 * A file of a model on this machine. Size, inode and times of change must be, before and after each reading, what they were when it was
 * found; where it was changed so shortly before that the clock of the file system could not tell, what was read in order is read again and
 * compared. Throws `REFUSED` for what is no regular file.
 */
export function diskFile(path: string, source: string, stats: BigIntStats): SourceFile {
  checkRegular(source, stats);
  const found: Found = { path, source, size: Number(stats.size), stamp: stampOf(stats) };
  return {
    path,
    source,
    size: found.size,
    read: (signal) => readInOrder(found, signal),
    open: (act) => openAt(found, act),
    lend: () => lend(found),
  };
}

/** An open file that is what was found. */
type Opened = { readonly descriptor: number; readonly isFresh: boolean };

/** Without the detour by other threads, which would take longer than the opening. */
function openFound(file: Found): Opened {
  const descriptor = reading(file, () => openSync(file.source, REGULAR_FLAGS));
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    checkRegular(file.source, stats);
    checkStamp(file, stats);
    return { descriptor, isFresh: isFresh(stats) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function lend(file: Found): LentFile {
  const { descriptor, isFresh } = openFound(file);
  return {
    descriptor,
    source: file.source,
    async check(digest) {
      checkSame(file);
      if (isFresh) await checkAgain(file, descriptor, digest);
    },
    close: () => closeSync(descriptor),
  };
}

async function* readInOrder(file: Found, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const { descriptor, isFresh } = openFound(file);
  try {
    const hash = isFresh ? createHash("sha256") : undefined;
    for await (const chunk of chunksOf(file, descriptor)) {
      signal?.throwIfAborted();
      hash?.update(chunk);
      yield chunk;
    }
    checkSame(file);
    if (hash !== undefined) await checkAgain(file, descriptor, `sha256:${hash.digest("hex")}`);
  } finally {
    closeSync(descriptor);
  }
}

function reading<T>({ source }: Found, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw readError(source, error);
  }
}

const readAt = promisify(read);

/** An archive has two headers of some bytes for each of its members: each by itself costs more than it holds. */
const NEAR_BYTES = 4096;

/** Sees the same bytes at every read, unless it throws at the end. */
async function openAt<T>(file: Found, act: (bytes: ByteSource) => Promise<T>): Promise<T> {
  const { descriptor } = openFound(file);
  try {
    const readSome = async (at: number, length: number) => {
      const { buffer, bytesRead } = await readAt(descriptor, Buffer.allocUnsafe(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    };
    const near = cachedSource(file.size, readSome);
    const result = await act({
      size: file.size,
      read: (at, length) => (length <= NEAR_BYTES ? near.read(at, length) : readSome(at, length)),
    });
    checkSame(file);
    return result;
  } finally {
    closeSync(descriptor);
  }
}

const CHUNK_BYTES = 256 * 1024;

/** One block for all pieces: new ones would have to be filled with zeros, and the collector would let some 64 MB of them pile up. */
async function* chunksOf({ size, source }: Found, descriptor: number): AsyncGenerator<Uint8Array> {
  const block = Buffer.allocUnsafeSlow(Math.min(size, CHUNK_BYTES));
  for (let position = 0; position < size; ) {
    const { bytesRead } = await readAt(descriptor, block, 0, block.length, position).catch((error: unknown) => {
      throw readError(source, error);
    });
    if (bytesRead === 0) break;
    position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
  // Who kept a piece finds it empty.
  block.buffer.transfer(0);
}

async function checkAgain(file: Found, descriptor: number, digest: Digest): Promise<void> {
  const again = await sha256Stream(chunksOf(file, descriptor));
  if (again.digest !== digest) throw changedError(file, shortDigest(again.digest), shortDigest(digest));
}

/** Two changes within one tick of a file system's clock leave one time: 2 s is the coarsest in use (FAT). */
const COARSEST_TICK_MS = 2_000;

function isFresh({ mtimeMs, ctimeMs }: BigIntStats): boolean {
  return Date.now() - Math.max(Number(mtimeMs), Number(ctimeMs)) < COARSEST_TICK_MS;
}

/** What is open has the inode that was found: where that is still at its place, it is the one that was read. */
function checkSame(file: Found): void {
  checkStamp(file, lstatSync(file.source, { bigint: true, throwIfNoEntry: false }));
}

function checkStamp(file: Found, stats: BigIntStats | undefined): void {
  const stamp = stats === undefined ? "nothing" : stampOf(stats);
  if (stamp !== file.stamp) throw changedError(file, stamp, file.stamp);
}

function changedError(file: Found, saw: string, allowed: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file of the model must not change while it is read",
    where: { file: file.source },
    saw,
    allowed,
    hint: "wait until whatever writes it has ended, then run the step again",
  });
}

/** What changes with a file: size, inode, times of change. */
function stampOf({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): string {
  return `${size} bytes, inode ${dev}:${ino}, changed at ${mtimeNs}/${ctimeNs} ns`;
}

/** A pipe would wait for its writer, a link would read another file than was checked. */
const REGULAR_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function checkRegular(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw irregular(path, wordFor(stats));
}

export function irregular(path: string, saw: string): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "a model must be made of regular files",
    where: { file: path },
    saw,
    allowed: "files and folders",
    hint: saw === "a symbolic link" ? "copy what the link points at in its place" : "remove it from the model's folder",
  });
}

function wordFor(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isSocket()) return "a socket";
  if (stats.isFIFO()) return "a named pipe";
  return stats.isDirectory() ? "a folder" : "a device";
}

export function readError(path: string, cause: unknown): ReleaseError {
  const code = systemCodeOf(cause) ?? "unknown error";
  const where = { file: path };
  if (code === "ELOOP") return irregular(path, "a symbolic link");
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
  return new ReleaseError(
    "STORAGE",
    { rule: "a file of the model could not be read", where, saw: code, hint: "check that this user may read it" },
    cause,
  );
}
