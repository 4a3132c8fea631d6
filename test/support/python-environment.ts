import { homedir } from "node:os";
import { join } from "node:path";
import { manifest } from "../../actions/run-pipeline/inputs.ts";
import { ensureEnvironment } from "../../actions/shared/local/kfp-engine/environment.ts";
import { silentLog } from "./logs.ts";

/** The user's cache: the environment with the KFP SDK is made once on a machine, and used by every test and by `make demo`. */
export const USER_CACHE = process.env.XDG_CACHE_HOME || join(process.env.HOME || homedir(), ".cache");

const KFP = manifest.inputs.kfp.default.split(",").map((requirement) => requirement.trim());

/** The interpreter of the environment that run-pipeline makes by default, or for a file of requirements. */
export async function kfpPython(packages: readonly string[] = [], file?: string): Promise<string> {
  const { python } = await ensureEnvironment({
    python: "python3",
    ...(file === undefined ? {} : { file }),
    requirements: [...KFP, ...packages],
    cache: join(USER_CACHE, "ml-release"),
    env: process.env as Record<string, string>,
    log: silentLog,
    signal: new AbortController().signal,
  });
  return python;
}
