import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyProcessFiles } from "../../../../actions/shared/tools/process-files.ts";

let build: string;
let dists: ReadonlyMap<string, string>;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(build, path)), { recursive: true });
  writeFileSync(join(build, path), text);
}

beforeEach(() => {
  build = mkdtempSync(join(tmpdir(), "process-files-"));
  dists = new Map(["one", "two"].map((action) => [action, join(build, "dist", action)]));
  write(
    "actions/shared/local/splitter-process.js",
    'import { createServer } from "node:http";\ncreateServer( ).listen( 0 );\n',
  );
  write("dist/one/7.index.js", 'const name = "splitter-process.js";');
  write("dist/two/index.js", "");
});

afterEach(() => rmSync(build, { recursive: true, force: true }));

test("a program goes, made small, to the bundles whose code names it", async () => {
  await copyProcessFiles(build, dists);

  expect(readdirSync(join(build, "dist/one"))).toEqual(["7.index.js", "splitter-process.js"]);
  expect(readFileSync(join(build, "dist/one/splitter-process.js"), "utf8")).toMatch(/\w\(\)\.listen\(0\)/);
  expect(readdirSync(join(build, "dist/two"))).toEqual(["index.js"]);
});

test("a program that could not run alone is refused", async () => {
  write("actions/shared/local/splitter-process.js", 'import { exec } from "../lib/exec.js";\nexec();\n');

  await expect(copyProcessFiles(build, dists)).rejects.toThrow("must import node modules only");
});
