import { readFileSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { hexOf } from "../domain/digest.ts";
import { ReleaseError } from "../lib/error.ts";
import { isInside } from "../lib/is-inside.ts";
import type { GitHubFacts, Job } from "../ports/step.ts";
import { childEnvironment } from "./child-environment.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folders and facts that are known before any input is read. */
export type Place = {
  readonly onGitHub: boolean;
  readonly workspace: string;
  readonly temp: string;
  readonly github: GitHubFacts;
};

export async function readPlace(env: Environment): Promise<Place> {
  const onGitHub = env.GITHUB_ACTIONS === "true";
  const workspace = resolve(env.GITHUB_WORKSPACE || ".");
  const github = onGitHub ? factsOfGitHub(env) : await (await import("./git-facts.ts")).factsOfGit(workspace, env);
  const temp = resolve(env.RUNNER_TEMP || (await folderByHand(workspace, github)));
  return { onGitHub, workspace, temp, github };
}

/** Where there is no runner, steps by hand on one commit of one workspace are one job: the record of another is not theirs. */
async function folderByHand(workspace: string, { ref, sha }: GitHubFacts): Promise<string> {
  const { sha256 } = await import("../lib/hash.ts");
  const name = hexOf(sha256([workspace, ref, sha].join("\n")), 16);
  return join(tmpdir(), `ml-release-${process.getuid?.() ?? 0}`, name);
}

/** What the release, the inputs and the process add to the place. */
export type JobParts = {
  readonly action: string;
  readonly releaseId: string;
  /** A plan writes nothing outside of the runner's temporary folder. */
  readonly isPlan: boolean;
  readonly secrets: readonly string[];
  readonly actionPath: string;
};

/** Makes no folder: whoever writes into one does. */
export async function describeJob(place: Place, env: Environment, parts: JobParts): Promise<Job> {
  const home = await homeFolder(place, env);
  const root = parts.isPlan ? ownFolder(place) : home;
  const reports = join(root, "reports", parts.action, parts.releaseId);
  return {
    workspace: await realpath(place.workspace),
    temp: place.temp,
    home,
    cache: join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "ml-release"),
    reports,
    actionPath: parts.actionPath,
    ephemeral: env.RUNNER_ENVIRONMENT === "github-hosted",
    github: place.github,
    childEnv: childEnvironment(env, parts.secrets),
    envOf: envOf(env),
  };
}

/** Answers variables of the environment; those that are not set are left out. */
export function envOf(env: Environment): Job["envOf"] {
  return (names) =>
    Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name] ?? ""]])));
}

/** Our folder below the runner's temporary one: gone with the job. */
export function ownFolder(place: Pick<Place, "temp">): string {
  return join(place.temp, "ml-release");
}

/** Where the embedded defaults keep their folders; one for each repository, so that two on a machine do not meet. */
async function homeFolder({ workspace, github }: Place, env: Environment): Promise<string> {
  const share = env.XDG_DATA_HOME || join(env.HOME || homedir(), ".local", "share");
  const home = resolve(
    env.ML_RELEASE_HOME || join(share, "ml-release", new URL(github.serverUrl).host, github.repository),
  );
  const real = await realpath(home).catch(() => home);
  if (!isInside(await realpath(workspace), real)) return home;
  throw new ReleaseError("CONFIG", {
    rule: "ML_RELEASE_HOME must not lie inside of the workspace, which the next checkout wipes",
    saw: home,
    hint: "set ML_RELEASE_HOME to a folder elsewhere on the machine",
  });
}

function factsOfGitHub(env: Environment): GitHubFacts {
  const read = (name: string) => env[`GITHUB_${name}`] ?? "";
  const repository = read("REPOSITORY");
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository) || repository.split("/").some((name) => /^\.+$/.test(name)))
    throw new ReleaseError("CONFIG", {
      rule: "GITHUB_REPOSITORY must be owner/name",
      saw: JSON.stringify(repository),
      hint: "the runner sets it; do not overwrite it",
    });
  return {
    apiUrl: read("API_URL") || "https://api.github.com",
    serverUrl: read("SERVER_URL") || "https://github.com",
    repository,
    eventName: read("EVENT_NAME"),
    event: readEvent(read("EVENT_PATH")),
    sha: read("SHA"),
    ref: read("REF"),
    actor: read("ACTOR"),
    workflow: read("WORKFLOW"),
    job: read("JOB"),
    runId: read("RUN_ID"),
    runAttempt: read("RUN_ATTEMPT") || "1",
  };
}

function readEvent(path: string): unknown {
  if (path === "") return {};
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ReleaseError(
      "PROTOCOL",
      { rule: "the event's payload could not be read", where: { file: path }, saw: String(error) },
      error,
    );
  }
}
