import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { bad, type Checked, ok } from "../domain/problem.ts";
import { isInside } from "../lib/is-inside.ts";
import { quote } from "./check-input.ts";

/** Where relative paths of inputs start, and what they must not leave. Absolute, without symlinks. */
export type Base = { readonly workspace: string; readonly folder: string };

/** The `working-directory`: a folder inside of the workspace. */
export async function readBase(workspace: string, text: string): Promise<Checked<Base>> {
  const root = await realpath(workspace);
  const found = await readWorkspacePath("working-directory", text || ".", { workspace: root, folder: root });
  if (found.state === "bad") return found;
  if (!(await stat(found.value)).isDirectory())
    return bad({ rule: "must be a folder", where: { input: "working-directory" }, saw: quote(text) });
  return ok({ workspace: root, folder: found.value });
}

/** A path that exists inside of the workspace, also after its symlinks: a checkout may hold a link to anywhere. */
export async function readWorkspacePath(name: string, text: string, base: Base): Promise<Checked<string>> {
  const where = { input: name };
  const outside = bad({
    rule: "must stay inside of the workspace",
    where,
    saw: quote(text),
    allowed: `below ${base.workspace}`,
    hint: "name a path in the checkout that no symlink leads out of",
  });
  if (text.includes("\0")) return bad({ rule: "must not hold a NUL character", where });
  const path = resolve(base.folder, text);
  if (!isInside(base.workspace, path)) return outside;
  try {
    const real = await realpath(path);
    return isInside(base.workspace, real) ? ok(real) : outside;
  } catch {
    return bad({
      rule: "must exist",
      where,
      saw: quote(text),
      hint: `there is no such file below ${base.folder}; is a checkout step missing, or working-directory wrong?`,
    });
  }
}

/** Any path, made absolute; it need not exist. */
export function readPath(name: string, text: string, base: Base): Checked<string> {
  if (text.includes("\0")) return bad({ rule: "must not hold a NUL character", where: { input: name } });
  return ok(resolve(base.folder, text));
}
