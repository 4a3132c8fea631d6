import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { differences } from "../../../../actions/shared/tools/folder-contents.ts";

let one: string;
let other: string;

beforeEach(() => {
  [one = "", other = ""] = ["one", "other"].map((name) => mkdtempSync(join(tmpdir(), `${name}-`)));
  for (const folder of [one, other]) {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "same.js"), "same");
    writeFileSync(join(folder, "sub/changed.js"), folder);
  }
  writeFileSync(join(one, "gone.js"), "");
  writeFileSync(join(other, "new.js"), "");
});

afterEach(() => {
  for (const folder of [one, other]) rmSync(folder, { recursive: true, force: true });
});

test("folders differ where a file is changed, gone or new", async () => {
  expect(await differences(one, other)).toEqual(["gone.js", "new.js", "sub/changed.js"]);
});

test("a folder does not differ from itself", async () => {
  expect(await differences(one, one)).toEqual([]);
});

test("a folder that is not there differs by every file", async () => {
  expect(await differences(join(one, "nowhere"), one)).toEqual(["gone.js", "same.js", "sub/changed.js"]);
});
