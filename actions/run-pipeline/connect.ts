import { join } from "node:path";
import { formatDuration } from "../shared/domain/quantity.ts";
import { storeFolder } from "../shared/lib/store-folder.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RunPipelineInputs } from "./inputs.ts";

/** A task may print what it was given: what has the name of a secret is masked. */
const SECRET_NAME = /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|KEY|AUTH/i;

export async function connect({ inputs, job, log, clock, signal, mask }: Step<RunPipelineInputs>) {
  const [{ folderStore }, { kfpEngine }, { compilePipeline }, { ensureEnvironment }] = await Promise.all([
    import("../shared/local/folder-store.ts"),
    import("../shared/local/kfp-engine/engine.ts"),
    import("../shared/local/kfp-engine/compile.ts"),
    import("../shared/local/kfp-engine/environment.ts"),
  ]);
  const folder = join(job.workspace, inputs["working-directory"]);
  const taskEnv = job.envOf(inputs["pass-env"] ?? []);
  for (const [name, value] of Object.entries(taskEnv)) if (SECRET_NAME.test(name)) mask(value);
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
    folder,
    store: folderStore(storeFolder(inputs, job)),
    engine: kfpEngine({
      runs: join(job.home, "runs"),
      pythonWith,
      env: job.childEnv,
      taskEnv,
      allowCpu: inputs["allow-cpu"],
    }),
    compile: async (source: {
      readonly source: string;
      readonly function: string | undefined;
      readonly variables: Readonly<Record<string, string>>;
    }) =>
      compilePipeline({
        python: await pythonWith([]),
        source: source.source,
        ...(source.function === undefined ? {} : { function: source.function }),
        env: { ...job.childEnv, ...source.variables },
        cwd: folder,
        temp: join(job.temp, "ml-release"),
        signal,
        onOutput: log.fenced,
      }),
  };
}
