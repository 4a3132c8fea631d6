import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { isModelName } from "../domain/model-version.ts";
import { isReleaseError, ReleaseError, systemCodeOf } from "../lib/error.ts";
import { storageError } from "../lib/write-file.ts";

type SiteFile = { readonly path: string; readonly text: string };

/** What a folder must hold that an earlier site may be in: its own file, by which it is known. */
const OWN = "catalog.json";

/**
 * Writes a site beside its folder and puts it in place when it is whole, so that whoever serves the folder never sees half of one. Answers how many
 * files it has. Throws `REFUSED` for a folder that holds something else, `STORAGE` where the disk is full or may not be written.
 */
export async function replaceSite(folder: string, files: Iterable<SiteFile>, signal: AbortSignal): Promise<number> {
  const existed = await checkReplaceable(folder);
  try {
    await mkdir(dirname(folder), { recursive: true });
    // Beside it, since nothing is moved from one disk to another at once.
    const work = await mkdtemp(join(dirname(folder), `.${basename(folder)}.`));
    try {
      const fresh = join(work, "new");
      const count = await writeAll(fresh, files, signal);
      await exchange(folder, { fresh, old: existed ? join(work, "old") : undefined });
      return count;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (error) {
    throw isReleaseError(error) || systemCodeOf(error) === undefined ? error : storageError(folder, error);
  }
}

async function writeAll(folder: string, files: Iterable<SiteFile>, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const { path, text } of files) {
    signal.throwIfAborted();
    await writeInside(folder, path, text);
    count++;
  }
  return count;
}

type Exchanged = { readonly fresh: string /** Where what is there goes. */; readonly old: string | undefined };

async function exchange(folder: string, { fresh, old }: Exchanged): Promise<void> {
  if (old !== undefined) await rename(folder, old);
  try {
    await rename(fresh, folder);
  } catch (error) {
    if (old !== undefined) await rename(old, folder);
    throw error;
  }
}

/** Whether there is one to be replaced. */
async function checkReplaceable(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new ReleaseError(
      "STORAGE",
      { rule: "the folder for the catalog cannot be read", where: { file: folder }, saw: error.code ?? "" },
      error,
    );
  });
  if (names === undefined) return false;
  const others = names.filter((name) => name !== OWN && !isModelName(name) && !name.endsWith(".html"));
  if (names.length === 0 || (names.includes(OWN) && others.length === 0)) return true;
  throw new ReleaseError("REFUSED", {
    rule: "a catalog replaces its folder whole",
    where: { input: "--out" },
    saw: `${folder}, which holds ${(others.length > 0 ? others : names).slice(0, 3).join(", ")}`,
    allowed: "a new or empty folder, or that of an earlier catalog",
    hint: "name another folder",
  });
}

async function writeInside(folder: string, path: string, text: string): Promise<void> {
  const target = resolve(folder, path);
  if (!target.startsWith(folder + sep))
    throw new ReleaseError("INTERNAL", { rule: "a page must lie inside of the catalog", saw: path });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(join(target), text);
}
