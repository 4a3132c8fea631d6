import type { BigIntStats } from "node:fs";
import { glob, lstat, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { isIgnoredInModel, sortFiles } from "../domain/signing-manifest.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { diskFile, irregular, readError } from "./disk-file.ts";
import { ReleaseError } from "./error.ts";
import { isInside } from "./is-inside.ts";

export const MAX_FILES = 100_000;

/**
 * The files of a model, sorted as its manifest is: one file, everything below a folder, or what a glob pattern names (paths then start
 * after its last part without `*`, `?`, `[` or `{`). Hidden files belong to it; version control at its root and a detached signature do
 * not. Throws `REFUSED` for what lies outside of `roots`, for a symbolic link, device, socket or pipe, and for a model without files;
 * `NOT_FOUND` where nothing is.
 */
export async function findModel(pattern: string, roots: readonly string[]): Promise<readonly SourceFile[]> {
  const path = resolve(pattern);
  const isLiteral = !/[*?[{]/.test(path) || (await exists(path));
  await checkInside(isLiteral ? dirname(path) : plainStart(path), roots);
  return isLiteral ? findModelFiles(path) : findMatches(path);
}

/** The files of a model at a path that is trusted, such as one of our own folders. */
export async function findModelFiles(path: string): Promise<readonly SourceFile[]> {
  const stats = await statOf(path);
  if (!stats.isDirectory()) return [diskFile(basename(path), path, stats)];
  const files: SourceFile[] = [];
  await walk(path, "", files);
  return checkSome(files, path, "an empty folder");
}

async function findMatches(pattern: string): Promise<readonly SourceFile[]> {
  const start = plainStart(pattern);
  const real = await realpath(start);
  const files: SourceFile[] = [];
  for await (const match of glob(relative(start, pattern), { cwd: start })) {
    const path = match.split(sep).join("/");
    const source = join(start, match);
    if (isIgnoredInModel(path)) continue;
    const stats = await statOf(source);
    if (stats.isDirectory()) continue;
    // A link among the folders on the way would read files of another place.
    if ((await realpath(dirname(source))) !== dirname(join(real, match))) throw irregular(source, "a symbolic link");
    addFile(files, diskFile(path, source, stats), start);
  }
  return checkSome(files, pattern, "no file that it matches");
}

async function walk(root: string, prefix: string, files: SourceFile[]): Promise<void> {
  const folder = join(root, prefix);
  const names = await readdir(folder).catch((error: unknown) => {
    throw readError(folder, error);
  });
  for (const name of names) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (isIgnoredInModel(path)) continue;
    const source = join(root, path);
    const stats = await statOf(source);
    if (stats.isDirectory()) await walk(root, path, files);
    else addFile(files, diskFile(path, source, stats), root);
  }
}

function addFile(files: SourceFile[], file: SourceFile, root: string): void {
  files.push(file);
  if (files.length > MAX_FILES) throw tooManyFiles(root);
}

export function tooManyFiles(file: string): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "a model must not have too many files",
    where: { file },
    saw: `more than ${MAX_FILES}`,
    allowed: String(MAX_FILES),
    hint: "point `model` at the model itself, not at a folder above it",
  });
}

function checkSome(files: readonly SourceFile[], path: string, saw: string): readonly SourceFile[] {
  if (files.length > 0) return sortFiles(files);
  throw new ReleaseError("REFUSED", {
    rule: "a model must have a file",
    where: { file: path },
    saw,
    hint: "check that the training run wrote its model there",
  });
}

/** Everything up to the first part that is a pattern. */
function plainStart(pattern: string): string {
  const parts = pattern.split(sep);
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  return parts.slice(0, first).join(sep) || sep;
}

async function checkInside(folder: string, roots: readonly string[]): Promise<void> {
  const real = await realpath(folder).catch((error: unknown) => {
    throw readError(folder, error);
  });
  for (const root of roots) {
    if (isInside(await realpath(root).catch(() => root), real)) return;
  }
  throw new ReleaseError("REFUSED", {
    rule: "a model must lie in a folder of this job",
    where: { file: folder },
    saw: real,
    allowed: `below ${roots.join(", ")}`,
    hint: "copy the model into the workspace",
  });
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function statOf(path: string): Promise<BigIntStats> {
  return await lstat(path, { bigint: true }).catch((error: unknown) => {
    throw readError(path, error);
  });
}
