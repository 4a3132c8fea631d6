import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFileExclusive, storageError, writeFileAtomic } from "../../../../actions/shared/lib/write-file.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

test("replaces a file and leaves nothing else behind, making folders on the way", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "a/b/c.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, Buffer.from("two"));
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(join(folder, "a/b"))).toEqual(["c.json"]);
});

describe("a file that must not exist yet", () => {
  test("is written once", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "marker");
    expect([await createFileExclusive(path, "first"), await createFileExclusive(path, "second")]).toEqual([
      true,
      false,
    ]);
    expect(await readFile(path, "utf8")).toBe("first");
    expect(await readdir(folder)).toEqual(["marker"]);
  });

  test("has one winner among many, and holds that one's bytes whole", async () => {
    const folder = await temporaryFolder();
    for (let round = 0; round < 20; round++) {
      const path = join(folder, `marker-${round}`);
      const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000));
      const won = await Promise.all(texts.map((text) => createFileExclusive(path, text)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await readFile(path, "utf8")).toBe(texts[won.indexOf(true)]);
    }
  });
});

test("a file that cannot be written is a fault of the storage, with its path", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "file"), "");
  await expect(writeFileAtomic(join(folder, "file/below"), "x")).rejects.toThrow(
    /^\[STORAGE\] .*file\/below: a file could not be written \(saw (ENOTDIR|EEXIST)\)/,
  );
  await mkdir(join(folder, "taken"));
  await expect(writeFileAtomic(join(folder, "taken"), "x")).rejects.toThrow(/STORAGE/);
  expect(await readdir(folder)).toEqual(["file", "taken"]);
  await chmod(folder, 0o755);
});

test.for([
  ["ENOSPC", "free some space there, or point ML_RELEASE_HOME elsewhere"],
  ["EACCES", "check that the folder exists and that this user may write there"],
])("%s says what to do", ([code, hint]) => {
  const error = storageError("/x", Object.assign(new Error("no"), { code }));
  expect(error.problems[0]).toMatchObject({ saw: code, hint });
});
