import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { parseJson } from "../domain/parse-json.ts";
import type { Checked, Place } from "../domain/problem.ts";
import type { Release } from "../domain/release.ts";
import {
  checkLinks,
  checkOwner,
  joinReleases,
  PART_NAMES,
  type PartName,
  parseRelease,
  partsOf,
  pickParts,
  withParts,
} from "../domain/release-flow.ts";
import { isReleaseId, isRetraining, newRelease, type ReleaseEvent } from "../domain/release-id.ts";
import { type ErrorCode, ReleaseError } from "../lib/error.ts";
import { readTextFile } from "../lib/read-text.ts";
import { findRelease, findReleaseOfRun } from "../lib/release-store.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { GitHubFacts } from "../ports/step.ts";

/** The record that a step goes on with, and how it came by it. */
export type FoundRelease = {
  readonly release: Release;
  /** The parts that come from this job or from its input: they win over what the store has. */
  readonly own: readonly PartName[];
  /** `id`: only the id is known, the store must have the record. `new`: nothing was there, the id follows from the event. */
  readonly origin: "given" | "id" | "job" | "new";
};

export type ReleaseQuery = {
  readonly github: GitHubFacts;
  /** The `release` input: text, path, id, or undefined. */
  readonly input: string | undefined;
  /** Our folder below the runner's temporary one. */
  readonly folder: string;
  /** Where a relative path starts. */
  readonly from: string;
  readonly nowMs: number;
};

const INPUT: Place = { input: "release" };

/** Far over what a record may take. */
const MAX_BYTES = 1024 * 1024;

/** What can be known without the store: the input, else what earlier steps of this job left, else a new record. */
export async function findReleaseOfJob(query: ReleaseQuery): Promise<FoundRelease> {
  const fresh = unwrap(newRelease(eventOf(query.github), query.nowMs), "CONFIG");
  const left = await readJobRecord(query.folder, fresh);
  if (query.input === undefined) return left ?? { release: fresh, own: [], origin: "new" };
  const given = await readGiven(query.input, query, fresh);
  if (left === undefined || left.release.id !== given.release.id) return given;
  // The input is the same for every step of a job; what the steps before this one have added is newer.
  const release = withParts(given.release, pickParts(left.release, left.own));
  return {
    ...given,
    release: unwrap(checkLinks(release, INPUT), "INTEGRITY"),
    own: [...new Set([...given.own, ...left.own])],
  };
}

/** The same, with what the store knows of this release. Throws `NOT_FOUND` where only an id was given that it does not know. */
export async function completeFromStore(
  found: FoundRelease,
  store: ModelStore | undefined,
  github: GitHubFacts,
): Promise<FoundRelease> {
  const event = eventOf(github);
  if (store === undefined) {
    if (found.origin !== "id") return found;
    throw new ReleaseError("INPUT", {
      rule: "an id is not enough here: this step has no store to find the record in",
      where: INPUT,
      saw: found.release.id,
      hint: "give the record's text: the output `release` of an earlier job",
    });
  }
  const known = found.origin === "new" && isRetraining(event) ? await findReleaseOfRun(store, event.runId) : undefined;
  const id = known ?? found.release.id;
  const stored = await findRelease(store, id);
  if (stored === undefined) {
    if (found.origin !== "id") return found;
    throw new ReleaseError("NOT_FOUND", {
      rule: "the store knows no such release",
      where: INPUT,
      saw: id,
      allowed: `an id below ${store.uri}/releases`,
      hint: "check the id and the store of the job that began the release",
    });
  }
  const place: Place = { file: store.address(`releases/${id}.json`) };
  unwrap(checkOwner(stored, jobOf(found.release, event), place), "INTEGRITY");
  if (found.origin === "id") return { ...found, release: stored };
  const joined = joinReleases({ ...found.release, id }, stored);
  return { ...found, release: unwrap(checkLinks(joined, place), "INTEGRITY") };
}

/** Where the record of this job is kept, for its later steps. */
export function jobRecordPath(folder: string): string {
  return join(folder, "release.json");
}

/** Beside it: the names of the parts that this job's steps have written or were given. */
export function ownPartsPath(folder: string): string {
  return join(folder, "own-parts.json");
}

async function readGiven(text: string, query: ReleaseQuery, fresh: Release): Promise<FoundRelease> {
  if (text.startsWith("{")) return given(parseRelease(text, INPUT), fresh);
  // What cannot be read as a file may be an id: a folder can have its name.
  const content = await readTextFile(resolve(query.from, text), MAX_BYTES).catch(() => undefined);
  if (content !== undefined) return given(parseRelease(content.trim(), { ...INPUT, file: text }), fresh);
  // An id may end so, and never does: it is a file that is not there.
  if (isReleaseId(text) && !text.endsWith(".json")) {
    const release = unwrap(checkOwner({ ...fresh, id: text }, fresh, INPUT), "INPUT");
    return { release, own: [], origin: "id" };
  }
  throw new ReleaseError("INPUT", {
    rule: "is neither a release record, nor the path of one, nor a release id",
    where: INPUT,
    saw: JSON.stringify(text.slice(0, 80)),
    allowed: "JSON text that begins with {; a file; 1 to 96 of A-Z a-z 0-9 . _ @ + -",
    hint: "give the output `release` of an earlier job: needs.<job>.outputs.release",
  });
}

function given(parsed: Checked<Release>, fresh: Release): FoundRelease {
  const release = unwrap(parsed.state === "ok" ? checkOwner(parsed.value, fresh, INPUT) : parsed, "INPUT");
  return { release, own: Object.keys(partsOf(release)) as PartName[], origin: "given" };
}

async function readJobRecord(folder: string, fresh: Release): Promise<FoundRelease | undefined> {
  const path = jobRecordPath(folder);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = parseRelease(text, { file: path });
  const release = unwrap(parsed.state === "ok" ? checkOwner(parsed.value, fresh, { file: path }) : parsed, "INTEGRITY");
  const own = v.safeParse(v.array(v.picklist(PART_NAMES)), await readJson(ownPartsPath(folder)));
  return { release, own: own.success ? own.output : PART_NAMES, origin: "job" };
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => "null");
  return parseJson(text);
}

const PullRequest = v.object({
  pull_request: v.object({ number: v.number(), head: v.object({ sha: v.string() }) }),
});

function eventOf(github: GitHubFacts): ReleaseEvent {
  const pull = v.safeParse(PullRequest, github.event);
  const { pull_request: pullRequest } = pull.success ? pull.output : { pull_request: undefined };
  return {
    ...github,
    ...(pullRequest === undefined
      ? {}
      : { pullRequest: { number: pullRequest.number, headSha: pullRequest.head.sha } }),
  };
}

/** This job's own identity, whichever release it goes on with. */
function jobOf(release: Release, event: ReleaseEvent): Pick<Release, "id" | "source"> {
  const fresh = newRelease(event, 0);
  return fresh.state === "ok" ? fresh.value : release;
}

function unwrap<T>(checked: Checked<T>, code: ErrorCode): T {
  if (checked.state === "ok") return checked.value;
  throw new ReleaseError(code, checked.problems);
}
