import { describe, expect, test } from "vitest";
import { matchSource } from "../../../../../actions/shared/domain/dockerfile/copy.ts";
import type { ContextEntry } from "../../../../../actions/shared/domain/image/context.ts";
import { sha256 } from "../../../../../actions/shared/lib/hash.ts";
import { type Copy, copyEntries } from "../../../../../actions/shared/local/append/copy-entries.ts";
import { applyEntry, followLinks, type Tree } from "../../../../../actions/shared/local/append/tree.ts";

const file = (path: string): ContextEntry => ({ type: "file", path, mode: "644", size: 0, digest: sha256("") });
const FILES: readonly ContextEntry[] = [
  file("a.txt"),
  file("app/b.txt"),
  file("app/sub/c.txt"),
  { type: "folder", path: "empty" },
];

const TREE: Tree = new Map([
  ["app", { type: "folder", mode: 0o700, uid: 5, gid: 5 }],
  ["lib", { type: "link", target: "usr/lib" }],
  ["usr", { type: "folder", mode: 0o755, uid: 0, gid: 0 }],
  ["usr/lib", { type: "folder", mode: 0o755, uid: 0, gid: 0 }],
  ["var/run", { type: "link", target: "/run" }],
]);

test.each<[string, Partial<Copy> & { from: readonly string[]; destination: string }, readonly string[]]>([
  ["a file to a name", { from: ["a.txt"], destination: "/x/y.txt" }, ["755 0 x", "644 0 x/y.txt"]],
  [
    "a file into a folder that is written so",
    { from: ["a.txt"], destination: "/x", isFolder: true },
    ["755 0 x", "644 0 x/a.txt"],
  ],
  ["a file into a folder that is there", { from: ["a.txt"], destination: "/app" }, ["700 5 app", "644 0 app/a.txt"]],
  ["a file to the root", { from: ["a.txt"], destination: "/" }, ["644 0 a.txt"]],
  [
    "the contents of a folder",
    { from: ["app"], destination: "/srv" },
    ["755 0 srv", "644 0 srv/b.txt", "755 0 srv/sub", "644 0 srv/sub/c.txt"],
  ],
  [
    "through a link of the base",
    { from: ["a.txt"], destination: "/lib/a.txt" },
    ["755 0 usr", "755 0 usr/lib", "644 0 usr/lib/a.txt"],
  ],
  [
    "through a link to an absolute path",
    { from: ["a.txt"], destination: "/var/run/x/", isFolder: true },
    ["755 0 run", "755 0 run/x", "644 0 run/x/a.txt"],
  ],
  [
    "--link: as if nothing were below",
    { from: ["a.txt"], destination: "/lib/a.txt", isLinked: true },
    ["755 0 lib", "644 0 lib/a.txt"],
  ],
  [
    "--chown, --chmod",
    { from: ["app"], destination: "/srv", uid: 7, gid: 8, mode: 0o500 },
    ["500 7 srv", "500 7 srv/b.txt", "755 7 srv/sub", "500 7 srv/sub/c.txt"],
  ],
  ["an empty folder", { from: ["empty"], destination: "/e" }, ["755 0 e"]],
  ["a pattern", { from: ["*.txt"], destination: "/t", isFolder: true }, ["755 0 t", "644 0 t/a.txt"]],
])("%s", (_, { from, ...copy }, entries) => {
  const sources = from.map((pattern) => ({ pattern, roots: matchSource(pattern, FILES) }));
  const made = copyEntries(
    { isFolder: false, isLinked: false, uid: 0, gid: 0, ...copy, sources },
    FILES,
    new Map(TREE),
  );
  expect(made.map(({ mode, uid, path }) => `${mode.toString(8)} ${uid} ${path}`)).toEqual(entries);
});

describe("the tree of an image", () => {
  test("takes files, folders and links away by whiteouts", () => {
    const tree: Tree = new Map(TREE);
    applyEntry(tree, "usr/.wh.lib", undefined);
    applyEntry(tree, "app/sub", { type: "folder", mode: 0o755, uid: 0, gid: 0 });
    applyEntry(tree, "app/.wh..wh..opq", undefined);
    applyEntry(tree, ".wh.lib", undefined);
    expect([...tree.keys()]).toEqual(["app", "usr", "var/run"]);
  });

  test("a file or link that takes a folder's place ends what was in it", () => {
    const tree: Tree = new Map(TREE);
    applyEntry(tree, "usr", { type: "link", target: "other" });
    expect(tree.has("usr/lib")).toBe(false);
    applyEntry(tree, "app", undefined);
    expect(tree.has("app")).toBe(false);
  });

  test.each([
    ["lib/x", "usr/lib/x"],
    ["var/run/../y", "y"],
    ["a/b", "a/b"],
    ["loop/x", "loop/x"],
  ])("%s leads to %s", (path, real) => {
    expect(followLinks(new Map([...TREE, ["loop", { type: "link", target: "loop" }]]), path)).toBe(real);
  });
});
