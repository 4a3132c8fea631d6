import type { Digest } from "../../domain/digest.ts";
import { MODEL_SCHEMA, type ModelEvent } from "../../domain/model-version.ts";
import {
  type Decision,
  decide,
  type VersionChange,
  type VersionState,
  VersionStateSchema,
} from "../../domain/version-state.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { checkName, damaged, decodeRecord, toBytes } from "./entry.ts";
import { appendOnce, logLength } from "./log.ts";
import { checkVersion } from "./versions.ts";

type Subject = { readonly name: string; readonly version: string; readonly digest: Digest };

export type StateChange = Subject & { readonly change: VersionChange; readonly decision: Decision };

export type StateChanged = {
  /** `unchanged`: it was so already. */
  readonly state: "changed" | "unchanged";
  readonly now: VersionState | undefined;
};

export const stateKey = (name: string, version: string) => `${checkName(name)}/states/${checkVersion(version)}.json`;

/** What people decided of a version; undefined where nobody has decided anything. Throws `INTEGRITY` for what is of another version. */
export async function findState(store: ModelStore, subject: Subject): Promise<VersionState | undefined> {
  return (await readState(store, subject))?.state;
}

/** How often a decision that lost to another one is made again. */
const ATTEMPTS = 50;

/**
 * Puts a decision on a version into its state by compare-and-swap, and logs it. A process that was killed between the two leaves a state
 * that is ahead of the log by one: whoever decides next writes that entry first. Throws `REFUSED` where the state does not allow it.
 */
export async function changeState(store: ModelStore, wanted: StateChange): Promise<StateChanged> {
  const { name, version, digest, change, decision } = wanted;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = await readState(store, wanted);
    const decided = decide(current?.state, { change, decision });
    if (decided.state === "bad") throw new ReleaseError("REFUSED", decided.problems);
    const logAfter =
      current === undefined ? await logLength(store, name) : await logDecision(store, name, current.state);
    if (current === undefined ? change === "restored" : decided.value === current.state)
      return { state: "unchanged", now: current?.state };
    const { state, approvals } = decided.value;
    const changes = (current?.state.changes ?? 0) + 1;
    const last = { change, ...decision };
    const next: VersionState = { schema: 1, version, digest, state, approvals, last, changes, logAfter };
    const key = stateKey(name, version);
    const written =
      current === undefined
        ? await store.create(key, toBytes(next))
        : await store.replace(key, current.etag, toBytes(next));
    if (written.state === "exists" || written.state === "changed") continue;
    await logDecision(store, name, next);
    return { state: "changed", now: next };
  }
  throw new ReleaseError("CONFLICT", {
    rule: "a decision could not be written",
    saw: `${name} ${version}: ${ATTEMPTS} times somebody else was first`,
    hint: "run the step again",
  });
}

async function readState(
  store: ModelStore,
  { name, version, digest }: Subject,
): Promise<{ readonly state: VersionState; readonly etag: string } | undefined> {
  const key = stateKey(name, version);
  const entry = await store.read(key);
  if (entry === undefined) return undefined;
  const state = decodeRecord(VersionStateSchema, entry, key);
  if (state.version !== version || state.digest !== digest)
    throw damaged(key, `the state of ${state.version}, ${state.digest}`);
  return { state, etag: entry.etag };
}

/** The number of the log's entry for the last decision, written now where it is missing. */
async function logDecision(store: ModelStore, name: string, state: VersionState): Promise<number> {
  const { version, digest, last, changes, logAfter } = state;
  const { change, reason, environment, reviewers, act } = last;
  const event: ModelEvent = {
    schema: MODEL_SCHEMA,
    event: change,
    version,
    digest,
    reason,
    ...(environment === undefined ? {} : { environment }),
    ...(reviewers === undefined ? {} : { reviewers }),
    move: changes,
    act,
  };
  return appendOnce(store, name, { event, after: logAfter });
}
