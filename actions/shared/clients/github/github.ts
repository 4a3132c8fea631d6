import { formatDuration } from "../../domain/quantity.ts";
import type { Forge, Posted } from "../../ports/forge.ts";
import { writeCheck } from "./check.ts";
import { writeComment } from "./comment.ts";
import { writeDeployment } from "./deployment.ts";
import { type Failure, failureOf } from "./failure.ts";
import { type GitHubAccess, openSession } from "./session.ts";

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 1_000;
/** A limit that holds for longer is not waited for: what was to be posted is in the summary too. */
const LONGEST_WAIT_MS = 120_000;

/** GitHub and GitHub Enterprise Server, with the token of a job, an app or a person. */
export function githubForge(access: GitHubAccess): Forge {
  const session = openSession(access);
  return {
    name: "GitHub",
    check: (check) => persistently(access, () => writeCheck(session, check)),
    comment: (comment) => persistently(access, () => writeComment(session, comment)),
    deployment: (status) => persistently(access, () => writeDeployment(session, status)),
  };
}

/**
 * Looks and writes, again from the look where it failed in passing: an answer may have been lost after the deed was done, so a write
 * is never simply repeated.
 */
async function persistently({ clock, log, signal }: GitHubAccess, act: () => Promise<Posted>): Promise<Posted> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      const failure = failureIn(error, clock.now());
      if (failure === undefined) throw error;
      if (failure.kind === "denied") return { state: "denied", reason: failure.reason };
      const waitMs = failure.kind === "passing" ? (failure.waitMs ?? FIRST_WAIT_MS * 2 ** (attempt - 1)) : 0;
      const isLast = attempt >= ATTEMPTS || waitMs > LONGEST_WAIT_MS || failure.kind === "other";
      if (isLast || (failure.kind === "gone" && attempt > 1)) return { state: "failed", reason: failure.reason };
      log.info(`GitHub answered ${failure.reason}: trying again in ${formatDuration(waitMs)}.`);
      await clock.sleep(waitMs, signal);
    }
  }
}

/** Octokit's errors have a status; one of the network has 500 and no response. Undefined: a fault of ours. */
function failureIn(error: unknown, nowMs: number): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "TimeoutError") return { kind: "passing", reason: "no answer in time" };
  if (!("status" in error) || typeof error.status !== "number") return undefined;
  const response =
    "response" in error ? (error.response as { headers?: Record<string, string>; data?: unknown }) : undefined;
  return failureOf(
    { status: error.status, message: messageOf(error, response?.data), headers: response?.headers ?? {} },
    nowMs,
  );
}

/** GitHub's own sentence; Octokit puts addresses and lists of errors behind it. */
function messageOf(error: Error, data: unknown): string {
  const own = typeof data === "object" && data !== null && "message" in data ? String(data.message) : error.message;
  return own.split("\n")[0]?.slice(0, 300) ?? "";
}
