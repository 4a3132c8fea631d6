import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "../../lib/exec.ts";
import { exists } from "../../lib/exists.ts";
import type { Log } from "../../ports/log.ts";

type Search = {
  readonly interpreter: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly signal: AbortSignal;
};

const VERSION = "0.13.8";

/** uv, which installs ten times as fast as pip: the machine's own, else the one that pip can fetch; undefined where neither is to be had. */
export async function findUv(search: Search): Promise<string | undefined> {
  const { env, signal } = search;
  const own = await exec("uv", ["--version"], { cwd: "/", env, signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (own !== undefined) return "uv";
  const folder = join(search.cache, "tools", `uv-${VERSION}`);
  const program = join(folder, "bin", "uv");
  if (await exists(program)) return program;
  return (await fetchUv(search, folder)) ? program : undefined;
}

async function fetchUv({ interpreter, cache, env, log, signal }: Search, folder: string): Promise<boolean> {
  await mkdir(join(cache, "tools"), { recursive: true });
  const temporary = await mkdtemp(join(cache, "tools", "uv-"));
  const args = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", temporary, `uv==${VERSION}`];
  try {
    await exec(interpreter, ["-m", "pip", "install", ...args], { cwd: "/", env, signal });
    await rename(temporary, folder);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    await rm(temporary, { recursive: true, force: true });
    // somebody else may have been faster
    if (await exists(join(folder, "bin", "uv"))) return true;
    log.debug(`pip could not fetch uv: ${error}`);
    return false;
  }
}

/** pip's settings in uv's words: a machine that is set up for pip needs nothing more. What is set for uv itself stands. */
export async function uvSettings({ interpreter, env, signal }: Search): Promise<Readonly<Record<string, string>>> {
  const listed = await exec(interpreter, ["-m", "pip", "config", "list"], { cwd: "/", env, signal }).catch(
    () => undefined,
  );
  signal.throwIfAborted();
  return translatePipSettings(listed?.stdout ?? "", env);
}

const NAMES: Readonly<Record<string, { readonly name: string; readonly separator?: string }>> = {
  "index-url": { name: "UV_DEFAULT_INDEX" },
  "extra-index-url": { name: "UV_INDEX", separator: " " },
  "find-links": { name: "UV_FIND_LINKS", separator: "," },
  "trusted-host": { name: "UV_INSECURE_HOST", separator: " " },
  "no-index": { name: "UV_NO_INDEX" },
  cert: { name: "SSL_CERT_FILE" },
  proxy: { name: "ALL_PROXY" },
};

/** `pip config list` prints `global.index-url='https://…'`, and the environment's settings as `:env:.index-url='…'`. */
export function translatePipSettings(
  listed: string,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const line of listed.split("\n")) {
    const [, key, quoted] = /^(?:global|install|user|site|:env:)\.([a-z-]+)=(.*)$/.exec(line) ?? [];
    const known = NAMES[key ?? ""];
    if (known === undefined || quoted === undefined || env[known.name] !== undefined) continue;
    const value = quoted
      .replace(/^(['"])(.*)\1$/, "$2")
      .replaceAll("\\n", "\n")
      .trim();
    settings[known.name] = known.separator === undefined ? value : value.split(/\s+/).join(known.separator);
  }
  return settings;
}
