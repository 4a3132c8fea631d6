import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Every file below a folder with its bytes, by path; nothing where the folder is not. */
export async function folderContents(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)] as const)));
}

/** The paths at which two folders differ. */
export async function differences(one: string, other: string): Promise<readonly string[]> {
  const [here, there] = await Promise.all([folderContents(one), folderContents(other)]);
  const paths = [...new Set([...here.keys(), ...there.keys()])].sort();
  return paths.filter((path) => {
    const bytes = here.get(path);
    return bytes === undefined || there.get(path)?.equals(bytes) !== true;
  });
}
