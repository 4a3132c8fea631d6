/** What we use of GitHub's REST API, by GitHub's own names; the description is cut to these, and the fake answers these. */
export const OPERATIONS = [
  "actions/get-reviews-for-run",
  "checks/create",
  "checks/list-annotations",
  "checks/list-for-ref",
  "checks/update",
  "issues/create-comment",
  "issues/list-comments",
  "issues/update-comment",
  "repos/create-deployment",
  "repos/create-deployment-status",
  "repos/list-deployment-statuses",
  "repos/list-deployments",
  "users/get-authenticated",
] as const;

export type OperationId = (typeof OPERATIONS)[number];
