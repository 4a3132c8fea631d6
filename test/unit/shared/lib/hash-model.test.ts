import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hashModel } from "../../../../actions/shared/lib/hash-model.ts";
import { findModel, findModelFiles } from "../../../../actions/shared/lib/model-files.ts";
import type { SourceFile } from "../../../../actions/shared/ports/source-file.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

const pathsOf = (files: readonly SourceFile[]) => files.map(({ path }) => path);
const refused = (saw: string) => expect.objectContaining({ code: "REFUSED", message: expect.stringContaining(saw) });

describe("the files of a model", () => {
  test("are everything below a folder, hidden files too, sorted as the manifest is", async () => {
    const folder = await folderWith({
      "z.txt": "",
      "a/b.bin": "",
      "a.onnx": "",
      ".hidden": "",
      ".git/config": "",
      ".gitignore": "",
      "sub/.gitignore": "",
      "model.sig": "",
    });
    expect(pathsOf(await findModelFiles(folder))).toEqual([".hidden", "a.onnx", "a/b.bin", "sub/.gitignore", "z.txt"]);
  });

  test("is the one file that is named", async () => {
    const folder = await folderWith({ "model.onnx": "x", other: "y" });
    expect(pathsOf(await findModelFiles(join(folder, "model.onnx")))).toEqual(["model.onnx"]);
  });

  test("are what a pattern matches, by their paths after its plain start", async () => {
    const folder = await folderWith({ "out/1/model.onnx": "", "out/1/w.bin": "", "out/notes.txt": "", "x.onnx": "" });
    expect(pathsOf(await findModel(join(folder, "out/*/*"), [folder]))).toEqual(["1/model.onnx", "1/w.bin"]);
    expect(pathsOf(await findModel(join(folder, "out/**/*.onnx"), [folder]))).toEqual(["1/model.onnx"]);
    expect(pathsOf(await findModel(join(folder, "out/{notes,none}.txt"), [folder]))).toEqual(["notes.txt"]);
  });

  test("may have the characters of a pattern in their own names", async () => {
    const folder = await folderWith({ "model[1].onnx": "" });
    expect(pathsOf(await findModel(join(folder, "model[1].onnx"), [folder]))).toEqual(["model[1].onnx"]);
  });

  test("must lie in a folder of the job, also after links are followed", async () => {
    const [inside, outside] = [await folderWith({ "sub/a": "" }), await folderWith({ "model.onnx": "" })];
    symlinkSync(outside, join(inside, "way-out"));
    symlinkSync(outside, join(inside, "sub/way-out"));
    for (const path of ["model.onnx", "*.onnx"]) {
      await expect(findModel(join(outside, path), [inside])).rejects.toEqual(refused("folder of this job"));
      await expect(findModel(join(inside, "way-out", path), [inside])).rejects.toEqual(refused("folder of this job"));
    }
    await expect(findModel(join(inside, "way-out"), [inside])).rejects.toEqual(refused("a symbolic link"));
    await expect(findModel(join(inside, "*/way-out/model.onnx"), [inside])).rejects.toEqual(refused("a symbolic link"));
  });
});

test("a model has the root digest that the reference implementation of OpenSSF Model Signing gives it", async () => {
  // model-signing 1.1.1 from PyPI, hashing.Config().set_ignored_paths(paths=["model.sig"], ignore_git_paths=True)
  const folder = await folderWith({
    "model.onnx": "a\n",
    ".hidden": "b\n",
    "sub/.git/x": "c\n",
    ".gitignore": "d\n",
    ".github/y": "e\n",
    empty: "",
    "ünï 😀.txt": "f\n",
    "\uffee.txt": "g",
  });
  expect((await hashModel(folder)).digest).toBe(
    "sha256:1244e343cee3838d240d097a9f45cd43d4b9f5dc656085b59d7af4430df5e79f",
  );
});

describe("what is refused", () => {
  test("a link, wherever it points", async () => {
    const folder = await folderWith({ "model.onnx": "x" });
    symlinkSync("model.onnx", join(folder, "link.onnx"));
    await expect(hashModel(folder)).rejects.toEqual(refused("a symbolic link"));
    await expect(hashModel(join(folder, "link.onnx"))).rejects.toEqual(refused("a symbolic link"));
  });

  test("a link that points nowhere", async () => {
    const folder = await folderWith({});
    symlinkSync("gone", join(folder, "link"));
    await expect(hashModel(folder)).rejects.toEqual(refused("a symbolic link"));
  });

  test("a named pipe, without waiting for its writer", async () => {
    const folder = await folderWith({});
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await expect(hashModel(folder)).rejects.toEqual(refused("a named pipe"));
  });

  test("a socket", async () => {
    const folder = await folderWith({});
    const server = createServer().listen(join(folder, "socket"));
    onTestFinished(() => void server.close());
    await new Promise((settle) => server.once("listening", settle));
    await expect(hashModel(folder)).rejects.toEqual(refused("a socket"));
  });

  test("a device", async () => {
    await expect(hashModel("/dev/zero")).rejects.toEqual(refused("a device"));
  });

  test.each([{}, { ".git/config": "x" }, { "model.sig": "x" }])("a model without files: %j", async (files) => {
    await expect(hashModel(await folderWith(files))).rejects.toEqual(refused("must have a file"));
  });

  test("a pattern that matches nothing", async () => {
    const folder = await folderWith({ "a.txt": "" });
    await expect(findModel(join(folder, "*.onnx"), [folder])).rejects.toEqual(refused("no file that it matches"));
  });

  test("a path where nothing is", async () => {
    const folder = await folderWith({});
    await expect(findModel(join(folder, "gone"), [folder])).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(findModel(join(folder, "gone/*"), [folder])).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a file that changes while it is read", () => {
  const MIB = 1024 * 1024;
  const old = new Date("2020-01-01T00:00:00Z");

  async function readingOf(change: (path: string) => void) {
    const folder = await folderWith({ "model.bin": "a".repeat(3 * MIB) });
    const path = join(folder, "model.bin");
    utimesSync(path, old, old);
    const [file] = await findModelFiles(path);
    if (file === undefined) throw new Error("not found");
    let isFirst = true;
    for await (const _ of file.read()) {
      if (isFirst) change(path);
      isFirst = false;
    }
  }

  test("is read to its end where nothing changed", async () => {
    await expect(readingOf(() => {})).resolves.toBeUndefined();
  });

  test.each<[string, (path: string) => void]>([
    ["grows", (path) => appendFileSync(path, "b")],
    ["is cut", (path) => writeFileSync(path, "b")],
    ["is written over", (path) => writeFileSync(path, "b".repeat(3 * MIB))],
    [
      "is written over and its time set back",
      (path) => {
        writeFileSync(path, "b".repeat(3 * MIB));
        utimesSync(path, old, old);
      },
    ],
    [
      "is replaced by another file of the same size and time",
      (path) => {
        writeFileSync(`${path}.new`, "a".repeat(3 * MIB));
        utimesSync(`${path}.new`, old, old);
        renameSync(`${path}.new`, path);
      },
    ],
    ["is removed", (path) => rmSync(path)],
  ])("is refused where it %s", async (_, change) => {
    await expect(readingOf(change)).rejects.toMatchObject({ code: "INTEGRITY" });
  });

  test("is refused where it changed between being found and being read", async () => {
    const folder = await folderWith({ "model.bin": "aaa" });
    const [file] = await findModelFiles(folder);
    writeFileSync(join(folder, "model.bin"), "bbb");
    if (file === undefined) throw new Error("not found");
    await expect(file.read().next()).rejects.toMatchObject({ code: "INTEGRITY" });
  });
});
