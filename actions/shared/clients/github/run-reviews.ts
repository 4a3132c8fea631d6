import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { isReleaseError } from "../../lib/error.ts";
import { request } from "../../lib/http.ts";
import type { Log } from "../../ports/log.ts";

export type ReviewedRun = {
  readonly apiUrl: string;
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly runId: string;
  readonly environment: string;
  readonly log: Pick<Log, "info">;
  readonly signal: AbortSignal;
};

const ReviewsSchema = v.array(
  v.object({
    state: v.string(),
    user: v.object({ login: v.string() }),
    environments: v.array(v.object({ name: v.string() })),
  }),
);

/** Who let a workflow run into an environment; nobody where GitHub does not say: no reviewers, or no permission `actions: read`. */
export async function reviewersOf(run: ReviewedRun): Promise<readonly string[]> {
  const { apiUrl, token, repository, runId, environment, log, signal } = run;
  try {
    const answer = await request({
      service: "GitHub",
      url: `${apiUrl}/repos/${repository}/actions/runs/${runId}/approvals`,
      headers: { authorization: `token ${token}`, accept: "application/vnd.github+json" },
      signal,
    });
    const reviews = decode(ReviewsSchema, answer.json(), "GitHub");
    const approving = reviews.filter(
      ({ state, environments }) => state === "approved" && environments.some(({ name }) => name === environment),
    );
    return [...new Set(approving.map(({ user }) => user.login))];
  } catch (error) {
    signal.throwIfAborted();
    if (!isReleaseError(error)) throw error;
    // What they let pass goes on without their names.
    log.info(
      `GitHub did not say who reviewed this run for ${environment} (permission \`actions: read\`): ${error.code}.`,
    );
    return [];
  }
}
