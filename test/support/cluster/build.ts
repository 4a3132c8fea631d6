import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { toolCache } from "../built-tool.ts";
import { type Program, RECIPES } from "./recipes.ts";

const run = promisify(execFile);

/** The Go modules beside this file: each is built to one program. */
export const PROGRAMS = Object.keys(RECIPES) as readonly Program[];

/** Where the program is, or will be once it is built: a folder whose name follows from all that makes it. */
export function programFolder(program: Program): string {
  const hash = createHash("sha256").update(JSON.stringify(RECIPES[program]));
  const sources = [join(import.meta.dirname, program), join(import.meta.dirname, "build-program.ts")];
  for (const path of sources.flatMap(filesOf))
    hash.update(`${relative(import.meta.dirname, path)}\n`).update(readFileSync(path));
  return join(toolCache(), `${program}-${hash.digest("hex").slice(0, 16)}`);
}

/** The program's binary, built where the cache does not have it (minutes, for `kube`). Of several that ask at once, one builds. */
export async function builtProgram(program: Program): Promise<string> {
  const folder = programFolder(program);
  const binary = join(folder, program);
  if (existsSync(binary)) return binary;
  mkdirSync(toolCache(), { recursive: true });
  // The lock is the kernel's: it falls with the process that holds it.
  const build = [`${folder}.lock`, process.execPath, join(import.meta.dirname, "build-program.ts"), program];
  await run("flock", build, { maxBuffer: 64 * 1024 * 1024 });
  return binary;
}

/** Whether programs can be had here: they lie in the cache, or Go can build them. */
export async function canBuild(): Promise<boolean> {
  if (PROGRAMS.every((program) => existsSync(join(programFolder(program), program)))) return true;
  return run("go", ["version"]).then(
    () => true,
    () => false,
  );
}

function filesOf(path: string): readonly string[] {
  if (path.endsWith(".ts")) return [path];
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name));
}
