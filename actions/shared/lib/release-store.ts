import type { Release, ReleaseParts } from "../domain/release.ts";
import { checkLinks, formatRelease, parseRelease, withParts } from "../domain/release-flow.ts";
import type { ModelStore } from "../ports/model-store.ts";
import { ReleaseError } from "./error.ts";

/** How often a lost race is tried again: parts have one writer each, so that even two are rare. */
const ATTEMPTS = 20;

export function releaseKey(id: string): string {
  return `releases/${id}.json`;
}

/** The record that the store keeps of a release. Throws `INTEGRITY` where it cannot be read or contradicts itself. */
export async function findRelease(store: ModelStore, id: string): Promise<Release | undefined> {
  return (await readRecord(store, id))?.release;
}

/** The id of the release that a workflow run began: `retrain-<time>-<run id>` holds a time that a second job does not know. */
export async function findReleaseOfRun(store: ModelStore, runId: string): Promise<string | undefined> {
  const name = new RegExp(`^releases/(retrain-[0-9TZ]+-${runId})\\.json$`);
  for await (const { key } of store.list("releases/")) {
    const id = name.exec(key)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

/**
 * Puts these parts into the store's record of the release, which is made from `release` where there is none. Parts that others have written
 * meanwhile are kept: create, or compare-and-swap, until it holds. Answers what the store has now.
 */
export async function saveRelease(store: ModelStore, release: Release, parts: ReleaseParts): Promise<Release> {
  const key = releaseKey(release.id);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const known = await readRecord(store, release.id);
    const next = known === undefined ? withParts(release, parts) : withParts(known.release, parts);
    const body = new TextEncoder().encode(textOf(next, store.uri));
    const written = known === undefined ? await store.create(key, body) : await store.replace(key, known.etag, body);
    if (written.state === "created" || written.state === "replaced") return next;
  }
  throw new ReleaseError("CONFLICT", {
    rule: "the release record could not be replaced",
    where: { file: store.address(key) },
    saw: `${ATTEMPTS} times somebody else was first`,
    hint: "run one job of a release at a time (concurrency group)",
  });
}

async function readRecord(store: ModelStore, id: string): Promise<{ release: Release; etag: string } | undefined> {
  const entry = await store.read(releaseKey(id));
  if (entry === undefined) return undefined;
  const parsed = parseRelease(new TextDecoder().decode(entry.bytes), { file: store.address(releaseKey(id)) });
  if (parsed.state === "bad") throw new ReleaseError("INTEGRITY", parsed.problems);
  return { release: parsed.value, etag: entry.etag };
}

function textOf(release: Release, uri: string): string {
  const checked = checkLinks(release, { file: uri });
  if (checked.state === "bad") throw new ReleaseError("INTEGRITY", checked.problems);
  const text = formatRelease(release);
  if (text.state === "bad") throw new ReleaseError("REFUSED", text.problems);
  return text.value;
}
