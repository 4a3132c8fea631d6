import { join } from "node:path";
import { laterForge } from "../shared/connect/forge.ts";
import { connectStore } from "../shared/connect/model-store.ts";
import type { PipelineEngine, Work } from "../shared/ports/pipeline-engine.ts";
import type { Step } from "../shared/ports/step.ts";
import { forgeTexts } from "../shared/render/forge-texts.ts";
import { chooseEngine } from "./choose-engine.ts";

import { connectKubeflow } from "./connect-kubeflow.ts";
import { connectManifest } from "./connect-manifest.ts";
import { connectPython } from "./connect-python.ts";
import type { RunPipelineInputs } from "./inputs.ts";

export async function connect(step: Step<RunPipelineInputs>) {
  const { inputs, job } = step;
  const folder = join(job.workspace, inputs["working-directory"]);
  const { pythonWith, compile } = await connectPython(step, folder);
  return {
    folder,
    store: await connectStore(step),
    forge: laterForge(step, forgeTexts(step.hide)),
    engine: await connectEngine(step, pythonWith),
    compile,
  };
}

type PythonWith = (packages: readonly string[]) => Promise<string>;

async function connectEngine(step: Step<RunPipelineInputs>, pythonWith: PythonWith): Promise<PipelineEngine<Work>> {
  switch (chooseEngine(step.inputs)) {
    case "local":
      return connectLocal(step, pythonWith);
    case "kubeflow":
      return connectKubeflow(step);
    case "manifest":
      return connectManifest(step);
  }
}

/** A task may print what it was given: what has the name of a secret is masked. */
const SECRET_NAME = /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|KEY|AUTH/i;

async function connectLocal(step: Step<RunPipelineInputs>, pythonWith: PythonWith) {
  const { inputs, job, mask } = step;
  const { kfpEngine } = await import("../shared/local/kfp-engine/engine.ts");
  const containers = await taskContainers(step);
  const taskEnv = job.envOf(inputs["pass-env"] ?? []);
  for (const [name, value] of Object.entries(taskEnv)) if (SECRET_NAME.test(name)) mask(value);
  return kfpEngine({
    runs: join(job.home, "runs"),
    pythonWith,
    env: job.childEnv,
    taskEnv,
    allowCpu: inputs["allow-cpu"],
    ...(containers === undefined ? {} : { containers }),
  });
}

/** What runs images on this machine, where there is anything. */
async function taskContainers({ job, release, signal }: Step<RunPipelineInputs>) {
  const [{ findEngine }, { ociLayout }] = await Promise.all([
    import("../shared/local/container-engine.ts"),
    import("../shared/local/oci-layout.ts"),
  ]);
  const layout = ociLayout(join(job.home, "images"));
  const engine = await findEngine({ env: job.childEnv, cwd: job.workspace, signal, layout });
  if (engine === undefined) return undefined;
  // an image of a registry is not fetched for a Python component, which runs as a process too
  const built = Object.values(release.images ?? {}).flatMap(({ ref }) => (ref.startsWith("localhost/") ? [ref] : []));
  return { engine, env: job.childEnv, built, temp: join(job.temp, "ml-release") };
}
