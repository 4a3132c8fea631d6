import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readParameters } from "../../../../actions/run-pipeline/prepare/read-parameters.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function workspaceWith(file: string, text: string) {
  const workspace = await temporaryFolder();
  const base = join(workspace, "training");
  mkdirSync(base);
  writeFileSync(join(base, file), text);
  return { workspace, base };
}

test("parameters of a file are placed by their line, from the root of the workspace", async () => {
  const folders = await workspaceWith("small.yaml", "epochs: 3\nrate: 0.1\n");
  const { values, placeOf } = await readParameters("small.yaml", folders);
  expect(values).toEqual({ epochs: 3, rate: 0.1 });
  expect(placeOf("rate")).toMatchObject({ file: "training/small.yaml", line: 2 });
});

test("parameters of the input are placed there", async () => {
  const { values, placeOf } = await readParameters({ epochs: 3 }, { workspace: "/w", base: "/w" });
  expect(values).toEqual({ epochs: 3 });
  expect(placeOf("epochs")).toEqual({ input: "parameters" });
});

test("a colon without its space is told as what it is", async () => {
  const folders = await workspaceWith("small.yaml", "");
  await expect(readParameters("epochs:3", folders)).rejects.toThrow(/must exist .*"epochs:3".*space after the colon/);
});

test("no link leads to a file outside of the workspace", async () => {
  const elsewhere = await workspaceWith("secret.yaml", "epochs: 3\n");
  const folders = await workspaceWith("small.yaml", "");
  symlinkSync(join(elsewhere.base, "secret.yaml"), join(folders.base, "link.yaml"));
  await expect(readParameters("link.yaml", folders)).rejects.toThrow("must stay inside of the workspace");
});
