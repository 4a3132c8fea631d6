import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { expect } from "vitest";
import { folderChanges, folderDigest } from "./folder-digest.ts";
import { type ActionRun, type Result, runAction } from "./run-action.ts";
import { openTrace, type TraceEvent } from "./trace.ts";

/**
 * Runs an action in `mode: plan`, main and post, and fails on whatever outlives the job: a file outside of the runner's temporary folder and the caches, a request that
 * is not a read, a connection that is no HTTP. Answers the result and what was traced, for the test's own assertions.
 */
export async function expectPlanChangesNothing(
  action: string,
  run: ActionRun,
): Promise<Result & { readonly events: readonly TraceEvent[] }> {
  const { job } = run;
  const trace = openTrace();
  try {
    const allowed = allowedPaths(run);
    const before = folderDigest(job.root, allowed);
    const homeBefore = folderDigest(job.userHome, allowed);
    const result = await runAction(action, {
      ...run,
      with: { ...run.with, mode: "plan" },
      env: { ...run.env, ...trace.env },
    });
    const events = trace.read();
    const changed = [
      ...folderChanges(before, folderDigest(job.root, allowed)),
      ...folderChanges(homeBefore, folderDigest(job.userHome, allowed)),
    ];
    const breaches = [...new Set([...changed, ...violations(events, allowed)])];
    if (breaches.length > 0) throw new Error(`the plan did what it may not:\n${breaches.join("\n")}`);
    // A trace that saw nothing would pass everything.
    expect(events.some((event) => event.kind === "write" && allowed(event.path))).toBe(true);
    return { ...result, events };
  } finally {
    trace.remove();
  }
}

/** What a plan may not do: write elsewhere, change anything by a request, speak otherwise than by HTTP. */
function violations(events: readonly TraceEvent[], allowed: (path: string) => boolean): readonly string[] {
  const hosts = new Set(events.flatMap((event) => (event.kind === "request" ? [addressOf(event.url)] : [])));
  return events.flatMap((event) => {
    switch (event.kind) {
      case "write":
        return allowed(event.path) || isGoneAgain(event) ? [] : [`${event.call} ${event.path}`];
      case "request":
        return isRead(event) ? [] : [`${event.method} ${event.url}`];
      case "connection":
        return hosts.has(event.to) ? [] : [`a connection to ${event.to} that is no HTTP`];
      case "program":
        // What it writes is seen by comparing folders.
        return [];
      default:
        return event satisfies never;
    }
  });
}

/** The runner's command files, our folder below its temporary one, caches, devices. */
function allowedPaths({ job, env = {} }: ActionRun): (path: string) => boolean {
  const roots = [
    join(job.temp, "ml-release"),
    join(job.temp, "_runner_file_commands"),
    join(env.XDG_CACHE_HOME ?? join(job.userHome, ".cache"), "ml-release"),
    resolve(import.meta.dirname, "../../node_modules/.cache"),
    "/dev",
  ];
  return (path) => roots.some((root) => path === root || path.startsWith(root + sep));
}

/** A temporary file that was made and removed. What was there before may not even be touched. */
function isGoneAgain({ path, existed }: Extract<TraceEvent, { kind: "write" }>): boolean {
  const isTemporary = path.startsWith(tmpdir() + sep) || !existed;
  return isTemporary && !existsSync(path);
}

/** Reads; and what only looks like a write: token endpoints, access reviews, server-side dry runs. */
function isRead({ method, url }: Extract<TraceEvent, { kind: "request" }>): boolean {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return true;
  const { pathname, searchParams } = new URL(url);
  const isToken = /\/(oauth2?\/)?token$/.test(pathname) || /\/access_tokens$/.test(pathname);
  const isReview = /\/selfsubject(access|rules)reviews$/.test(pathname);
  return method === "POST"
    ? isToken || isReview || searchParams.get("dryRun") === "All"
    : searchParams.get("dryRun") === "All";
}

function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}
