import type { Act } from "../shared/domain/model-version.ts";
import type { RegisterStep } from "./step.ts";

/** Who moves what in this step, when, and from which run. */
export function actOf({ release, job, clock }: RegisterStep): Act {
  const { source, run } = release;
  return {
    by: job.github.actor || source.actor,
    at: new Date(clock.now()).toISOString(),
    release: release.id,
    ...(run === undefined ? {} : { runId: run.id }),
    ...(source.workflowRun === undefined ? {} : { url: source.workflowRun.url }),
  };
}
