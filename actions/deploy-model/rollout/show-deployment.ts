import type { DeploymentStatus } from "../../shared/ports/forge.ts";
import type { DeployStep, Ports } from "../step.ts";

type Shown = {
  readonly state: DeploymentStatus["state"];
  /** One sentence. */
  readonly what: string;
  readonly url?: string | undefined;
};

/**
 * Shows where a rollout stands as a deployment of the forge, where `environment` names one. What cannot be shown is a line of the log: it
 * decides nothing.
 */
export function showDeployment(
  { inputs, job, log, release, signal }: DeployStep,
  { forge }: Ports,
  rollout: { readonly target: string; readonly commit?: string | undefined },
): (shown: Shown) => Promise<void> {
  const { environment } = inputs;
  const logUrl = release.source.workflowRun?.url;
  return async ({ state, what, url }) => {
    // After a signal the rest belongs to what lowers the share.
    if (environment === undefined || signal.aborted) return;
    const posted = await forge.deployment({
      environment,
      commit: (rollout.commit ?? release.source.commit) || job.github.sha,
      ...(release.source.tag === undefined ? {} : { ref: release.source.tag }),
      task: rollout.target,
      state,
      description: what,
      ...(logUrl === undefined ? {} : { logUrl }),
      ...(url === undefined || !/^https?:/.test(url) ? {} : { environmentUrl: url }),
    });
    if (posted.state === "posted") log.info(`deployment of ${environment} ${posted.how}: ${state} (${posted.url})`);
    else
      log.warn(
        `the deployment of ${environment} could not be shown as ${state}: ${posted.reason}${posted.state === "denied" ? "; the job needs the permission `deployments: write`" : ""}`,
      );
  };
}
