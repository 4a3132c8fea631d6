import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isModelVersion } from "../../../../actions/shared/domain/model-version.ts";
import { nextVersion, VERSION_SCHEMES, type VersionScheme } from "../../../../actions/shared/domain/version-scheme.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}` as const;
/** The last millisecond of a day. */
const nowMs = Date.parse("2026-11-21T23:59:59.999Z");

describe("the next version", () => {
  test.for<[string, VersionScheme, readonly string[], string]>([
    ["of none is 1", "auto", [], "1"],
    ["is one above the highest number, however they are ordered", "auto", ["9", "10", "2"], "11"],
    ["leaves no room for what is no whole number", "auto", ["1.1.0", "v7", "3rc1", "12x"], "1"],
    ["does not count what no number of ours can be", "auto", ["99999999999999999999"], "1"],
    ["of a day is the day in UTC", "calver", ["2026.11.20", "2026.11.20.4"], "2026.11.21"],
    ["of a day that has one is its second", "calver", ["2026.11.21"], "2026.11.21.2"],
    ["of a day is above its highest", "calver", ["2026.11.21", "2026.11.21.9", "2026.11.21.10"], "2026.11.21.11"],
    ["of a day is not that of a longer number", "calver", ["2026.11.211"], "2026.11.21"],
    ["is the first digits of the digest", "digest", [], "0123456789ab"],
    ["has more digits where another model has those", "digest", ["0123456789ab"], "0123456789abcdef01234567"],
  ])("%s", ([, scheme, taken, version]) => {
    expect(nextVersion(scheme, { digest, nowMs, taken })).toBe(version);
  });

  test("is a version, and another one than all that are there", () => {
    const taken = fc.array(fc.oneof(fc.nat().map(String), fc.constantFrom("2026.11.21", "2026.11.21.2", "1.0.0")));
    fc.assert(
      fc.property(fc.constantFrom(...VERSION_SCHEMES), taken, (scheme, there) => {
        const version = nextVersion(scheme, { digest, nowMs, taken: there });
        expect(isModelVersion(version)).toBe(true);
        expect(there).not.toContain(version);
      }),
    );
  });
});
