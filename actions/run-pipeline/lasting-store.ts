import { ReleaseError } from "../shared/lib/error.ts";
import type { Ports, RunStep } from "./step.ts";

/** Whether another job finds what this one has put into the store: a folder of a GitHub-hosted runner is gone with the job. */
export function outlivesJob({ job }: Pick<RunStep, "job">, { store }: Pick<Ports, "store">): boolean {
  return !(job.ephemeral && store.uri.startsWith("file:"));
}

/** Throws `CONFIG` where a run could be detached and never be found again. */
export function refuseLostStore(step: RunStep, ports: Ports): void {
  if (outlivesJob(step, ports)) return;
  throw new ReleaseError("CONFIG", {
    rule: "a run can be detached only where the store outlives the job: another job could not find it",
    where: { input: "store" },
    saw: `${ports.store.uri} on a GitHub-hosted runner`,
    hint: "give `store` (or ML_RELEASE_STORE) a place that stays, or run on a machine that stays",
  });
}
