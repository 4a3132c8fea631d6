import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { sha256 } from "../lib/hash.ts";
import { memoryOf } from "../lib/memory.ts";
import { checkKey, checkPrefix } from "../lib/store-key.ts";
import type { Body, ModelStore } from "../ports/model-store.ts";
import { isCode, linkError, storing } from "./folder-error.ts";
import { isFile, isFolder, linkNew, streamOf, syncFolder, walk } from "./folder-files.ts";
import { sweep, type WrittenFile, writeNewFile } from "./new-file.ts";
import { withLock } from "./store-lock.ts";

/** What is on its way takes no more memory than this. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/**
 * A model store in a folder: a key is a file. What is ours alone lies in `.store/`: new values before they are whole, and the lock.
 *
 * - A value is written to a temporary file, synced, and only then gets its name; the folder that names it is synced too. `create` gives
 *   the name by `link()`, which fails where it is taken: no lock, one winner among any number of processes.
 * - `replace` and `remove` compare and act under the store's lock (`store-lock.ts`). The key exists all that time and changes by one
 *   `rename()`, so readers need no lock. A process killed at any instruction leaves the old value or the new one, and at most a
 *   temporary file, which is swept after a week.
 * - An etag is the SHA-256 of the bytes. As in S3, writing the same bytes again gives the same etag: a record for which that matters
 *   carries a counter.
 */
export function folderStore(folder: string): ModelStore {
  const root = resolve(folder);
  const own = join(root, ".store");
  const durable = new Set<string>();
  let swept = false;
  const memory = memoryOf(MEMORY_BYTES);
  let real: string | undefined;

  return {
    uri: pathToFileURL(root).href,
    address: (key) => pathToFileURL(join(root, checkKey(key))).href,

    create: (key, body, like) =>
      storing(key, async () => {
        const path = await placeFor(key);
        // Spares the copy where the answer is known; link() decides.
        if (await isFile(path, key)) return { state: "exists" };
        const original = like && (await originalAt(like));
        return withTemporary({ body, original }, async (temporary, { digest, spared }) => {
          if (!(await linkNew(temporary, path))) return { state: "exists" };
          await syncFolder(dirname(path));
          return { state: "created", etag: digest, ...(spared > 0 ? { spared } : {}) };
        });
      }),

    read: (key) =>
      storing(key, async () => {
        const file = await openKey(key);
        if (file === undefined) return undefined;
        await using _ = file;
        const bytes = await file.readFile();
        return { bytes, etag: sha256(bytes) };
      }),

    open: (key) =>
      storing(key, async () => {
        const file = await openKey(key);
        return file === undefined ? undefined : streamOf(file, key);
      }),

    replace: (key, etag, body) =>
      storing(key, async () => {
        if ((await etagOf(key)) !== etag) return { state: "changed" };
        // Written inside of the lock: of many writers at once, only the one that wins writes.
        return locked(async () => {
          if ((await etagOf(key)) !== etag) return { state: "changed" };
          return withTemporary({ body }, async (temporary, { digest }) => {
            const path = join(root, key);
            await rename(temporary, path);
            await syncFolder(dirname(path));
            return { state: "replaced", etag: digest };
          });
        });
      }),

    remove: (key, etag) =>
      storing(key, async () => {
        if ((await etagOf(key)) !== etag) return { state: "changed" };
        return locked(async () => {
          if ((await etagOf(key)) !== etag) return { state: "changed" };
          const path = join(root, key);
          await rm(path);
          await syncFolder(dirname(path));
          return { state: "removed" };
        });
      }),

    async *list(prefix) {
      checkPrefix(prefix);
      yield* walk(root, prefix);
    },

    clear: (prefix) =>
      storing(prefix, async () => {
        // A key of its own: the whole store has none, and is never cleared.
        const path = join(root, checkKey(prefix.replace(/\/$/, "")));
        if (!(await isFolder(path))) return;
        await checkInside(prefix);
        await rm(path, { recursive: true, force: true });
        await syncFolder(dirname(path));
      }),
  };

  async function locked<T>(act: () => Promise<T>): Promise<T> {
    await makeFolder(own);
    return withLock(join(own, "lock"), act);
  }

  async function openKey(key: string): Promise<FileHandle | undefined> {
    checkKey(key);
    try {
      await checkInside(key);
      const file = await open(join(root, key), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      return undefined;
    } catch (error) {
      if (isCode(error, "ENOENT", "ENOTDIR")) return undefined;
      if (isCode(error, "ELOOP")) throw linkError(key);
      throw error;
    }
  }

  async function etagOf(key: string): Promise<string | undefined> {
    const file = await openKey(key);
    if (file === undefined) return undefined;
    const hash = createHash("sha256");
    for await (const chunk of streamOf(file, key)) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  }

  /** The path of a key to be written; its folders exist, are durable and hold no link. */
  async function placeFor(key: string): Promise<string> {
    checkKey(key);
    const path = join(root, key);
    await makeFolder(dirname(path));
    try {
      await checkInside(key);
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
      // It was cleared since we made it.
      durable.clear();
      await makeFolder(dirname(path));
      await checkInside(key);
    }
    return path;
  }

  async function makeFolder(path: string): Promise<void> {
    if (durable.has(path)) return;
    if (path === root) await mkdir(root, { recursive: true });
    else {
      await makeFolder(dirname(path));
      await mkdir(path).catch((error: unknown) => {
        if (!isCode(error, "EEXIST")) throw error;
      });
    }
    // Also where another process made it: ours must not rest on a name that is not on disk yet.
    await syncFolder(dirname(path));
    durable.add(path);
  }

  /** A link inside the store could lead out of it: none is followed. */
  async function checkInside(key: string): Promise<void> {
    const parent = dirname(key);
    real ??= await realpath(root);
    if ((await realpath(join(root, parent))) !== join(real, parent)) throw linkError(key);
  }

  async function originalAt(key: string): Promise<string | undefined> {
    checkKey(key);
    const path = join(root, key);
    const isThere = await isFile(path, key).catch(() => false);
    if (!isThere) return undefined;
    await checkInside(key);
    return path;
  }

  async function withTemporary<T>(
    { body, original }: { readonly body: Body; readonly original?: string | undefined },
    act: (path: string, written: WrittenFile) => Promise<T>,
  ): Promise<T> {
    const folder = join(own, "new");
    await makeFolder(folder);
    const path = join(folder, randomUUID());
    try {
      const written = await writeNewFile({ path, root, body, memory, original });
      if (!swept) await sweep(folder, path);
      swept = true;
      return await act(path, written);
    } finally {
      await rm(path, { force: true });
    }
  }
}
