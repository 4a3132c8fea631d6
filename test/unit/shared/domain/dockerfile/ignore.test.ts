import { describe, expect, test } from "vitest";
import {
  globMatcher,
  isIgnored,
  mayPrune,
  parseIgnore,
} from "../../../../../actions/shared/domain/dockerfile/ignore.ts";

describe("patterns", () => {
  test.each([
    ["*.pyc", "a.pyc", true],
    ["*.pyc", "a/b.pyc", false],
    ["**/*.pyc", "a/b.pyc", true],
    ["**/*.pyc", "b.pyc", true],
    ["a", "a/b/c", true],
    ["a", "ab", false],
    ["/a/", "a/b", true],
    ["./a/../b", "b", true],
    ["a/**", "a/b/c", true],
    ["a/**/c", "a/c", true],
    ["a/**/c", "a/b/b/c", true],
    ["a?", "ab", true],
    ["[ab].txt", "b.txt", true],
    ["[!ab].txt", "b.txt", false],
    ["a\\*", "a*", true],
    ["a\\*", "ab", false],
    ["# comment", "# comment", false],
    ["a.b", "axb", false],
    ["(x)+", "(x)+", true],
    ["[", "[", false],
  ])("%s on %s: %s", (pattern, path, ignored) => expect(isIgnored(path, parseIgnore(pattern))).toBe(ignored));
});

test("the last pattern that matches decides, and exceptions bring files of a folder back", () => {
  const patterns = parseIgnore("\uFEFF*\n!keep\nkeep/secret\n!keep/secret/not\n");
  expect(["a", "keep/a", "keep/secret/a", "keep/secret/not"].map((path) => isIgnored(path, patterns))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test("a folder is skipped whole only where no exception may bring something of it back", () => {
  const patterns = parseIgnore("node_modules\nlogs\n!logs/keep.txt\n");
  expect(mayPrune("node_modules", patterns)).toBe(true);
  expect(mayPrune("logs", patterns)).toBe(false);
  expect(mayPrune("src", patterns)).toBe(false);
  expect(mayPrune("node_modules", parseIgnore("node_modules\n!**/keep\n"))).toBe(false);
});

test.each([
  ["*.py", "a.py", true],
  ["*.py", "a/b.py", false],
  ["a/*", "a/b", true],
  ["**", "a/b", false],
  ["a", "a", true],
])("COPY %s takes %s: %s", (pattern, path, taken) => expect(globMatcher(pattern)(path)).toBe(taken));
