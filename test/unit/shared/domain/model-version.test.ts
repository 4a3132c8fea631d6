import { describe, expect, test } from "vitest";
import { isAlias, isModelName, isModelVersion, versionOfTag } from "../../../../actions/shared/domain/model-version.ts";

const long = (length: number) => "a".repeat(length);

describe("model names", () => {
  test.each(["digits", "a", "7", "digits-2", "a--b", long(63)])("%s is one", (name) => {
    expect(isModelName(name)).toBe(true);
  });
  test.each(["", "-a", "a-", "Digits", "a.b", "a_b", "a/b", "..", "a b", "ä", long(64), "a\n"])(
    "%j is none",
    (name) => {
      expect(isModelName(name)).toBe(false);
    },
  );
});

describe("versions", () => {
  test.each(["1.0.0", "1.0.0-rc.1+build_5", "2026-11-21", "V", "0", long(63)])("%s is one", (version) => {
    expect(isModelVersion(version)).toBe(true);
  });
  test.each(["", "latest", "Latest", "previous", ".1", "-1", "_1", "a/b", "a~b", "1 0", "1\n", "ä", long(64)])(
    "%j is none",
    (version) => {
      expect(isModelVersion(version)).toBe(false);
    },
  );
});

describe("aliases", () => {
  test.each(["champion", "candidate", "team-a"])("%s is one", (alias) => {
    expect(isAlias(alias)).toBe(true);
  });
  test.each(["1", "v1", "1-0-0", "Champion", "a.b", "..", ""])(
    "%j is none: it reads as a version, or breaks the names' grammar",
    (alias) => {
      expect(isAlias(alias)).toBe(false);
    },
  );
});

describe("the version of a tag", () => {
  test.each([
    ["v1.1.0", "1.1.0"],
    ["1.1.0", "1.1.0"],
    ["digits@v1.1.0", "1.1.0"],
    ["digits@1.1.0", "1.1.0"],
    ["vendor-2", "vendor-2"],
    ["nightly", "nightly"],
  ])("%s is %s", (tag, version) => {
    expect(versionOfTag(tag)).toBe(version);
  });
});
