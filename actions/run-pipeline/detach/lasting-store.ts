import { ReleaseError } from "../../shared/lib/error.ts";
import { outlivesJob } from "../../shared/lib/outlives-job.ts";
import type { Ports, RunStep } from "../step.ts";

/** Throws `CONFIG` where a run could be detached and never be found again. */
export function refuseLostStore(step: RunStep, ports: Ports): void {
  if (outlivesJob(step.job, ports.store)) return;
  throw new ReleaseError("CONFIG", {
    rule: "a run can be detached only where the store outlives the job: another job could not find it",
    where: { input: "store" },
    saw: `${ports.store.uri} on a GitHub-hosted runner`,
    hint: "give `store` (or ML_RELEASE_STORE) a place that stays, or run on a machine that stays",
  });
}
