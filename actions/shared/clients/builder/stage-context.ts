import { constants } from "node:fs";
import { chmod, copyFile, mkdir, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContextEntry } from "../../domain/image/context.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256File } from "../../lib/hash.ts";

/**
 * Copies the files of a build context, and nothing else, into a folder that an engine is given: with the modes of the content key and
 * times of 1970, so that every engine sees the same, whatever it makes of ignore files. A file that is not what was hashed is `INTEGRITY`.
 */
export async function stageContext(context: string, files: readonly ContextEntry[], to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const folders = new Set<string>();
  for (const entry of files) {
    const path = join(to, entry.path);
    for (let folder = dirname(path); folder.startsWith(to) && !folders.has(folder); folder = dirname(folder)) {
      await mkdir(folder, { recursive: true });
      folders.add(folder);
    }
    if (entry.type === "folder") {
      await mkdir(path, { recursive: true });
      folders.add(path);
    } else if (entry.type === "link") await symlink(entry.target, path);
    else await copyChecked(join(context, entry.path), path, entry);
  }
  // Deepest first: making a file changes the time of its folder.
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    await chmod(folder, 0o755);
    await utimes(folder, 0, 0);
  }
}

async function copyChecked(from: string, to: string, entry: Extract<ContextEntry, { type: "file" }>): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const { digest } = await sha256File(to);
  if (digest !== entry.digest)
    throw new ReleaseError("INTEGRITY", {
      rule: "a file of the build context changed while it was read",
      where: { file: entry.path },
      hint: "nothing may write into the build context during a build",
    });
  await chmod(to, Number.parseInt(entry.mode, 8));
  await utimes(to, 0, 0);
}
