import { expect, test } from "vitest";
import { compareInputs, describeChanges, plainText } from "../../../../../actions/shared/domain/image/changes.ts";
import type { ImageInputs } from "../../../../../actions/shared/domain/image/key.ts";
import { sha256 } from "../../../../../actions/shared/lib/hash.ts";

const file = (path: string, content = path) =>
  ({ type: "file", path, mode: "644", size: content.length, digest: sha256(content) }) as const;

const BEFORE: ImageInputs = {
  schema: 1,
  builder: "append-1",
  platform: "linux/amd64",
  network: "default",
  target: "",
  dockerfile: { syntax: "", escapeChar: "\\", instructions: ["FROM a"] },
  args: { A: "1" },
  bases: [{ ref: "python:3.12", digest: sha256("old") }],
  parents: [{ name: "base", key: "k1-1" }],
  files: [file("train.py"), file("data.py")],
};

test.each<[string, Partial<ImageInputs>, string]>([
  ["nothing", {}, ""],
  ["a file", { files: [file("train.py", "new"), file("data.py")] }, "`train.py` changed"],
  ["files that come and go", { files: [file("data.py"), file("new.py")] }, "`new.py` added; `train.py` removed"],
  [
    "many files",
    { files: Array.from({ length: 6 }, (_, i) => file(`f${i}`)) },
    "`data.py` removed; `f0` added; `f1` added; 5 more files changed",
  ],
  [
    "a base",
    { bases: [{ ref: "python:3.12", digest: sha256("new") }] },
    `base \`python:3.12\` moved \`${sha256("old").slice(0, 19)}\` to \`${sha256("new").slice(0, 19)}\``,
  ],
  [
    "another base",
    { bases: [{ ref: "debian", digest: sha256("x") }] },
    "base `debian` is new; base `python:3.12` is gone",
  ],
  ["an image of the release", { parents: [{ name: "base", key: "k1-2" }] }, "image `base` changed"],
  [
    "the Dockerfile",
    { dockerfile: { ...BEFORE.dockerfile, instructions: ["FROM a", "USER 1"] } },
    "the Dockerfile changed",
  ],
  ["an argument", { args: { A: "2" } }, "build argument `A` changed"],
  ["settings", { builder: "engine-1", network: "host" }, "the builder changed; the network changed"],
  [
    "several at once",
    { files: [file("train.py", "new"), file("data.py")], args: {} },
    "`train.py` changed; build argument `A` changed",
  ],
])("%s: says what changed", (_, change, says) => {
  expect(plainText(describeChanges(compareInputs(BEFORE, { ...BEFORE, ...change })))).toBe(says);
});
