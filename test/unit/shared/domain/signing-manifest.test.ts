import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../../../actions/shared/domain/digest.ts";
import { isIgnoredInModel, rootDigestBytes, sortFiles } from "../../../../actions/shared/domain/signing-manifest.ts";

const file = (path: string, digest: Digest = `sha256:${"0".repeat(64)}`) => ({ path, size: 1, digest });
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

test("gives the root digest that the specification publishes", () => {
  // The files `signme-1` and `signme-2` of the OpenSSF Model Signing test vectors.
  const files = [
    file("signme-2", "sha256:32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028"),
    file("signme-1", "sha256:bc9a717db6064a32cbe9eae6fc40651dd6d36ef1757183f590eff2b1765d7ebc"),
  ];
  expect(sha256(rootDigestBytes(files))).toBe("92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4");
});

test("is the hash of the hash for one file", () => {
  const digest = sha256("hello");
  expect(sha256(rootDigestBytes([file("model.onnx", `sha256:${digest}`)]))).toBe(sha256(Buffer.from(digest, "hex")));
});

test("does not depend on the order in which files were found", () => {
  const files = ["b", "a/c", "a", "a.b"].map((path) => file(path, `sha256:${sha256(path)}`));
  expect(rootDigestBytes(files.toReversed())).toEqual(rootDigestBytes(files));
});

test("refuses a model without files", () => {
  expect(() => rootDigestBytes([])).toThrow(RangeError);
});

test("sorts by code point, where UTF-16 would put a surrogate pair before the end of the first plane", () => {
  const paths = ["\u{1f600}", "\uffee", "z", "a/b", "a.b", "a"];
  expect(sortFiles(paths.map((path) => file(path))).map(({ path }) => path)).toEqual([
    "a",
    "a.b",
    "a/b",
    "z",
    "\uffee",
    "\u{1f600}",
  ]);
});

describe("what is no part of a model", () => {
  test.each([
    [".git/config", true],
    [".gitignore", true],
    [".gitattributes", true],
    [".github/workflows/x.yml", true],
    ["model.sig", true],
    [".hidden", false],
    [".gitkeep", false],
    ["sub/.git/config", false],
    ["sub/model.sig", false],
    ["model.onnx", false],
  ])("%s: %s", (path, ignored) => {
    expect(isIgnoredInModel(path)).toBe(ignored);
  });
});
