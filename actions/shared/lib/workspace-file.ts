import { realpath } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { ReleaseError } from "./error.ts";
import { isInside } from "./is-inside.ts";
import { readTextFile } from "./read-text.ts";

export type WorkspaceFile = {
  readonly text: string;
  /** From the root of the workspace where it lies there (annotations name files so), else absolute. */
  readonly file: string;
};

export type FileQuestion = {
  /** The input that the path is from, for errors. */
  readonly input: string;
  readonly path: string;
  /** Where relative paths start. */
  readonly from: string;
  readonly workspace: string;
  /** Other folders that it may lie in. */
  readonly besides?: readonly string[];
  readonly maxBytes: number;
  /** What to do where there is no such file. */
  readonly hint: string;
};

/** A small file that an input names. It must lie in the workspace (or one of the other folders), also after its symlinks. */
export async function readWorkspaceFile(question: FileQuestion): Promise<WorkspaceFile> {
  const { input, path, from, workspace, besides = [], maxBytes, hint } = question;
  const where = { input };
  const saw = JSON.stringify(path.slice(0, 200));
  const real = path.includes("\0") ? undefined : await realpath(resolve(from, path)).catch(() => undefined);
  const root = await realpath(workspace);
  const roots = [root, ...(await Promise.all(besides.map((folder) => realpath(folder).catch(() => resolve(folder)))))];
  if (real !== undefined && !roots.some((folder) => isInside(folder, real)))
    throw new ReleaseError("INPUT", {
      rule: "must stay inside of the workspace",
      where,
      saw,
      allowed: `below ${root}`,
      hint: "name a path in the checkout that no symlink leads out of",
    });
  const text = real === undefined ? undefined : await readTextFile(real, maxBytes);
  if (real === undefined || text === undefined)
    throw new ReleaseError("INPUT", { rule: "must exist", where, saw, hint });
  return { text, file: isInside(root, real) ? relative(root, real).split(sep).join("/") : real };
}
