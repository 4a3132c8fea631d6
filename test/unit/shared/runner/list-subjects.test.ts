import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listSubjects } from "../../../../actions/shared/runner/list-subjects.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const bytes = new Uint8Array([1, 2, 3]);

async function desk(folderName = "ml-release") {
  const root = await temporaryFolder();
  const artifactsFile = join(root, "artifacts");
  writeFileSync(artifactsFile, "# of the step before\n");
  const debug: string[] = [];
  const log = { debug: (text: string) => void debug.push(text), info: () => {}, warn: () => {} };
  const logs = { ...log, group: <T>(_: string, act: () => Promise<T>) => act(), fenced: () => {} };
  const read = () => readFileSync(artifactsFile, "utf8");
  return { root, read, debug, folder: join(root, folderName), artifactsFile, log: logs };
}

describe("what was made is named to the runner", () => {
  test("by the path of a file with its bytes", async () => {
    const one = await desk();
    await listSubjects([{ name: "digits-1.0.0", bytes }], one);
    const path = join(one.folder, "subjects/digits-1.0.0");
    expect(one.read()).toBe(`# of the step before\n${path}\n`);
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });

  test.each(["a=b", "a@sha256:12", "a\nb", "../a"])("but not by %j, for which it would fail the step", async (name) => {
    const one = await desk();
    await listSubjects([{ name, bytes }], one);
    expect(one.read()).toBe("# of the step before\n");
    expect(one.debug.join()).toContain("not listed");
  });

  test("but not below a folder for which it would fail the step", async () => {
    const one = await desk("with=sign");
    await listSubjects([{ name: "digits-1.0.0", bytes }], one);
    expect(one.read()).toBe("# of the step before\n");
  });

  test("where it knows of such a file", async () => {
    const one = await desk();
    await listSubjects([{ name: "digits-1.0.0", bytes }], { ...one, artifactsFile: undefined });
    await listSubjects([{ name: "digits-1.0.0", bytes }], { ...one, artifactsFile: "" });
    expect(one.read()).toBe("# of the step before\n");
  });

  test("and no step fails where it cannot be", async () => {
    const one = await desk();
    mkdirSync(join(one.root, "folder"));
    await listSubjects([{ name: "digits-1.0.0", bytes }], { ...one, artifactsFile: join(one.root, "folder") });
    expect(one.debug.join()).toContain("nothing was listed");
  });
});
