import type { OperationId } from "./operations.ts";

/** Who asks: whose comments these become, and why an operation is refused to it, in GitHub's words. */
export type Token = {
  readonly text: string;
  readonly login: string;
  readonly type: "Bot" | "User";
  /** The app whose check runs it may write; only apps may. */
  readonly app?: string;
  refuses(operation: OperationId): string | undefined;
};

type Permission = "actions: read" | "checks: write" | "deployments: write" | "pull-requests: write";

const NEEDS: Partial<Readonly<Record<OperationId, Permission>>> = {
  "actions/get-reviews-for-run": "actions: read",
  "checks/create": "checks: write",
  "checks/update": "checks: write",
  "repos/create-deployment": "deployments: write",
  "repos/create-deployment-status": "deployments: write",
  "repos/list-deployment-statuses": "deployments: write",
  "repos/list-deployments": "deployments: write",
  "issues/create-comment": "pull-requests: write",
  "issues/update-comment": "pull-requests: write",
};

/** The token of a job with these permissions. */
export function jobToken(text: string, permissions: readonly Permission[]): Token {
  return {
    text,
    login: "github-actions[bot]",
    type: "Bot",
    app: "github-actions",
    refuses(operation) {
      const needed = NEEDS[operation];
      const isRefused =
        operation === "users/get-authenticated" || (needed !== undefined && !permissions.includes(needed));
      return isRefused ? "Resource not accessible by integration" : undefined;
    },
  };
}

/** What a job gets that has the permissions which it needs. */
export const JOB_TOKEN = jobToken("ghs_test", [
  "actions: read",
  "checks: write",
  "deployments: write",
  "pull-requests: write",
]);

/** What a pull request from a fork gets, whatever the workflow asks for. */
export const FORK_TOKEN = jobToken("ghs_fork", []);

/** A person's own token: may comment, may not write check runs. */
export function userToken(text: string, login: string): Token {
  return {
    text,
    login,
    type: "User",
    refuses: (operation) =>
      NEEDS[operation] === "checks: write" ? "You must authenticate via a GitHub App." : undefined,
  };
}
