import { basename } from "node:path";
import { probe } from "../lib/probe.ts";
import type { GitHubFacts } from "../ports/step.ts";
import { childEnvironment } from "./child-environment.ts";

/** Outside of GitHub: the same facts, from the git checkout. A folder that is none has the commit 0. */
export async function factsOfGit(
  workspace: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GitHubFacts> {
  const options = { cwd: workspace, env: childEnvironment(env, []) };
  const git = async (...args: readonly string[]) => (await probe("git", args, options)) ?? "";
  const [origin, sha, tag, branch] = [
    await git("config", "--get", "remote.origin.url"),
    await git("rev-parse", "HEAD"),
    await git("describe", "--tags", "--exact-match", "HEAD"),
    await git("symbolic-ref", "--quiet", "HEAD"),
  ];
  const { host, repository } = parseOrigin(origin) ?? { host: "localhost", repository: `local/${basename(workspace)}` };
  return {
    apiUrl: "",
    serverUrl: `https://${host}`,
    repository,
    eventName: "local",
    event: {},
    sha: sha || "0".repeat(40),
    ref: tag === "" ? branch || "refs/heads/detached" : `refs/tags/${tag}`,
    actor: env.USER || env.LOGNAME || "unknown",
    workflow: "",
    job: "",
    runId: "",
    runAttempt: "1",
  };
}

/** `https://github.com/acme/digits.git`, `git@github.com:acme/digits.git`; undefined for a path. */
export function parseOrigin(url: string): { readonly host: string; readonly repository: string } | undefined {
  const match = /^(?:[a-z+]+:\/\/(?:[^@/]*@)?([\w.-]+)(?::\d+)?\/|(?:[^@/]+@)([\w.-]+):)(.+?)(?:\.git)?\/?$/.exec(url);
  const repository = match?.[3];
  if (repository === undefined || !/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repository)) return undefined;
  return { host: match?.[1] ?? match?.[2] ?? "", repository };
}
