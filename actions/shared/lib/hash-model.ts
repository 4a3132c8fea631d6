import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat } from "node:fs/promises";
import { type Digest, shortDigest } from "../domain/digest.ts";
import { type ModelFile, rootDigestBytes } from "../domain/signing-manifest.ts";
import { ReleaseError } from "./error.ts";
import { sha256, sha256Stream } from "./hash.ts";
import { type FoundFile, findModelFiles, openRegular, stampOf } from "./model-files.ts";

export type HashedModel = { readonly files: readonly ModelFile[]; readonly digest: Digest };

/** Reads every file of a model (a file or a folder) once: its manifest and its root digest. */
export async function hashModel(path: string): Promise<HashedModel> {
  return hashFiles(await findModelFiles(path));
}

export async function hashFiles(found: readonly FoundFile[], signal?: AbortSignal): Promise<HashedModel> {
  const files: ModelFile[] = [];
  for (const file of found) {
    const { digest, size } = await sha256Stream(readUnchanged(file, signal));
    files.push({ path: file.path, size, digest });
  }
  return { files, digest: modelDigest(files) };
}

/** The root digest of a model with these files. */
export function modelDigest(files: readonly ModelFile[]): Digest {
  return sha256(rootDigestBytes(files));
}

/**
 * The bytes of a file, once; a piece lives until the next one is asked for. After the last byte the file must be what it was when it was
 * found: size, inode, times of change; where it was changed so shortly before that the clock of the file system could not tell, it is read
 * again and compared. Throws `INTEGRITY`.
 */
export async function* readUnchanged(file: FoundFile, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const handle = await openRegular(file.source);
  try {
    const before = await handle.stat({ bigint: true });
    checkStamp(file, before);
    const hash = isFresh(before) ? createHash("sha256") : undefined;
    for await (const chunk of chunksOf(handle)) {
      signal?.throwIfAborted();
      hash?.update(chunk);
      yield chunk;
    }
    checkStamp(file, await handle.stat({ bigint: true }));
    checkStamp(file, await lstat(file.source, { bigint: true }).catch(() => undefined));
    if (hash !== undefined) await checkAgain(file, handle, `sha256:${hash.digest("hex")}`);
  } finally {
    await handle.close();
  }
}

const CHUNK_BYTES = 256 * 1024;

async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
    // Else the collector lets some 64 MB of them pile up. Who kept the piece finds it empty, not filled with others' bytes.
    buffer.buffer.transfer(0);
  }
}

async function checkAgain(file: FoundFile, handle: FileHandle, digest: Digest): Promise<void> {
  const again = await sha256Stream(chunksOf(handle));
  if (again.digest !== digest) throw changedError(file, shortDigest(again.digest), shortDigest(digest));
}

/** Two changes within one tick of a file system's clock leave one time: 2 s is the coarsest in use (FAT). */
const COARSEST_TICK_MS = 2_000;

function isFresh({ mtimeMs, ctimeMs }: BigIntStats): boolean {
  return Date.now() - Math.max(Number(mtimeMs), Number(ctimeMs)) < COARSEST_TICK_MS;
}

function checkStamp(file: FoundFile, stats: BigIntStats | undefined): void {
  const stamp = stats === undefined ? "nothing" : stampOf(stats);
  if (stamp !== file.stamp) throw changedError(file, stamp, file.stamp);
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
