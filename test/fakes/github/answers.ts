import { createDeployment, createDeploymentStatus, listDeploymentStatuses, listDeployments } from "./deployments.ts";
import { type Answer, type Fields, type GitHubState, NOT_FOUND, paged, type Question } from "./state.ts";

export function answerOf(question: Question): Answer {
  switch (question.operation.id) {
    case "actions/get-reviews-for-run":
      return listReviews(question);
    case "checks/create":
      return createCheck(question);
    case "checks/update":
      return updateCheck(question);
    case "checks/list-for-ref":
      return listChecks(question);
    case "checks/list-annotations":
      return listAnnotations(question);
    case "issues/create-comment":
      return createComment(question);
    case "issues/update-comment":
      return updateComment(question);
    case "issues/list-comments":
      return listComments(question);
    case "repos/create-deployment":
      return createDeployment(question);
    case "repos/create-deployment-status":
      return createDeploymentStatus(question);
    case "repos/list-deployment-statuses":
      return listDeploymentStatuses(question);
    case "repos/list-deployments":
      return listDeployments(question);
    case "users/get-authenticated":
      return { status: 200, body: { ...question.operation.example(200), login: question.token.login } };
  }
}

const CHECK_FIELDS = [
  "name",
  "head_sha",
  "external_id",
  "details_url",
  "status",
  "conclusion",
  "started_at",
  "completed_at",
];

function createCheck({ operation, asked, token, state }: Question): Answer {
  const id = state.nextId++;
  const example = operation.example(201);
  const fields: Fields = {
    ...example,
    id,
    html_url: `https://github.com/${asked.parameters.owner}/${asked.parameters.repo}/runs/${id}`,
    external_id: "",
    details_url: null,
    conclusion: null,
    completed_at: null,
    status: "queued",
    app: { ...(example.app as Fields), slug: token.app },
  };
  const empty = {
    title: null,
    summary: null,
    text: null,
    annotations_count: 0,
    annotations_url: "https://api.github.com/annotations",
  };
  state.checkRuns.set(id, { app: token.app ?? "", annotations: [], fields: { ...fields, output: empty } });
  return { status: 201, body: changeCheck(state, id, asked.body as Fields) };
}

function updateCheck({ asked, token, state }: Question): Answer {
  const id = Number(asked.parameters.check_run_id);
  const check = state.checkRuns.get(id);
  if (check === undefined) return NOT_FOUND;
  if (check.app !== token.app)
    return {
      status: 403,
      body: {
        message: "Invalid app_id `15368` - check run can only be modified by the GitHub App that created it.",
        documentation_url: "",
      },
    };
  return { status: 200, body: changeCheck(state, id, asked.body as Fields) };
}

/** Annotations of each request are appended; there is no way to take one back. */
function changeCheck(state: GitHubState, id: number, body: Fields): Fields {
  const before = state.checkRuns.get(id);
  if (before === undefined) throw new Error(`no check run ${id}`);
  const { annotations = [], ...output } = (body.output ?? {}) as Fields & { readonly annotations?: readonly Fields[] };
  const all = [...before.annotations, ...annotations];
  const changed = Object.fromEntries(CHECK_FIELDS.filter((key) => key in body).map((key) => [key, body[key]]));
  const completed = body.conclusion === undefined ? {} : { status: "completed", completed_at: "2026-11-21T09:00:00Z" };
  const fields: Fields = {
    ...before.fields,
    ...completed,
    ...changed,
    output: { ...(before.fields.output as Fields), ...output, annotations_count: all.length },
  };
  state.checkRuns.set(id, { app: before.app, annotations: all, fields });
  return fields;
}

function listChecks({ asked, state }: Question): Answer {
  const wanted = [...state.checkRuns.values()]
    .map((check) => check.fields)
    .filter((check) => check.head_sha === asked.parameters.ref)
    .filter((check) => asked.query.check_name === undefined || check.name === asked.query.check_name);
  const page = paged(wanted, asked);
  return { status: 200, headers: page.headers, body: { total_count: wanted.length, check_runs: page.items } };
}

function listAnnotations({ operation, asked, state }: Question): Answer {
  const check = state.checkRuns.get(Number(asked.parameters.check_run_id));
  if (check === undefined) return NOT_FOUND;
  const whole = check.annotations.map((one) => ({
    ...operation.example(200),
    start_column: null,
    end_column: null,
    title: null,
    raw_details: null,
    ...one,
  }));
  const page = paged(whole, asked);
  return { status: 200, headers: page.headers, body: page.items };
}

function createComment({ operation, asked, token, state }: Question): Answer {
  const id = state.nextId++;
  const issue = Number(asked.parameters.issue_number);
  const { owner, repo } = asked.parameters;
  const example = operation.example(201);
  const fields = {
    ...example,
    id,
    body: String((asked.body as Fields).body),
    html_url: `https://github.com/${owner}/${repo}/pull/${issue}#issuecomment-${id}`,
    user: { ...(example.user as Fields), login: token.login, type: token.type },
  };
  state.comments.set(id, { issue, fields });
  return { status: 201, body: fields };
}

function updateComment({ asked, state }: Question): Answer {
  const comment = state.comments.get(Number(asked.parameters.comment_id));
  if (comment === undefined) return NOT_FOUND;
  const fields = { ...comment.fields, body: String((asked.body as Fields).body) };
  state.comments.set(fields.id, { issue: comment.issue, fields });
  return { status: 200, body: fields };
}

function listComments({ asked, state }: Question): Answer {
  const issue = Number(asked.parameters.issue_number);
  const page = paged(
    [...state.comments.values()].filter((one) => one.issue === issue).map((one) => one.fields),
    asked,
  );
  return { status: 200, headers: page.headers, body: page.items };
}

/** The example is the first of a list. */
function listReviews({ operation, asked, state }: Question): Answer {
  const example = operation.example(200);
  const [environment] = example.environments as readonly Fields[];
  const reviews = state.reviews.filter(({ runId }) => String(runId) === asked.parameters.run_id);
  const body = reviews.map(({ login, state: word, environments }) => ({
    ...example,
    state: word,
    user: { ...(example.user as Fields), login },
    environments: environments.map((name) => ({ ...environment, name })),
  }));
  return { status: 200, body };
}
