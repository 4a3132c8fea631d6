import { type Digest, hexOf } from "../../domain/digest.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import { type Allocation, AllocationSchema, nextVersion, type VersionScheme } from "../../domain/version-scheme.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { sha256 } from "../hash.ts";
import { checkName, decodeRecord, namesBelow, toBytes } from "./entry.ts";
import { findVersion, listVersions } from "./versions.ts";

export type Allocating = {
  readonly name: string;
  readonly release: string;
  readonly digest: Digest;
  readonly scheme: VersionScheme;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
};

type Identity = Pick<Allocating, "name" | "release" | "digest">;
type Wanted = Identity & Pick<Allocating, "scheme">;

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
export async function findAllocated(store: ModelStore, wanted: Wanted): Promise<VersionRecord | undefined> {
  for (let number = 1; ; number++) {
    const allocation = await findAllocation(store, keyOf(wanted, number));
    if (allocation === undefined) return undefined;
    const record = await findVersion(store, wanted.name, allocation.version);
    if (record !== undefined && isOurs(record, wanted)) return record;
  }
}

/** The version that `allocateVersion` would try first. */
export async function foreseeVersion(store: ModelStore, allocating: Allocating): Promise<string> {
  for (let number = 1; ; number++) {
    const allocation = await findAllocation(store, keyOf(allocating, number));
    if (allocation === undefined) return await nextFree(store, allocating, []);
    const record = await findVersion(store, allocating.name, allocation.version);
    if (record === undefined || isOurs(record, allocating)) return allocation.version;
  }
}

/** So many others may be first before something else must be wrong. */
const ATTEMPTS = 1_000;

/**
 * Registers under the next version that is free; creating its record is what takes it. Which version is tried is written down before, by
 * release and digest, and after each that was lost the next one: attempts of one release follow the same list, so that however many of
 * them race or die, one model of one release gets one version, and two get two.
 */
export async function allocateVersion(store: ModelStore, allocating: Allocating, attempt: Attempt): Promise<Allocated> {
  const lost: string[] = [];
  for (let tried = 0; tried < ATTEMPTS; tried++) {
    const agreed = await agree(store, allocating, lost);
    const allocated = await attempt(agreed.version);
    if (allocated.state === "created" || isOurs(allocated.record, allocating)) return allocated;
    lost.push(agreed.version);
    await allocating.clock.sleep(backOffMs(allocating, lost.length), allocating.signal);
  }
  throw new ReleaseError("CONFLICT", {
    rule: "no free version could be had",
    where: { input: "version" },
    saw: `${ATTEMPTS} times somebody else was first`,
    hint: "run one release of a model at a time (concurrency group)",
  });
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 640;

/** Jobs that lost together would lose together again: each waits for a while of its own, which its release and digest give. */
function backOffMs({ release, digest }: Allocating, losses: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** losses);
  const share = Number.parseInt(sha256(`${release} ${digest} ${losses}`).slice(-8), 16) / 2 ** 32;
  return Math.round(most * share);
}

/** What is written down behind those that were lost; else the next free version, once that is. */
async function agree(store: ModelStore, allocating: Allocating, lost: readonly string[]): Promise<Allocation> {
  const key = keyOf(allocating, lost.length + 1);
  for (;;) {
    const known = await findAllocation(store, key);
    if (known !== undefined) return known;
    const { digest, release } = allocating;
    const next: Allocation = { schema: 1, version: await nextFree(store, allocating, lost), digest, release };
    if ((await store.create(key, toBytes(next))).state === "created") return next;
  }
}

/** A digest's own version is not looked for among those that are there: it may be this model's. */
async function nextFree(
  store: ModelStore,
  { name, digest, scheme, clock }: Allocating,
  lost: readonly string[],
): Promise<string> {
  const there = scheme === "digest" ? [] : await listVersions(store, name);
  return nextVersion(scheme, { digest, nowMs: clock.now(), taken: [...there, ...lost] });
}

async function findAllocation(store: ModelStore, key: string): Promise<Allocation | undefined> {
  const entry = await store.read(key);
  return entry && decodeRecord(AllocationSchema, entry, key);
}

/** A version that is called by its digest belongs to whoever brings that model. */
function isOurs(record: VersionRecord, { release, digest, scheme }: Omit<Wanted, "name">): boolean {
  return record.digest === digest && (scheme === "digest" || record.release === release);
}

const folderOf = (name: string, release: string) => `${checkName(name)}/allocations/${release}/`;

const keyOf = ({ name, release, digest }: Identity, number: number) =>
  `${folderOf(name, release)}${hexOf(digest)}${number === 1 ? "" : `~${number}`}.json`;
