import { bad, type Checked, ok } from "./problem.ts";
import { RELEASE_SCHEMA, type Release } from "./release.ts";

/** What is known of the job that begins a release. */
export type ReleaseEvent = {
  readonly repository: string;
  readonly serverUrl: string;
  /** The commit that was checked out. */
  readonly sha: string;
  readonly ref: string;
  readonly eventName: string;
  readonly actor: string;
  readonly runId: string;
  readonly runAttempt: string;
  readonly pullRequest?: { readonly number: number; readonly headSha: string };
};

const ID = /^[A-Za-z0-9._@+-]{1,96}$/;

export function isReleaseId(text: string): boolean {
  return ID.test(text);
}

/** A record with nothing but its id and its source. */
export function newRelease(event: ReleaseEvent, nowMs: number): Checked<Release> {
  const id = releaseIdOf(event, nowMs);
  if (!isReleaseId(id))
    return bad({
      rule: "this tag gives no release id",
      saw: event.ref,
      allowed: "1 to 96 of A-Z a-z 0-9 . _ @ + - (and / or #, which become -)",
      hint: "release from a tag with such a name",
    });
  const tag = tagOf(event.ref);
  return ok({
    schema: RELEASE_SCHEMA,
    id,
    source: {
      repository: event.repository,
      commit: commitOf(event),
      ref: event.ref,
      ...(tag === undefined ? {} : { tag }),
      event: event.eventName,
      actor: event.actor,
      ...(event.runId === ""
        ? {}
        : {
            workflowRun: {
              id: event.runId,
              attempt: event.runAttempt,
              url: `${event.serverUrl}/${event.repository}/actions/runs/${event.runId}`,
            },
          }),
    },
  });
}

/** The tag; `pr-12-<sha12>`; `retrain-20261121T090000Z-<run id>` on a schedule or a dispatch; else `run-<run id>`. */
export function releaseIdOf(event: ReleaseEvent, nowMs: number): string {
  const tag = tagOf(event.ref);
  if (tag !== undefined) return tag.replaceAll(/[/#]/g, "-");
  if (event.pullRequest !== undefined)
    return `pr-${event.pullRequest.number}-${event.pullRequest.headSha.slice(0, 12)}`;
  const run = event.runId === "" ? commitOf(event).slice(0, 12) : event.runId;
  if (!isRetraining(event)) return `run-${run}`;
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `retrain-${time}-${run}`;
}

/** Whether the id holds a time, so that a second job of the same workflow run would find another one by itself. */
export function isRetraining(event: ReleaseEvent): boolean {
  return tagOf(event.ref) === undefined && /^(schedule|workflow_dispatch|repository_dispatch)$/.test(event.eventName);
}

/** The head of a pull request: the merge commit that GitHub checks out changes with every push to the base. */
function commitOf(event: ReleaseEvent): string {
  return event.pullRequest?.headSha ?? event.sha;
}

function tagOf(ref: string): string | undefined {
  return /^refs\/tags\/(.+)$/.exec(ref)?.[1];
}
