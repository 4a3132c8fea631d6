import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What happened, where: the facts that the runner puts into the environment of every step. */
export type RunnerFacts = {
  /** A push of this tag. Default: a push to the branch main. */
  readonly tag?: string;
  readonly branch?: string;
  readonly pullRequest?: { readonly number: number; readonly headSha: string; readonly fork?: boolean };
  readonly eventName?: string;
  readonly event?: Readonly<Record<string, unknown>>;
  readonly repository?: string;
  readonly sha?: string;
  readonly runId?: number;
  readonly runAttempt?: number;
  readonly apiUrl?: string;
  readonly serverUrl?: string;
  /** A GitHub-hosted runner: everything is gone with the job. */
  readonly hosted?: boolean;
  readonly debug?: boolean;
};

/** The folders of a job; `root` holds the event's payload and the tools. */
export type JobFolders = {
  readonly root: string;
  readonly workspace: string;
  readonly temp: string;
  readonly userHome: string;
};

/** The environment of every step of a job: nothing is taken over from the developer's own but PATH. */
export function runnerEnvironment(facts: RunnerFacts, folders: JobFolders) {
  const repository = facts.repository ?? "acme/digits";
  return { HOME: folders.userHome, ...githubEnv(facts, repository), ...folderEnv(folders, facts) };
}

function folderEnv(at: JobFolders, options: RunnerFacts) {
  const event = join(at.root, "event.json");
  writeFileSync(event, JSON.stringify({ ...pullRequestEvent(options), ...options.event }));
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    LANG: "C.UTF-8",
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_EVENT_PATH: event,
    GITHUB_WORKSPACE: at.workspace,
    RUNNER_TEMP: at.temp,
    RUNNER_TOOL_CACHE: join(at.root, "tool"),
    RUNNER_OS: process.platform === "darwin" ? "macOS" : "Linux",
    RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
    RUNNER_NAME: "harness",
    RUNNER_ENVIRONMENT: options.hosted ? "github-hosted" : "self-hosted",
    RUNNER_TRACKING_ID: "github_harness",
    ...(options.debug ? { RUNNER_DEBUG: "1" } : {}),
  };
}

function githubEnv(options: RunnerFacts, repository: string) {
  const apiUrl = options.apiUrl ?? "http://127.0.0.1:9";
  const ref = refOf(options);
  const sha = options.sha ?? "a".repeat(40);
  return {
    GITHUB_EVENT_NAME: options.eventName ?? (options.pullRequest ? "pull_request" : "push"),
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_OWNER: repository.split("/")[0] ?? "",
    GITHUB_REPOSITORY_ID: "1",
    GITHUB_SHA: sha,
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.split("/").slice(2).join("/"),
    GITHUB_REF_TYPE: options.tag === undefined ? "branch" : "tag",
    GITHUB_WORKFLOW: "release",
    GITHUB_WORKFLOW_REF: `${repository}/.github/workflows/release.yml@${ref}`,
    GITHUB_WORKFLOW_SHA: sha,
    GITHUB_JOB: "release",
    GITHUB_ACTION: "__acme_actions",
    GITHUB_ACTOR: "octocat",
    GITHUB_TRIGGERING_ACTOR: "octocat",
    GITHUB_RUN_ID: String(options.runId ?? 812),
    GITHUB_RUN_NUMBER: "12",
    GITHUB_RUN_ATTEMPT: String(options.runAttempt ?? 1),
    GITHUB_API_URL: apiUrl,
    GITHUB_GRAPHQL_URL: `${apiUrl}/graphql`,
    GITHUB_SERVER_URL: options.serverUrl ?? "https://github.com",
    ...(options.pullRequest ? { GITHUB_HEAD_REF: "feature", GITHUB_BASE_REF: "main" } : {}),
  };
}

function refOf({ tag, pullRequest, branch }: RunnerFacts): string {
  if (tag !== undefined) return `refs/tags/${tag}`;
  return pullRequest === undefined ? `refs/heads/${branch ?? "main"}` : `refs/pull/${pullRequest.number}/merge`;
}

function pullRequestEvent({ pullRequest, repository = "acme/digits" }: RunnerFacts) {
  if (pullRequest === undefined) return {};
  const { number, headSha, fork } = pullRequest;
  const full = { full_name: fork ? "somebody/digits" : repository, fork: fork === true };
  const head = { sha: headSha, ref: "feature", repo: full };
  const base = { sha: "b".repeat(40), ref: "main", repo: { full_name: repository, fork: false } };
  return { action: "synchronize", number, pull_request: { number, head, base }, repository: { full_name: repository } };
}
