import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { ReleaseError } from "../lib/error.ts";

type SiteFile = { readonly path: string; readonly text: string };

/** What a folder must hold that an earlier site may be in: its own file, by which it is known. */
const OWN = "catalog.json";

/**
 * Writes a site beside its folder and puts it in place when it is whole, so that whoever serves the folder never sees half of one. Answers how many
 * files it has. Throws `REFUSED` for a folder that holds something else.
 */
export async function replaceSite(folder: string, files: Iterable<SiteFile>, signal: AbortSignal): Promise<number> {
  const existed = await checkReplaceable(folder);
  const [fresh, old] = [`${folder}.new`, `${folder}.old`];
  await mkdir(dirname(folder), { recursive: true });
  for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
  let count = 0;
  try {
    for (const { path, text } of files) {
      signal.throwIfAborted();
      await writeInside(fresh, path, text);
      count++;
    }
    if (existed) await rename(folder, old);
    await rename(fresh, folder);
  } finally {
    for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
  }
  return count;
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
  if (names.length === 0 || names.includes(OWN)) return true;
  throw new ReleaseError("REFUSED", {
    rule: "a catalog replaces its folder whole",
    where: { input: "--out" },
    saw: `${folder}, which holds ${names.slice(0, 3).join(", ")}`,
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
