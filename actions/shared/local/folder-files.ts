import type { Dirent } from "node:fs";
import { type FileHandle, link, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ReleaseError } from "../lib/error.ts";
import type { ListedKey } from "../ports/model-store.ts";
import { isCode, linkError, storeError } from "./folder-error.ts";

export async function* streamOf(file: FileHandle, key: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file.createReadStream({ highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw storeError(key, error);
  } finally {
    await file.close().catch(() => undefined);
  }
}

/** All keys below a prefix, sorted. */
export async function* walk(root: string, prefix: string): AsyncGenerator<ListedKey> {
  for (const entry of await entriesOf(join(root, prefix))) {
    if (prefix === "" && entry.name === ".store") continue;
    const key = prefix + entry.name;
    if (entry.isDirectory()) yield* walk(root, `${key}/`);
    else if (entry.isFile()) {
      const found = await lstat(join(root, key)).catch(() => undefined);
      if (found !== undefined) yield { key, size: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

/** Sorted as the keys below them are: a folder counts with its slash. */
async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const sortKey = (entry: Dirent) => (entry.isDirectory() ? `${entry.name}/` : entry.name);
    return entries.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return [];
    throw storeError(path, error);
  }
}

/** A link to a folder is none. */
export async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

export async function isFile(path: string, key: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw linkError(key);
    if (found.isFile()) return true;
    throw new ReleaseError("STORAGE", {
      rule: "a key of the store must name a file",
      where: { file: path },
      saw: found.isDirectory() ? "a folder" : "no regular file",
      hint: "something else wrote into the store's folder: move it away",
    });
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
}

export async function linkNew(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** A new name is durable only when its folder is written. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}
