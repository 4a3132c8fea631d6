import type { Operation } from "./description.ts";
import type { Token } from "./tokens.ts";

export type Fields = Record<string, unknown>;

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Asked = {
  readonly url: URL;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
};

export type CheckRun = { readonly app: string; readonly annotations: readonly Fields[]; readonly fields: Fields };
export type Comment = {
  readonly issue: number;
  readonly fields: Fields & { readonly id: number; readonly body: string };
};

/** Somebody's word on the jobs of a workflow run that wait for an environment. */
export type Review = {
  readonly runId: number;
  readonly login: string;
  readonly state: "approved" | "rejected";
  readonly environments: readonly string[];
};

/** What GitHub keeps. Tests read it, and put in what others have written. */
export type GitHubState = {
  readonly checkRuns: Map<number, CheckRun>;
  readonly comments: Map<number, Comment>;
  readonly reviews: Review[];
  readonly deployments: Map<number, Deployment>;
  nextId: number;
};

export function newState(): GitHubState {
  return { checkRuns: new Map(), comments: new Map(), reviews: [], deployments: new Map(), nextId: 101 };
}

export type Question = {
  readonly operation: Operation;
  readonly asked: Asked;
  readonly token: Token;
  readonly state: GitHubState;
};

export type Deployment = {
  readonly fields: Fields & { readonly id: number; readonly environment: string };
  /** Newest first. */
  readonly statuses: readonly Fields[];
};

export const NOT_FOUND: Answer = {
  status: 404,
  body: { message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" },
};

export function paged<T>(
  all: readonly T[],
  { query, url }: Asked,
): { readonly items: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const size = Math.min(100, Number(query.per_page ?? 30));
  const page = Number(query.page ?? 1);
  const next = new URL(url);
  next.searchParams.set("page", String(page + 1));
  const link = page * size < all.length ? { link: `<${next.href}>; rel="next"` } : {};
  return { items: all.slice((page - 1) * size, page * size), headers: link };
}
