import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyRuntimeFiles } from "../../../../actions/shared/tools/runtime-files.ts";

let root: string;
let dists: ReadonlyMap<string, string>;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "runtime-files-"));
  dists = new Map(["one", "two"].map((action) => [action, join(root, "dist", action)]));
  write("actions/shared/local/kfp/driver.py", "print()");
  write("actions/shared/local/kfp/engine.ts", "");
  write("dist/one/index.js", "import './7.index.js';");
  write("dist/one/7.index.js", `const path = join(import.meta.dirname, "driver.py");`);
  write("dist/two/index.js", "");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a file goes to the bundles whose code names it", async () => {
  await copyRuntimeFiles(root, dists);

  expect(readdirSync(join(root, "dist/one"))).toEqual(["7.index.js", "driver.py", "index.js"]);
  expect(readdirSync(join(root, "dist/two"))).toEqual(["index.js"]);
});

test("what only people and tools read stays behind", async () => {
  for (const path of [
    "one/README.md",
    "one/action.yml",
    "one/dist/index.js",
    "shared/cli/dist/index.js",
    "shared/tools/lint/a.grit",
  ]) {
    write(`actions/${path}`, "");
  }

  await copyRuntimeFiles(root, dists);

  expect(readdirSync(join(root, "dist/one"))).toEqual(["7.index.js", "driver.py", "index.js"]);
});

test("a file that no code names is an error", async () => {
  write("actions/shared/local/old-driver.py", "");

  await expect(copyRuntimeFiles(root, dists)).rejects.toThrow(
    "actions/shared/local/old-driver.py is named by no action",
  );
});

test("two files of one name are an error", async () => {
  write("actions/one/driver.py", "");

  await expect(copyRuntimeFiles(root, dists)).rejects.toThrow(/driver\.py has the name of another file/);
});
