import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatRule } from "../../../../actions/shared/domain/gate/rule.ts";
import { isReleaseError } from "../../../../actions/shared/lib/error.ts";
import { readGates } from "../../../../actions/shared/lib/read-gates.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function workspace(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "ml/release"), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return folder;
}

async function read(folder: string, text: string | undefined) {
  const gates = await readGates({ input: "gates", text, from: join(folder, "ml"), workspace: folder });
  return { rules: gates.rules.map(formatRule), wheres: gates.rules.map((rule) => rule.where) };
}

async function problem(folder: string, text: string): Promise<string> {
  const thrown: unknown = await read(folder, text).catch((error: unknown) => error);
  return isReleaseError(thrown, "INPUT", "CONFIG") ? thrown.message : String(thrown);
}

describe("gates", () => {
  it("are none where none were given", async () => {
    expect(await read(await workspace(), undefined)).toEqual({ rules: [], wheres: [] });
  });

  it("are lines of the input", async () => {
    const read2 = await read(await workspace(), "accuracy >= 0.95,\nloss <= 1");
    expect(read2).toEqual({
      rules: ["accuracy >= 0.95", "loss <= 1"],
      wheres: [
        { input: "gates", line: 1 },
        { input: "gates", line: 2 },
      ],
    });
  });

  it.each([
    "rules:\n  - accuracy >= 0.95",
    "# the floor\nrules:\n  - accuracy >= 0.95",
    '{ "rules": ["accuracy >= 0.95"] }',
  ])("are objects of the input: %j", async (text) => {
    expect((await read(await workspace(), text)).rules).toEqual(["accuracy >= 0.95"]);
  });

  it("are lines of a file below the working directory, named from the workspace", async () => {
    const folder = await workspace({ "ml/release/gates.txt": "# floor\naccuracy >= 0.95\n" });
    expect(await read(folder, "release/gates.txt")).toEqual({
      rules: ["accuracy >= 0.95"],
      wheres: [{ file: "ml/release/gates.txt", line: 2 }],
    });
  });

  it("are objects of a YAML file, each at its line", async () => {
    const text =
      "rules:\n  - accuracy >= 0.95\n  - any-of:\n      - f1 >= 0.9\n      - subject: auc\n        op: '>='\n        bound: 98%\n";
    const folder = await workspace({ "ml/release/gates.yaml": text });
    expect(await read(folder, "release/gates.yaml")).toEqual({
      rules: ["accuracy >= 0.95", "f1 >= 0.9 or auc >= 98%"],
      wheres: [
        { file: "ml/release/gates.yaml", line: 2 },
        expect.objectContaining({ file: "ml/release/gates.yaml", line: 3 }),
      ],
    });
  });

  it("that are wrong are told with file, line and column, all at once", async () => {
    const folder = await workspace({
      "ml/release/gates.yaml": "rules:\n  - accuracy => 0.95\n  - subject: auc\n    op: '>='\n    bound: chapion\n",
    });
    expect(await problem(folder, "release/gates.yaml")).toBe(
      [
        "[CONFIG] ml/release/gates.yaml:2:14: a comparison is missing after the metric (saw =>; allowed: >= <= == > <); write >=",
        "ml/release/gates.yaml:5:5: a bound is missing after the comparison (saw chapion; allowed: 0.95, 98%, champion, champion - 0.002, champion + 5%); did you mean champion?",
      ].join("\n"),
    );
  });

  it("that are a path to nothing say how a rule is written", async () => {
    expect(await problem(await workspace(), "accuracy 0.95")).toBe(
      '[INPUT] input gates: must exist (saw "accuracy 0.95"); a value without an operator is a path; a rule is written such as accuracy >= 0.95',
    );
  });

  it("outside of the workspace are not read, by a symlink neither", async () => {
    const [folder, other] = [await workspace(), await workspace({ "gates.txt": "accuracy >= 0" })];
    await symlink(join(other, "gates.txt"), join(folder, "ml/gates.txt"));
    for (const path of ["gates.txt", join(other, "gates.txt"), `../../${other.split("/").at(-1)}/gates.txt`])
      expect(await problem(folder, path)).toContain("must stay inside of the workspace");
  });
});
