import { connectKubernetes } from "../shared/connect/cluster.ts";
import { readManifestFile } from "../shared/lib/read-manifest-file.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RunPipelineInputs } from "./inputs.ts";

/** Objects on Kubernetes. The manifest's kind says how they are found and followed, so that it is read here already. */
export async function connectManifest(step: Step<RunPipelineInputs>) {
  const { inputs, job, clock, log } = step;
  const manifest = await readManifestFile({
    path: inputs.manifest ?? "",
    workspace: job.workspace,
    success: inputs["success-condition"],
    failure: inputs["failure-condition"],
  });
  const connection = await connectKubernetes(step);
  const { manifestEngine } = await import("../shared/clients/manifest/engine.ts");
  return manifestEngine({
    connection,
    namespace: inputs.namespace ?? manifest.namespace ?? connection.namespace,
    kind: manifest.kind,
    clock,
    log,
    ending: "suspend",
  });
}
