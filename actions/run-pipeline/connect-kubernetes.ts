import { join } from "node:path";
import type { Step } from "../shared/ports/step.ts";
import type { RunPipelineInputs } from "./inputs.ts";

/** The cluster of the kubeconfig, else of the pod. Exec plugins see what command lines of clouds need. */
export async function connectKubernetes({ inputs, job, mask, clock, log }: Step<RunPipelineInputs>) {
  const [{ connectCluster }, { credentialVariables }] = await Promise.all([
    import("../shared/clients/kubernetes/connection.ts"),
    import("../shared/clients/access/credential-variables.ts"),
  ]);
  return connectCluster({
    ...(inputs.kubeconfig === undefined ? {} : { kubeconfig: inputs.kubeconfig }),
    ...(inputs.context === undefined ? {} : { context: inputs.context }),
    ...(inputs.namespace === undefined ? {} : { namespace: inputs.namespace }),
    cwd: join(job.workspace, inputs["working-directory"]),
    env: { ...job.childEnv, ...job.envOf([...credentialVariables, "KUBECONFIG"]) },
    mask,
    clock,
    log,
  });
}
