import type { ModelStore } from "../ports/model-store.ts";
import type { Job } from "../ports/step.ts";

/** Whether another job finds what this one has put into the store: a folder of a GitHub-hosted runner is gone with the job. */
export function outlivesJob(job: Pick<Job, "ephemeral">, store: Pick<ModelStore, "uri">): boolean {
  return !(job.ephemeral && store.uri.startsWith("file:"));
}
