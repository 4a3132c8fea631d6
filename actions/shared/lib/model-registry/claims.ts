import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { canonicalJson } from "../../domain/canonical.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { checkName, decodeRecord } from "./entry.ts";

/**
 * Who uses a place of a model now: the folder, the card and the signature of a version before its record names them. When a claim was
 * written is when its owner began; each one differs from all others, so that nobody replaces one that they have not seen.
 */
const ClaimSchema = v.object({ schema: v.literal(1), state: v.picklist(["writing", "removing"]), by: v.string() });

export type Claim = v.InferOutput<typeof ClaimSchema>;

export type FoundClaim = Claim & { readonly etag: string };

/** A place is what the folders of a version begin with: what stands behind a `~` tells them apart. */
export const claimKey = (name: string, place: string) => `${checkName(name)}/claims/${place}.json`;

/** More writers at once than this have never been seen. */
const ATTEMPTS = 50;

/**
 * Claims a place for an attempt that is about to write there, or to use what an earlier one left. Attempts share it: what they write is only created,
 * and compared. Nobody else removes anything there until the claim is old. Throws `CONFLICT` while leftovers are being removed there.
 */
export async function claimPlace(store: ModelStore, name: string, place: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const held = await findClaim(store, name, place);
    if (held?.state === "removing") throw beingRemoved(name, place);
    if ((await putClaim(store, { name, place, state: "writing", held })) !== undefined) return;
  }
  throw new ReleaseError("CONFLICT", {
    rule: "a place of the store could not be claimed",
    saw: `${name} ${place}: ${ATTEMPTS} times somebody else was first`,
    hint: "register a version by one job at a time (concurrency group)",
  });
}

export async function findClaim(store: ModelStore, name: string, place: string): Promise<FoundClaim | undefined> {
  const key = claimKey(name, place);
  const entry = await store.read(key);
  return entry && { ...decodeRecord(ClaimSchema, entry, key), etag: entry.etag };
}

export type ClaimWish = {
  readonly name: string;
  readonly place: string;
  readonly state: Claim["state"];
  /** What was found there; it is replaced only if it is there still. */
  readonly held: FoundClaim | undefined;
};

/** The etag of the new claim; undefined: somebody else was first. */
export async function putClaim(store: ModelStore, wish: ClaimWish): Promise<string | undefined> {
  const { name, place, state, held } = wish;
  const key = claimKey(name, place);
  const claim: Claim = { schema: 1, state, by: randomUUID() };
  const body = new TextEncoder().encode(`${canonicalJson(claim)}\n`);
  const written = held === undefined ? await store.create(key, body) : await store.replace(key, held.etag, body);
  return written.state === "created" || written.state === "replaced" ? written.etag : undefined;
}

function beingRemoved(name: string, place: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: "what an earlier attempt left of this version is being removed",
    saw: `ml-release gc at work on ${name} ${place}`,
    hint: "run the step again in some minutes; where gc was killed, `ml-release gc --apply` finishes it an hour later",
  });
}
