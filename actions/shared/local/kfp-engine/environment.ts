import { randomUUID } from "node:crypto";
import { access, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { canonicalJson } from "../../domain/canonical.ts";
import { hexOf } from "../../domain/digest.ts";
import { distributionName } from "../../domain/pipeline/requirements.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { exec } from "../../lib/exec.ts";
import { sha256 } from "../../lib/hash.ts";
import type { Log } from "../../ports/log.ts";
import { findUv, uvSettings } from "./uv.ts";

export type EnvironmentRequest = {
  /** A name on the path, or a path. */
  readonly python: string;
  /** The user's file of requirements. */
  readonly file?: string;
  /** More requirements; one whose package the file names too is left to the file. */
  readonly requirements: readonly string[];
  /** Where environments are kept; may be deleted at any time. */
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly signal: AbortSignal;
};

export type PythonEnvironment = {
  /** The interpreter inside of the environment. */
  readonly python: string;
  readonly how: "found" | "uv" | "pip";
};

/**
 * A virtual environment with these requirements, named by the hash of what is in it: found, or built. Two jobs may build the same one at
 * once: each builds its own folder, and the first to finish gives it the name. Throws `INPUT` where Python or a requirement is not to be had.
 */
export async function ensureEnvironment(request: EnvironmentRequest): Promise<PythonEnvironment> {
  const interpreter = await probe(request);
  const lines = await requirementLines(request);
  const key = hexOf(sha256(canonicalJson({ layout: 1, ...interpreter, lines })), 16);
  const named = join(request.cache, "venvs", key);
  if (await isReady(named)) return { python: pythonOf(named), how: "found" };
  const folder = join(request.cache, "venvs", `${key}-${randomUUID().slice(0, 8)}`);
  await mkdir(dirname(folder), { recursive: true });
  await sweep(dirname(folder));
  try {
    const how = await build({ ...request, interpreter: interpreter.executable, folder, lines });
    await writeFile(join(folder, "ready.json"), JSON.stringify({ ...interpreter, lines, how }));
    await giveName(folder, named);
    return { python: pythonOf(named), how };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function pythonOf(folder: string): string {
  return join(folder, "bin", "python");
}

const ProbeSchema = v.object({ executable: v.string(), version: v.string() });
const PROBE =
  "import json,sys;print(json.dumps({'executable':sys.executable,'version':sys.version}));sys.exit(sys.version_info<(3,9))";

async function probe({ python, env, signal }: EnvironmentRequest): Promise<v.InferOutput<typeof ProbeSchema>> {
  const asked = await exec(python, ["-I", "-c", PROBE], { cwd: "/", env, signal, okCodes: [0, 1] }).catch(
    (error: unknown) => {
      if (!isReleaseError(error, "COMMAND")) throw error;
      throw noPython(python, "it cannot be started", error);
    },
  );
  if (asked.code !== 0) throw noPython(python, asked.stdout.trim() || asked.stderr.trim());
  return decode(ProbeSchema, JSON.parse(asked.stdout), "the answer of Python");
}

function noPython(python: string, saw: string, cause?: unknown): ReleaseError {
  return new ReleaseError(
    "INPUT",
    {
      rule: "must be a Python interpreter of version 3.9 or later",
      where: { input: "python" },
      saw: `${python}: ${saw}`,
      hint: "install Python on the runner (actions/setup-python), or give its path as `python`",
    },
    cause,
  );
}

/** Every line that decides what is installed: of the file, of the files that it includes, and of the rest. */
async function requirementLines({ file, requirements }: EnvironmentRequest): Promise<readonly string[]> {
  const own = file === undefined ? [] : await linesOf(file);
  const named = new Set(own.map(distributionName));
  return [...own, ...requirements.filter((line) => !named.has(distributionName(line)))];
}

async function linesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new ReleaseError(
      "INPUT",
      { rule: "cannot be read", where: { input: "requirements" }, saw: file, hint: "check the path" },
      error,
    );
  });
  const lines = text
    .replaceAll(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
  const nested = lines.map(async (line) => {
    const [, flag, path] = /^(-r|--requirement|-c|--constraint)[ =]\s*(\S+)$/.exec(line) ?? [];
    if (path === undefined) return [line];
    const included = resolve(dirname(file), path);
    return flag === "-c" || flag === "--constraint"
      ? [`--constraint ${included}`, ...(await linesOf(included)).map((one) => `# constraint: ${one}`)]
      : linesOf(included);
  });
  return (await Promise.all(nested)).flat();
}

async function isReady(named: string): Promise<boolean> {
  try {
    await access(join(named, "ready.json"));
    // the interpreter is a link to the one that was there when the environment was built
    await stat(pythonOf(named));
    return true;
  } catch {
    return false;
  }
}

type Build = EnvironmentRequest & {
  readonly interpreter: string;
  readonly folder: string;
  readonly lines: readonly string[];
};

async function build(request: Build): Promise<"uv" | "pip"> {
  const { folder, lines, log } = request;
  await mkdir(folder, { recursive: true });
  const file = join(folder, "requirements.txt");
  await writeFile(file, `${lines.join("\n")}\n`);
  const uv = await findUv(request);
  if (uv !== undefined && (await buildWithUv(request, uv, file))) return "uv";
  log.info("Making a virtual environment with pip");
  await exec(request.interpreter, ["-m", "venv", "--clear", folder], options(request)).catch((error: unknown) => {
    throw withHint(error, "install the venv module of this Python (Debian: python3-venv)");
  });
  await writeFile(file, `${lines.join("\n")}\n`);
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", file];
  await exec(pythonOf(folder), args, options(request)).catch((error: unknown) => {
    throw withHint(error, "check `requirements`, and pip's configuration on this machine");
  });
  return "pip";
}

/** False where uv could not do it for a reason that pip may not have: another configuration of the index, of certificates. */
async function buildWithUv(request: Build, uv: string, file: string): Promise<boolean> {
  const { folder, interpreter, log } = request;
  const env = { ...request.env, ...(await uvSettings(request)) };
  try {
    await exec(uv, ["venv", "--quiet", "--allow-existing", "--python", interpreter, folder], {
      ...options(request),
      env,
    });
    const args = ["pip", "install", "--quiet", "--python", pythonOf(folder), "--requirements", file];
    await exec(uv, args, { ...options(request), env });
    return true;
  } catch (error) {
    if (!isReleaseError(error, "COMMAND")) throw error;
    if (/No solution found|Failed to parse|Couldn't parse/.test(error.message))
      throw withHint(error, "the requirements do not fit together, or one does not exist: see what uv said");
    log.debug(`uv could not make the environment: ${error.message}`);
    return false;
  }
}

function options({ env, signal }: Build) {
  return { cwd: "/", env, signal };
}

function withHint(error: unknown, hint: string): unknown {
  if (!isReleaseError(error, "COMMAND")) return error;
  return new ReleaseError(
    "INPUT",
    {
      rule: "the packages that the pipeline needs cannot be installed",
      where: { input: "requirements" },
      saw: error.problems
        .map((problem) => [problem.rule, problem.saw, problem.hint].filter(Boolean).join(": "))
        .join("\n"),
      hint,
    },
    error,
  );
}

/** The name is a link, made once; a name whose folder was damaged is moved to the new one in one step. */
async function giveName(folder: string, named: string): Promise<void> {
  try {
    await symlink(folder, named);
  } catch {
    if (await isReady(named)) return await rm(folder, { recursive: true, force: true });
    const link = `${folder}.link`;
    await symlink(folder, link);
    await rename(link, named);
  }
}

const STALE_MS = 24 * 3_600_000;

/** Removes what builds that were killed have left: folders without a name that nobody has touched for a day. */
async function sweep(venvs: string): Promise<void> {
  const names = await readdir(venvs);
  const links = await Promise.all(names.map((name) => readlink(join(venvs, name)).catch(() => undefined)));
  const kept = new Set(links);
  for (const [i, name] of names.entries()) {
    const path = join(venvs, name);
    if (links[i] !== undefined || kept.has(path)) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true });
  }
}
