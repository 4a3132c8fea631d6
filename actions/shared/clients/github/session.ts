import type { getOctokit } from "@actions/github";
import type { ForgeTexts } from "../../ports/forge.ts";

/** What each request needs: the client, the repository, and parameters that end it when it takes too long or the step ends. */
export type Session = {
  readonly octokit: ReturnType<typeof getOctokit>;
  readonly where: { readonly owner: string; readonly repo: string };
  readonly token: string;
  readonly texts: ForgeTexts;
  request(): { readonly signal: AbortSignal };
};
