import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ReleaseError, systemCodeOf } from "./error.ts";

/**
 * Replaces a file as one step that survives a power cut: a reader sees the old bytes or the whole new ones. Missing folders are made.
 * Throws `STORAGE` where the disk is full or may not be written.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  await withTemporary(path, bytes, async (temporary) => {
    await rename(temporary, path);
    return true;
  });
}

/** Writes a file that must not exist yet, whole or not at all; false where it exists. Missing folders are made. */
export function createFileExclusive(path: string, bytes: Uint8Array | string): Promise<boolean> {
  return withTemporary(path, bytes, async (temporary) => {
    try {
      // link() fails where the name is taken, which rename() does not.
      await link(temporary, path);
      return true;
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** An error of the file system as one of ours: `STORAGE` with the path and what to look at. */
export function storageError(path: string, cause: unknown): ReleaseError {
  const code = systemCodeOf(cause) ?? "unknown error";
  const hint =
    code === "ENOSPC" || code === "EDQUOT"
      ? "free some space there, or point ML_RELEASE_HOME elsewhere"
      : "check that the folder exists and that this user may write there";
  return new ReleaseError(
    "STORAGE",
    { rule: "a file could not be written", where: { file: path }, saw: code, hint },
    cause,
  );
}

async function withTemporary(
  path: string,
  bytes: Uint8Array | string,
  settle: (temporary: string) => Promise<boolean>,
): Promise<boolean> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    const settled = await settle(temporary);
    await syncFolder(folder);
    return settled;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw storageError(path, error);
  }
}

/** The new name is durable only when the folder is written. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
