import * as v from "valibot";
import { type Digest, DigestSchema, hexOf } from "./digest.ts";

/**
 * How a version gets its name where nobody names it. `auto`: the next whole number. `calver`: the day (UTC), and from the second version of
 * a day on a number behind it: `2026.11.21`, `2026.11.21.2`. `digest`: the first 12 digits of the model's digest.
 */
export const VERSION_SCHEMES = ["auto", "calver", "digest"] as const;
export type VersionScheme = (typeof VERSION_SCHEMES)[number];

/** Which version is meant: one that was named, or one to be found when the model is known. */
export type VersionChoice =
  | { readonly by: "name"; readonly version: string }
  | { readonly by: VersionScheme; readonly release: string };

/** Which version a release was given for a model with this digest: written before the record, so that a re-run finds it. */
export const AllocationSchema = v.object({
  schema: v.literal(1),
  version: v.string(),
  digest: DigestSchema,
  release: v.string(),
});
export type Allocation = Readonly<v.InferOutput<typeof AllocationSchema>>;

export function isVersionScheme(text: string): text is VersionScheme {
  return VERSION_SCHEMES.some((scheme) => scheme === text);
}

export type Naming = {
  readonly digest: Digest;
  readonly nowMs: number;
  /** Versions that are there, or turned out to be. */
  readonly taken: readonly string[];
};

/** The next version that is free. */
export function nextVersion(scheme: VersionScheme, { digest, nowMs, taken }: Naming): string {
  switch (scheme) {
    case "auto":
      return String(highest(taken, /^(\d{1,15})$/) + 1);
    case "calver": {
      const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", ".");
      if (!taken.some((version) => version === day || version.startsWith(`${day}.`))) return day;
      return `${day}.${Math.max(1, highest(taken, new RegExp(`^${day}\\.(\\d{1,15})$`))) + 1}`;
    }
    case "digest":
      return digestVersion(digest, taken);
  }
}

/** A version is at most 63 characters long. */
const DIGEST_LENGTHS = [12, 24, 48, 63] as const;

/** Longer where another model has the same first digits. */
function digestVersion(digest: Digest, taken: readonly string[]): string {
  const versions = DIGEST_LENGTHS.map((length) => hexOf(digest, length));
  return versions.find((version) => !taken.includes(version)) ?? hexOf(digest, DIGEST_LENGTHS[3]);
}

function highest(versions: readonly string[], pattern: RegExp): number {
  return versions.reduce((most, version) => Math.max(most, Number(pattern.exec(version)?.[1] ?? 0)), 0);
}
