import { ReleaseError } from "../lib/error.ts";
import type { Step } from "../ports/step.ts";

/** Who let this job into an environment; empty where GitHub does not say. */
export async function reviewersOfJob(
  { inputs, job, log, signal }: Step<{ readonly "github-token": string }>,
  environment: string,
): Promise<readonly string[]> {
  const token = inputs["github-token"];
  if (token === "") return [];
  const { reviewersOf } = await import("../clients/github/run-reviews.ts");
  const { apiUrl, repository, runId } = job.github;
  return await reviewersOf({ apiUrl, token, repository, runId, environment, log, signal });
}

/**
 * The GitHub environment that this job runs in, by GitHub's own word; undefined where it runs in none, or may not ask. No variable of a job
 * tells it: the token that says who the job is does (permission `id-token: write`).
 */
export async function environmentOfJob({
  job,
  mask,
  signal,
}: Pick<Step<unknown>, "job" | "mask" | "signal">): Promise<string | undefined> {
  const { ID_TOKEN_VARIABLES, jobOfToken, requestIdToken } = await import("../clients/github/id-token.ts");
  const env = job.envOf(ID_TOKEN_VARIABLES);
  const token = await requestIdToken({ env, audience: "ml-release-actions", mask, signal });
  if (token === undefined) return undefined;
  const { repository, runId, environment } = jobOfToken(token);
  const { github } = job;
  if (repository === github.repository && runId === github.runId) return environment;
  throw new ReleaseError("PROTOCOL", {
    rule: "GitHub's id token must be about this job",
    saw: `${repository}, run ${runId}`,
    allowed: `${github.repository}, run ${github.runId}`,
    hint: "the runner sets ACTIONS_ID_TOKEN_REQUEST_URL; do not overwrite it",
  });
}
