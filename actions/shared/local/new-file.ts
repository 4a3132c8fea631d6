import { constants } from "node:fs";
import { copyFile, type FileHandle, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../domain/digest.ts";
import { formatSize } from "../domain/quantity.ts";
import { ReleaseError } from "../lib/error.ts";
import { sha256 } from "../lib/hash.ts";
import { type FilledBlock, inBlocks } from "../lib/in-blocks.ts";
import type { Memory } from "../lib/memory.ts";
import type { Body } from "../ports/model-store.ts";

type NewFile = {
  readonly path: string;
  /** The folder of the store, as it is named where the disk has no room. */
  readonly root: string;
  readonly body: Body;
  readonly memory: Memory;
  /** A file that may hold the same bytes, or many of them. */
  readonly original: string | undefined;
};

export type WrittenFile = {
  readonly digest: Digest;
  /** Bytes that were not written, since they are shared with the original. */
  readonly spared: number;
};

const BLOCK_BYTES = 1024 * 1024;

/** Writes a file that is not there yet, and sees that it is on the disk. */
export async function writeNewFile({ path, root, body, memory, original }: NewFile): Promise<WrittenFile> {
  if (body instanceof Uint8Array) {
    await checkRoom(root, body.length);
    await using file = await open(path, "wx");
    await file.writeFile(body);
    await file.sync();
    return { digest: sha256(body), spared: 0 };
  }
  const isShared = original !== undefined && (await share(original, path));
  if (!isShared) await checkRoom(root, body.size);
  await using file = await open(path, isShared ? "r+" : "wx");
  const reader = body.read();
  const passing = { size: body.size, memory, blockBytes: BLOCK_BYTES };
  const spared = await inBlocks(reader, passing, isShared ? writeChanged(file) : writeBlock(file));
  await file.truncate(body.size);
  await file.sync();
  return { digest: await reader.digest(), spared: spared.reduce((sum, bytes) => sum + bytes, 0) };
}

/**
 * Lets both files have the same blocks of the disk until one of them is written to, where the file system can (XFS, Btrfs, APFS). Never one
 * file under two names: whoever changed the one would change the other.
 */
async function share(original: string, path: string): Promise<boolean> {
  try {
    await copyFile(original, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    await rm(path, { force: true });
    return false;
  }
}

type Act = (block: FilledBlock) => Promise<number>;

function writeBlock(file: FileHandle): Act {
  return async ({ at, bytes }) => {
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    return 0;
  };
}

/** What is there already is compared byte by byte, whatever is known of the original. */
function writeChanged(file: FileHandle): Act {
  const write = writeBlock(file);
  return async (block) => {
    const { at, bytes } = block;
    const there = Buffer.allocUnsafe(bytes.length);
    const { bytesRead } = await file.read(there, 0, there.length, at);
    if (bytesRead === bytes.length && there.equals(bytes)) return bytes.length;
    return write(block);
  };
}

/** Before the first byte: a disk that is full in the end has cost the time of all that went there. */
async function checkRoom(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  // Some file systems of a network tell nothing.
  if (bsize === 0 || bavail * bsize >= size) return;
  throw new ReleaseError("STORAGE", {
    rule: "the disk of the store has no room for a file",
    where: { file: folder },
    saw: `${formatSize(bavail * bsize)} free`,
    allowed: `at least ${formatSize(size)}`,
    hint: "free some space there, or point `store` or ML_RELEASE_HOME elsewhere",
  });
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** Removes what killed writers left, by the clock of the file system itself: a value that still grows is never a week old. */
export async function sweep(folder: string, fresh: string): Promise<void> {
  const now = (await stat(fresh)).mtimeMs;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
    if (now - modified > WEEK_MS) await rm(path, { force: true });
  }
}
