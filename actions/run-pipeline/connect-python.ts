import { join } from "node:path";
import { formatDuration } from "../shared/domain/quantity.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RunPipelineInputs } from "./inputs.ts";

export type Source = {
  readonly source: string;
  readonly function: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
};

/** Python environments with the KFP SDK, and the compiler in one. Each is found or made when it is asked for first. */
export async function connectPython({ inputs, job, log, clock, signal }: Step<RunPipelineInputs>, folder: string) {
  const [{ compilePipeline }, { ensureEnvironment }] = await Promise.all([
    import("../shared/local/kfp-engine/compile.ts"),
    import("../shared/local/kfp-engine/environment.ts"),
  ]);
  const made = new Map<string, Promise<string>>();
  const pythonWith = (packages: readonly string[]) => {
    const key = packages.join("\n");
    const python = made.get(key) ?? pythonFor(packages);
    made.set(key, python);
    return python;
  };
  const pythonFor = async (packages: readonly string[]) => {
    const startedMs = clock.now();
    const { python, how } = await ensureEnvironment({
      python: inputs.python,
      ...(inputs.requirements === undefined ? {} : { file: inputs.requirements }),
      requirements: [...inputs.kfp, ...packages],
      cache: job.cache,
      env: job.childEnv,
      log,
      signal,
    });
    const took = formatDuration(clock.now() - startedMs);
    log.info(
      how === "found"
        ? `Uses the Python environment ${python}`
        : `Made the Python environment ${python} with ${how} in ${took}`,
    );
    return python;
  };
  return {
    pythonWith,
    compile: async (source: Source) =>
      compilePipeline({
        python: await pythonWith([]),
        source: source.source,
        ...(source.function === undefined ? {} : { function: source.function }),
        env: { ...job.childEnv, ...source.variables },
        cwd: folder,
        workspace: job.workspace,
        temp: join(job.temp, "ml-release"),
        signal,
        onOutput: log.fenced,
      }),
  };
}
