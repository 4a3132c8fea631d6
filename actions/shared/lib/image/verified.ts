import { createHash } from "node:crypto";
import type { Digest } from "../../domain/digest.ts";
import { ReleaseError } from "../error.ts";

/** Passes a stream on and fails at its end where the bytes are not those of the digest: nothing after it must be done with them. */
export async function* verified(chunks: AsyncIterable<Uint8Array>, digest: Digest): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const saw = `sha256:${hash.digest("hex")}`;
  if (saw === digest) return;
  throw new ReleaseError("INTEGRITY", { rule: "bytes must have the digest they are named by", saw, allowed: digest });
}

/** A small stream whole. */
export async function readWhole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
