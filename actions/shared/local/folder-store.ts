import { createHash, randomUUID } from "node:crypto";
import { constants, type Dirent } from "node:fs";
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { formatSize } from "../domain/quantity.ts";
import { ReleaseError, systemCodeOf } from "../lib/error.ts";
import { sha256 } from "../lib/hash.ts";
import { checkKey, checkPrefix } from "../lib/store-key.ts";
import type { Body, ListedKey, ModelStore } from "../ports/model-store.ts";
import { withLock } from "./store-lock.ts";

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
  let real: string | undefined;

  return {
    uri: pathToFileURL(root).href,
    address: (key) => pathToFileURL(join(root, checkKey(key))).href,

    create: (key, body) =>
      storing(key, async () => {
        const path = await placeFor(key);
        // Spares the copy where the answer is known; link() decides.
        if (await isFile(path, key)) return { state: "exists" };
        return withTemporary(body, async (temporary, etag) => {
          if (!(await linkNew(temporary, path))) return { state: "exists" };
          await syncFolder(dirname(path));
          return { state: "created", etag };
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
          return withTemporary(body, async (temporary, newEtag) => {
            const path = join(root, key);
            await rename(temporary, path);
            await syncFolder(dirname(path));
            return { state: "replaced", etag: newEtag };
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

  async function withTemporary<T>(body: Body, act: (path: string, etag: string) => Promise<T>): Promise<T> {
    const folder = join(own, "new");
    await makeFolder(folder);
    const path = join(folder, randomUUID());
    await checkRoom(root, sizeOf(body));
    try {
      const etag = await writeSynced(path, body);
      if (!swept) await sweep(folder, path);
      swept = true;
      return await act(path, etag);
    } finally {
      await rm(path, { force: true });
    }
  }
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** Removes what killed writers left, by the clock of the file system itself: a value that still grows is never a week old. */
async function sweep(folder: string, fresh: string): Promise<void> {
  const now = (await stat(fresh)).mtimeMs;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
    if (now - modified > WEEK_MS) await rm(path, { force: true });
  }
}

function sizeOf(body: Body): number {
  return body instanceof Uint8Array ? body.length : body.size;
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

async function writeSynced(path: string, body: Body): Promise<string> {
  await using file = await open(path, "wx");
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body.open()) {
    hash.update(chunk);
    await file.writeFile(chunk);
    size += chunk.length;
  }
  const declared = sizeOf(body);
  if (size !== declared)
    throw new ReleaseError("INTEGRITY", {
      rule: "a value must have the size that was announced",
      saw: `${size} bytes`,
      allowed: `${declared} bytes`,
      hint: "something changed it while it was read: wait until it is written, then run the step again",
    });
  await file.sync();
  return `sha256:${hash.digest("hex")}`;
}

async function* streamOf(file: FileHandle, key: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file.createReadStream({ highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw storeError(key, error);
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function* walk(root: string, prefix: string): AsyncGenerator<ListedKey> {
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
async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function isFile(path: string, key: string): Promise<boolean> {
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

async function linkNew(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** A new name is durable only when its folder is written. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

async function storing<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof ReleaseError ? error : storeError(key, error);
  }
}

function storeError(key: string, cause: unknown): ReleaseError {
  const code = systemCodeOf(cause);
  // Not the file system's word: an error of the body that was to be stored, or our own bug.
  if (code === undefined) throw cause;
  const hints: Readonly<Record<string, string>> = {
    ENOSPC: "free some space there, or point `store` or ML_RELEASE_HOME elsewhere",
    EDQUOT: "free some space there, or point `store` or ML_RELEASE_HOME elsewhere",
    ENOTDIR: "a file stands where the store needs a folder: move it away",
    EPERM: "the file system may lack hard links: put the store on a local disk",
    ENOTSUP: "the file system lacks hard links: put the store on a local disk",
  };
  const hint = hints[code] ?? "check that the store's folder may be read and written by this user";
  return new ReleaseError(
    "STORAGE",
    { rule: "the store's folder did not do what was asked", where: { file: key }, saw: code, hint },
    cause,
  );
}

function linkError(key: string): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "the store must not hold symbolic links",
    where: { file: key },
    saw: "a symbolic link",
    allowed: "files and folders",
    hint: "a link may lead out of the store: replace it by what it points at",
  });
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(systemCodeOf(error) ?? "");
}
