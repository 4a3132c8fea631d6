import { createHash } from "node:crypto";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join, sep } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { Digest } from "../../domain/digest.ts";
import { type IgnorePattern, isIgnored, mayPrune, parseIgnore } from "../../domain/dockerfile/ignore.ts";
import { type ContextEntry, leavesContext } from "../../domain/image/context.ts";
import type { Problem } from "../../domain/problem.ts";
import { ReleaseError, systemCodeOf } from "../error.ts";

/** A path of a context that no ignore pattern leaves out; its content is not read yet. */
export type FoundEntry =
  | { readonly type: "file"; readonly path: string; readonly mode: "755" | "644"; readonly size: number }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "folder"; readonly path: string };

/**
 * The patterns that hold for a Dockerfile: `<Dockerfile>.dockerignore` beside it wins over the context's own `.dockerignore`. Both are
 * absolute paths.
 */
export function readIgnore(context: string, dockerfile: string): readonly IgnorePattern[] {
  const own = readIfExists(`${dockerfile}.dockerignore`) ?? readIfExists(join(context, ".dockerignore"));
  return own === undefined ? [] : parseIgnore(own);
}

/**
 * Every path of a context, sorted; folders only where nothing is in them. Throws `REFUSED` with all of them at once for sockets, devices,
 * names that are no UTF-8, and links that lead out of the context.
 */
export function listContext(context: string, ignore: readonly IgnorePattern[]): readonly FoundEntry[] {
  const found: FoundEntry[] = [];
  const problems: Problem[] = [];
  const walk = (folder: string): void => {
    const before = found.length;
    for (const entry of reading(folder, () => readdirSync(join(context, folder), { withFileTypes: true }))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!mayPrune(path, ignore)) walk(path);
        continue;
      }
      if (isIgnored(path, ignore)) continue;
      const kind = entry.isFile() ? fileAt(context, path) : entry.isSymbolicLink() ? linkAt(context, path) : undefined;
      const problem = kind === undefined ? notStorable(path) : problemOf(kind);
      if (problem !== undefined) problems.push(problem);
      else if (kind !== undefined) found.push(kind);
    }
    if (folder !== "" && found.length === before && !isIgnored(folder, ignore))
      found.push({ type: "folder", path: folder });
  };
  walk("");
  if (problems.length > 0) throw new ReleaseError("REFUSED", problems);
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Reads and hashes the files; says which are git-LFS pointers, whose images would hold the pointer and not the file. */
export async function hashEntries(context: string, found: readonly FoundEntry[]): Promise<readonly ContextEntry[]> {
  const entries: ContextEntry[] = [];
  const pointers: Problem[] = [];
  let unread = 0;
  for (const entry of found) {
    if (entry.type !== "file") {
      entries.push(entry);
      continue;
    }
    const { digest, size, isPointer } = reading(entry.path, () => hashFile(join(context, entry.path)));
    if (isPointer)
      pointers.push({
        rule: "is a git-LFS pointer, not the file itself",
        where: { file: entry.path },
        hint: "check out with lfs: true, or leave it out by .dockerignore",
      });
    entries.push({ type: "file", path: entry.path, mode: entry.mode, size, digest });
    unread += size + 4096;
    // Reading synchronously is several times faster for many small files; signals are let through in between.
    if (unread > 32 * 1024 * 1024) {
      unread = 0;
      await breathe();
    }
  }
  if (pointers.length > 0) throw new ReleaseError("CONFIG", pointers);
  return entries;
}

/** A path by its real name, or undefined where it leads out of the workspace, by `..` or by a link. Throws where nothing is there. */
export function insideWorkspace(workspace: string, path: string): string | undefined {
  const root = realpathSync(workspace);
  const real = realpathSync(path);
  return real === root || real.startsWith(root + sep) ? real : undefined;
}

const PIECE = 1024 * 1024;
const LFS_POINTER = "version https://git-lfs.github.com/spec/v1\n";

function hashFile(path: string): { readonly digest: Digest; readonly size: number; readonly isPointer: boolean } {
  const file = openSync(path, "r");
  try {
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(PIECE);
    let size = 0;
    let isPointer = false;
    for (;;) {
      const read = readSync(file, piece, 0, PIECE, null);
      if (read === 0) return { digest: `sha256:${hash.digest("hex")}`, size, isPointer };
      isPointer = size === 0 && read < 1024 && piece.toString("latin1", 0, LFS_POINTER.length) === LFS_POINTER;
      hash.update(piece.subarray(0, read));
      size += read;
    }
  } finally {
    closeSync(file);
  }
}

/** The file system's word as ours, with the path in the context. */
function reading<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new ReleaseError(
      "STORAGE",
      {
        rule: "the build context cannot be read",
        where: { file: path },
        saw: systemCodeOf(error) ?? "unknown error",
        hint: "check that this user may read it",
      },
      error,
    );
  }
}

function fileAt(context: string, path: string): FoundEntry {
  const { mode, size } = statSync(join(context, path));
  return { type: "file", path, mode: (mode & 0o111) === 0 ? "644" : "755", size };
}

function linkAt(context: string, path: string): FoundEntry {
  return { type: "link", path, target: readlinkSync(join(context, path)) };
}

function notStorable(path: string): Problem {
  return {
    rule: "an image can hold files, folders and links",
    where: { file: path },
    saw: "a socket, pipe or device",
    hint: "leave it out by .dockerignore",
  };
}

function problemOf(entry: FoundEntry): Problem | undefined {
  const where = { file: entry.path };
  if (entry.path.includes("\uFFFD")) return { rule: "a file's name must be UTF-8", where, hint: "rename the file" };
  if (entry.type !== "link" || !leavesContext(entry.path, entry.target)) return undefined;
  return {
    rule: "a link must not lead out of the build context",
    where,
    saw: `a link to ${entry.target}`,
    hint: "copy what it points at, or leave it out by .dockerignore",
  };
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
