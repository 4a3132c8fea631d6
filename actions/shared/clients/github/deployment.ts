import type { DeploymentStatus, Posted } from "../../ports/forge.ts";
import type { Session } from "./session.ts";

/** What GitHub shows of a description. */
const DESCRIPTION_CHARS = 140;
/** Deployments of an environment that are looked through: the newest, whose former success is to end. */
const NEWEST = 30;

/**
 * Adds a status to the deployment of this commit in this environment. A job with `environment:` has made one already, and so has a step
 * that is run again: a second one would show everything twice.
 */
export async function writeDeployment(session: Session, status: DeploymentStatus): Promise<Posted> {
  const found = await newestOf(session, status);
  const id = found ?? (await createDeployment(session, status));
  const url = await addStatus(session, id, status);
  if (status.state === "success") await endFormer(session, status, id);
  return { state: "posted", url, how: found === undefined ? "created" : "updated" };
}

async function newestOf(session: Session, { environment, commit }: DeploymentStatus): Promise<number | undefined> {
  const { octokit, where } = session;
  const { data } = await octokit.rest.repos.listDeployments({
    ...where,
    environment,
    sha: commit,
    per_page: 1,
    request: session.request(),
  });
  return data[0]?.id;
}

async function createDeployment(session: Session, status: DeploymentStatus): Promise<number> {
  const { environment, commit, task, description } = status;
  const { data } = await session.octokit.rest.repos.createDeployment({
    ...session.where,
    // A tag may move; what is deployed is the commit.
    ref: commit,
    environment,
    description: shortened(description),
    payload: { target: task, ...(status.ref === undefined ? {} : { ref: status.ref }) },
    // Its defaults would merge the default branch into the ref, and refuse where a check has not passed.
    auto_merge: false,
    required_contexts: [],
    request: session.request(),
  });
  if ("id" in data) return data.id;
  throw new Error(`GitHub made no deployment: ${data.message ?? "it merged a branch"}`);
}

async function addStatus(session: Session, id: number, status: DeploymentStatus): Promise<string> {
  const { state, description, environment, environmentUrl, logUrl } = status;
  const { data } = await session.octokit.rest.repos.createDeploymentStatus({
    ...session.where,
    deployment_id: id,
    state,
    environment,
    description: shortened(description),
    ...(logUrl === undefined ? {} : { log_url: logUrl }),
    ...(environmentUrl === undefined ? {} : { environment_url: environmentUrl }),
    // Ours to do: of itself GitHub leaves production environments as they are.
    auto_inactive: false,
    request: session.request(),
  });
  return data.url;
}

/** What served before does so no longer. */
async function endFormer(session: Session, { environment, logUrl }: DeploymentStatus, current: number): Promise<void> {
  const { octokit, where } = session;
  const { data: deployments } = await octokit.rest.repos.listDeployments({
    ...where,
    environment,
    per_page: NEWEST,
    request: session.request(),
  });
  for (const { id } of deployments) {
    if (id === current) continue;
    const { data } = await octokit.rest.repos.listDeploymentStatuses({
      ...where,
      deployment_id: id,
      per_page: 1,
      request: session.request(),
    });
    if (data[0]?.state !== "success") continue;
    await octokit.rest.repos.createDeploymentStatus({
      ...where,
      deployment_id: id,
      state: "inactive",
      description: "another version serves",
      ...(logUrl === undefined ? {} : { log_url: logUrl }),
      auto_inactive: false,
      request: session.request(),
    });
  }
}

function shortened(text: string): string {
  return text.length > DESCRIPTION_CHARS ? `${text.slice(0, DESCRIPTION_CHARS - 1)}…` : text;
}
