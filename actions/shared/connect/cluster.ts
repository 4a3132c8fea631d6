import type { Step } from "../ports/step.ts";

/** What of a step says which cluster is meant and how to reach it. */
type ClusterStep = Pick<
  Step<{
    readonly kubeconfig: string | undefined;
    readonly context: string | undefined;
    readonly namespace: string | undefined;
    readonly "working-directory": string;
  }>,
  "inputs" | "job" | "mask" | "clock" | "log"
>;

/** The cluster of the kubeconfig, else of the pod. Exec plugins see what command lines of clouds need. */
export async function connectKubernetes({ inputs, job, mask, clock, log }: ClusterStep) {
  const [{ connectCluster }, { credentialVariables }] = await Promise.all([
    import("../clients/kubernetes/connection.ts"),
    import("../clients/access/credential-variables.ts"),
  ]);
  return connectCluster({
    ...(inputs.kubeconfig === undefined ? {} : { kubeconfig: inputs.kubeconfig }),
    ...(inputs.context === undefined ? {} : { context: inputs.context }),
    ...(inputs.namespace === undefined ? {} : { namespace: inputs.namespace }),
    cwd: `${job.workspace}/${inputs["working-directory"]}`,
    env: { ...job.childEnv, ...job.envOf([...credentialVariables, "KUBECONFIG"]) },
    mask,
    clock,
    log,
  });
}
