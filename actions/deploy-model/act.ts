import type { Act } from "../shared/domain/model-version.ts";
import type { DeployStep } from "./step.ts";

/** Who acts in this step, when, and from which run. */
export function actOf({ release, job, clock }: DeployStep): Act {
  const { source, run } = release;
  return {
    by: job.github.actor || source.actor,
    at: new Date(clock.now()).toISOString(),
    release: release.id,
    ...(run === undefined ? {} : { runId: run.id }),
    ...(source.workflowRun === undefined ? {} : { url: source.workflowRun.url }),
  };
}
