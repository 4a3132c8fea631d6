import * as v from "valibot";

/** `sha256:<64 hex>`, the only digest that the project writes. */
export type Digest = `sha256:${string}`;

const PATTERN = /^sha256:[0-9a-f]{64}$/;

export const DigestSchema = v.custom<Digest>(
  (value) => typeof value === "string" && PATTERN.test(value),
  "must be sha256:<64 hex>",
);

export function isDigest(text: string): text is Digest {
  return PATTERN.test(text);
}

/** `sha256:ab12cd34ef56`: enough to tell digests apart in a sentence. */
export function shortDigest(digest: string): string {
  return digest.slice(0, "sha256:".length + 12);
}

/** What stands behind `sha256:`, or its beginning, as a part of a name. */
export function hexOf(digest: Digest, characters = 64): string {
  return digest.slice("sha256:".length, "sha256:".length + characters);
}

/** Hashes canonical bytes; handed in by the caller (`lib/hash`), since the domain has no node modules. */
export type HashText = (text: string) => Digest;
