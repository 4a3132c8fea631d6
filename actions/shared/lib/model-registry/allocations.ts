import type { Digest } from "../../domain/digest.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import { type Allocation, AllocationSchema, nextVersion, type VersionScheme } from "../../domain/version-scheme.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { checkName, decodeRecord, namesBelow, toBytes } from "./entry.ts";
import { findVersion, listVersions } from "./versions.ts";

export type Allocating = {
  readonly name: string;
  readonly release: string;
  readonly digest: Digest;
  readonly scheme: VersionScheme;
  readonly nowMs: number;
};

export type Allocated = { readonly state: "created" | "existed"; readonly record: VersionRecord };

/** Tries to register under a version; `existed`, with the record that is there, where it is taken. */
export type Attempt = (version: string) => Promise<Allocated>;

/** The versions that a release was given, by the digest of the model. */
export async function findAllocations(
  store: ModelStore,
  { name, release }: Pick<Allocating, "name" | "release">,
): Promise<readonly Allocation[]> {
  const found: Allocation[] = [];
  for (const hex of await namesBelow(store, folderOf(name, release))) {
    const allocation = await findAllocation(store, `${folderOf(name, release)}${hex}.json`);
    if (allocation !== undefined) found.push(allocation);
  }
  return found;
}

/** The version that a release has for a model with this digest; undefined where it was never registered. */
export async function findAllocated(
  store: ModelStore,
  { name, release, digest }: Pick<Allocating, "name" | "release" | "digest">,
): Promise<VersionRecord | undefined> {
  const allocation = await findAllocation(store, keyOf({ name, release, digest }));
  if (allocation === undefined) return undefined;
  const record = await findVersion(store, name, allocation.version);
  return record !== undefined && isOurs(record, { release, digest }) ? record : undefined;
}

/** The version that `allocateVersion` would try first. */
export async function foreseeVersion(store: ModelStore, allocating: Allocating): Promise<string> {
  const allocation = await findAllocation(store, keyOf(allocating));
  return allocation?.version ?? (await nextFree(store, allocating, []));
}

/** So many others may be first before something else must be wrong. */
const ATTEMPTS = 1_000;

/**
 * Registers under the next version that is free; creating its record is what takes it. Which version is tried is written down before, by
 * release and digest: attempts of one release agree on it, so that however many of them race or die, one model of one release gets one
 * version, and two get two.
 */
export async function allocateVersion(store: ModelStore, allocating: Allocating, attempt: Attempt): Promise<Allocated> {
  const { scheme, release, digest } = allocating;
  const key = keyOf(allocating);
  const lost: string[] = [];
  for (let tried = 0; tried < ATTEMPTS; tried++) {
    const agreed = await agree(store, key, { allocating, lost });
    const allocated = await attempt(agreed.version);
    if (allocated.state === "created" || isOurs(allocated.record, { release, digest })) return allocated;
    if (scheme === "digest" && allocated.record.digest === digest) return allocated;
    lost.push(agreed.version);
  }
  throw new ReleaseError("CONFLICT", {
    rule: "no free version could be had",
    where: { input: "version" },
    saw: `${ATTEMPTS} times somebody else was first`,
    hint: "run one release of a model at a time (concurrency group)",
  });
}

type Agreement = { readonly allocating: Allocating; readonly lost: readonly string[] };

/** What is written down, if it was not lost to somebody else already; else the next free version, once that is written down. */
async function agree(store: ModelStore, key: string, { allocating, lost }: Agreement): Promise<Allocation> {
  for (;;) {
    const entry = await store.read(key);
    const current = entry && decodeRecord(AllocationSchema, entry, key);
    if (current !== undefined && !lost.includes(current.version)) return current;
    const { digest, release } = allocating;
    const next: Allocation = { schema: 1, version: await nextFree(store, allocating, lost), digest, release };
    const written =
      entry === undefined
        ? await store.create(key, toBytes(next))
        : await store.replace(key, entry.etag, toBytes(next));
    if (written.state === "created" || written.state === "replaced") return next;
  }
}

/** Between two listings so many versions are tried one after the other: who lost one to a race finds the next free one close by. */
const STEPS = 8;

/** A digest's own version is not looked for among those that are there: it may be this model's. */
async function nextFree(
  store: ModelStore,
  { name, digest, scheme, nowMs }: Allocating,
  lost: readonly string[],
): Promise<string> {
  const isListed = scheme !== "digest" && lost.length % STEPS === 0;
  const there = isListed ? await listVersions(store, name) : [];
  return nextVersion(scheme, { digest, nowMs, taken: [...there, ...lost] });
}

async function findAllocation(store: ModelStore, key: string): Promise<Allocation | undefined> {
  const entry = await store.read(key);
  return entry && decodeRecord(AllocationSchema, entry, key);
}

function isOurs(record: VersionRecord, { release, digest }: Pick<Allocating, "release" | "digest">): boolean {
  return record.release === release && record.digest === digest;
}

const folderOf = (name: string, release: string) => `${checkName(name)}/allocations/${release}/`;

const keyOf = ({ name, release, digest }: Pick<Allocating, "name" | "release" | "digest">) =>
  `${folderOf(name, release)}${digest.slice("sha256:".length)}.json`;
