import { join } from "node:path";
import { ensureEnvironment } from "../../actions/shared/local/kfp-engine/environment.ts";
import { USER_CACHE } from "./python-environment.ts";

export const MLFLOW_3 = "3.17.2";
export const MLFLOW_2 = "2.22.0";

/** With exactly what is in the list of that version beside this file; made once on a machine. */
export async function mlflowPython(version: string): Promise<string> {
  const { python } = await ensureEnvironment({
    python: "python3",
    file: join(import.meta.dirname, `mlflow-${version}.txt`),
    requirements: [],
    cache: join(USER_CACHE, "ml-release"),
    env: process.env as Record<string, string>,
    log: { debug: () => {}, info: () => {}, warn: () => {}, group: (_, act) => act(), fenced: () => {} },
    signal: new AbortController().signal,
  });
  return python;
}
