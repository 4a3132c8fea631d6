import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a folder by its path: what it is, its mode and a digest of its bytes. Folders for which `skip` holds are left out. */
export function folderDigest(root: string, skip: (path: string) => boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string) => {
    if (skip(path)) return;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      if (path !== root) found.set(path, `folder ${stat.mode}`);
      for (const name of readdirSync(path)) visit(join(path, name));
    } else if (stat.isSymbolicLink()) found.set(path, `link ${readlinkSync(path)}`);
    else if (stat.isFile())
      found.set(path, `file ${stat.mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`);
    else found.set(path, "special");
  };
  visit(root);
  return found;
}

/** One line for each path that is new, gone or different. */
export function folderChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    if (before.get(path) === after.get(path)) return [];
    return [`${before.has(path) ? (after.has(path) ? "changed" : "removed") : "made"} ${path}`];
  });
}
