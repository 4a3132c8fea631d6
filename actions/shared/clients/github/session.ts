import { getOctokit } from "@actions/github";
import type { Clock } from "../../ports/clock.ts";
import type { ForgeTexts } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";

export type GitHubAccess = {
  /** `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly texts: ForgeTexts;
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  readonly signal: AbortSignal;
};

/** What each request needs: the client, the repository, and parameters that end it when it takes too long or the step ends. */
export type Session = {
  readonly octokit: ReturnType<typeof getOctokit>;
  readonly where: { readonly owner: string; readonly repo: string };
  readonly token: string;
  readonly texts: ForgeTexts;
  request(): { readonly signal: AbortSignal };
};

const REQUEST_MS = 30_000;

export function openSession({ apiUrl, token, repository, texts, signal }: GitHubAccess): Session {
  const [owner = "", repo = ""] = repository.split("/");
  const silent = () => {};
  const octokit = getOctokit(token, {
    baseUrl: apiUrl,
    userAgent: "ml-release-actions",
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  const request = () => ({ signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]) });
  return { octokit, where: { owner, repo }, token, texts, request };
}
