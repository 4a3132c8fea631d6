import { hexOf } from "../../domain/digest.ts";
import { sha256 } from "../../lib/hash.ts";

/** The server puts `<id of the parent>:` before a name and keeps 255 characters of both. */
const MAX_LENGTH = 240;

/** A name that the server can keep: what is too long ends in a part of its hash, so that two stay two. */
export function storedName(name: string): string {
  const clean = name.replaceAll("\u0000", "");
  if (clean.length <= MAX_LENGTH) return clean;
  return `${clean.slice(0, MAX_LENGTH - 13)}~${hexOf(sha256(clean), 12)}`;
}
