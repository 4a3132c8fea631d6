import { type Answer, type Deployment, type Fields, NOT_FOUND, paged, type Question } from "./state.ts";

/** What GitHub does unless it is told not to: it merges the default branch into the ref, and refuses where a check is missing. */
export function createDeployment({ operation, asked, state }: Question): Answer {
  const body = asked.body as Fields;
  if (body.auto_merge !== false)
    return { status: 202, body: { message: `Auto-merged main into ${body.ref} on deployment.` } };
  if (!Array.isArray(body.required_contexts) || body.required_contexts.length > 0)
    return { status: 409, body: { message: `Conflict: Commit status checks failed for ${body.ref}.` } };
  const environment = String(body.environment ?? "production");
  const id = state.nextId++;
  const fields = {
    ...operation.example(201),
    id,
    sha: body.ref,
    ref: body.ref,
    task: body.task ?? "deploy",
    environment,
    original_environment: environment,
    description: body.description ?? null,
    payload: body.payload ?? {},
    transient_environment: body.transient_environment ?? false,
    production_environment: body.production_environment ?? environment === "production",
  };
  state.deployments.set(id, { fields, statuses: [] });
  return { status: 201, body: fields };
}

export function listDeployments({ asked, state }: Question): Answer {
  const { sha, ref, task, environment } = asked.query;
  const wanted = { sha, ref, task, environment };
  const found = [...state.deployments.values()]
    .map(({ fields }) => fields)
    .filter((fields: Fields) =>
      Object.entries(wanted).every(([key, value]) => value === undefined || fields[key] === value),
    )
    .sort((a, b) => b.id - a.id);
  const page = paged(found, asked);
  return { status: 200, headers: page.headers, body: page.items };
}

export function listDeploymentStatuses({ asked, state }: Question): Answer {
  const deployment = state.deployments.get(Number(asked.parameters.deployment_id));
  if (deployment === undefined) return NOT_FOUND;
  const page = paged(deployment.statuses, asked);
  return { status: 200, headers: page.headers, body: page.items };
}

/** Those that were not given are not there. */
const LINKS: readonly string[] = ["log_url", "environment_url"];

export function createDeploymentStatus({ operation, asked, state, token }: Question): Answer {
  const deployment = state.deployments.get(Number(asked.parameters.deployment_id));
  if (deployment === undefined) return NOT_FOUND;
  const body = asked.body as Fields;
  const id = state.nextId++;
  const { owner, repo, deployment_id } = asked.parameters;
  const example: Fields = Object.fromEntries(
    Object.entries(operation.example(201)).filter(([name]) => !LINKS.includes(name)),
  );
  const fields: Fields = {
    ...example,
    id,
    url: `https://api.github.com/repos/${owner}/${repo}/deployments/${deployment_id}/statuses/${id}`,
    state: body.state,
    description: body.description ?? "",
    target_url: body.target_url ?? body.log_url ?? example.target_url,
    environment: body.environment ?? deployment.fields.environment,
    ...Object.fromEntries(LINKS.map((name) => [name, body[name]]).filter(([, link]) => link !== undefined)),
    creator: { ...(example.creator as Fields), login: token.login },
  };
  add(deployment, fields, state);
  if (body.state === "success" && body.auto_inactive !== false) endOthers(deployment, fields, state);
  return { status: 201, body: fields };
}

function add(deployment: Deployment, status: Fields, { deployments }: Question["state"]): void {
  deployments.set(deployment.fields.id, { ...deployment, statuses: [status, ...deployment.statuses] });
}

/** Neither what is transient nor what is production. */
function endOthers({ fields: current }: Deployment, status: Fields, state: Question["state"]): void {
  for (const deployment of state.deployments.values()) {
    const { id, environment, transient_environment, production_environment } = deployment.fields as Fields & {
      readonly id: number;
    };
    const isOther = id !== current.id && environment === current.environment;
    if (isOther && !transient_environment && !production_environment)
      add(deployment, { ...status, id: state.nextId++, state: "inactive" }, state);
  }
}
