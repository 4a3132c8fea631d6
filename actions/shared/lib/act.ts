import type { Act } from "../domain/model-version.ts";
import type { Step } from "../ports/step.ts";

/** Who acts in this step, when, and from which run. */
export function actOf({ release, job, clock }: Pick<Step<unknown>, "release" | "job" | "clock">): Act {
  const { source, run } = release;
  return {
    by: job.github.actor || source.actor,
    at: new Date(clock.now()).toISOString(),
    release: release.id,
    ...(run === undefined ? {} : { runId: run.id }),
    ...(source.workflowRun === undefined ? {} : { url: source.workflowRun.url }),
  };
}
