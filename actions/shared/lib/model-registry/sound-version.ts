import type { Digest } from "../../domain/digest.ts";
import type { ModelEvent, VersionRecord } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { sha256 } from "../hash.ts";
import { findEvent } from "./log.ts";
import { existingVersion, versionKey, type WantedVersion } from "./versions.ts";

/** The SHA-256 of a record as it lies in the store. */
export async function recordDigest(store: ModelStore, name: string, version: string): Promise<Digest | undefined> {
  const entry = await store.read(versionKey(name, version));
  return entry && sha256(entry.bytes);
}

/** The record of a version that must be there, and as it was when it was registered. Throws `NOT_FOUND`, `INTEGRITY`. */
export async function soundVersion(store: ModelStore, wanted: WantedVersion): Promise<VersionRecord> {
  const record = await existingVersion(store, wanted);
  await checkUnedited(store, record);
  return record;
}

/** Holds the bytes of a record against the digest that the log has of them. Nothing can be said of one that was never logged. */
export async function checkUnedited(store: ModelStore, { model, version, logAfter }: VersionRecord): Promise<void> {
  const registered = await findEvent(store, model, {
    after: logAfter,
    matches: (event: ModelEvent) => event.event === "registered" && event.version === version,
  });
  if (registered?.record === undefined) return;
  const saw = await recordDigest(store, model, version);
  if (saw === registered.record) return;
  throw new ReleaseError("INTEGRITY", {
    rule: "the record of a version must be as it was registered",
    where: { file: store.address(versionKey(model, version)) },
    saw: saw ?? "nothing",
    allowed: `${registered.record}, as the log has it of ${registered.act.at}`,
    hint: "it was edited by hand: put the original back (an earlier version of the object), or release a new version",
  });
}
