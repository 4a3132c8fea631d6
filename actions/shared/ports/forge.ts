import type { CheckText } from "../domain/check-text.ts";
import type { Report } from "../domain/report.ts";

/** What a report is to a required check: `action-required` where it could not be judged, `in-progress` where that is still to come. */
export type CheckConclusion = "success" | "neutral" | "failure" | "action-required" | "in-progress";

/** One result on one commit, known by its name: writing it again changes it. */
export type Check = {
  readonly name: string;
  readonly commit: string;
  /** What was judged: a run's id. */
  readonly subject: string;
  readonly conclusion: CheckConclusion;
  readonly report: Report;
  /** Where the whole story is: the run, else the job. */
  readonly detailsUrl?: string;
};

/** One comment on a pull request, known by its name: writing it again changes it. */
export type StickyComment = {
  readonly name: string;
  readonly pullRequest: number;
  readonly report: Report;
};

/** Where a release stands in an environment. A success makes what was there before `inactive`. */
export type DeploymentStatus = {
  readonly environment: string;
  readonly commit: string;
  /** The tag, where there is one; else the commit is what is deployed. */
  readonly ref?: string;
  /** What is changed: a target. */
  readonly task: string;
  readonly state: "in_progress" | "success" | "failure";
  readonly description: string;
  readonly logUrl?: string;
  readonly environmentUrl?: string;
};

/** What was found and done before, or why not: posting never decides over a release, so that none of this is an exception. */
export type Posted =
  | { readonly state: "posted"; readonly url: string; readonly how: "created" | "updated" }
  /** The token may not. */
  | { readonly state: "denied"; readonly reason: string }
  | { readonly state: "failed"; readonly reason: string };

/** Where people read about a release. Implementations: GitHub; a folder of files. */
export interface Forge {
  /** What people call it, for the log: `GitHub`. */
  readonly name: string;
  check(check: Check): Promise<Posted>;
  comment(comment: StickyComment): Promise<Posted>;
  /** Adds a status to the deployment of this commit in this environment; makes one where neither this job nor an earlier one did. */
  deployment(status: DeploymentStatus): Promise<Posted>;
}

/** A report as the texts that a forge shows, within its limits. */
export interface ForgeTexts {
  check(report: Report): CheckText;
  /** The body of a comment, which starts with the marker. */
  comment(report: Report, marker: string): string;
  /** By which a comment of this name is found again. */
  marker(name: string): string;
}
