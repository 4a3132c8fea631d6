import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { VersionRecord } from "../../../../actions/shared/domain/model-version.ts";
import { hashModel } from "../../../../actions/shared/lib/hash-model.ts";
import { findModelFiles } from "../../../../actions/shared/lib/model-files.ts";
import { createVersion, findVersion } from "../../../../actions/shared/lib/model-registry/versions.ts";
import { storeModel } from "../../../../actions/shared/lib/store-model.ts";
import { verifyModel } from "../../../../actions/shared/lib/verify-model.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../../../actions/shared/ports/model-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { versionRecord } from "../../../support/version-record.ts";

type Files = Readonly<Record<string, string>>;

async function modelOf(files: Files): Promise<string> {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function store(into: ModelStore, model: string, signal = new AbortController().signal) {
  return storeModel(into, { name: "digits", place: "1.0.0", files: await findModelFiles(model), signal });
}

const textAt = async (from: ModelStore, key: string) => new TextDecoder().decode((await from.read(key))?.bytes);

test("copies every file, and knows the digest that reading the model gives", async () => {
  const [into, model] = [folderStore(await temporaryFolder()), await modelOf({ "model.onnx": "abc", "a/labels": "x" })];
  const stored = await store(into, model);
  expect(stored).toEqual({ ...(await hashModel(model)), folder: "digits/files/1.0.0", written: 4 });
  expect(await textAt(into, "digits/files/1.0.0/a/labels")).toBe("x");
});

test("uses what an attempt that was cut short left", async () => {
  const [into, model] = [folderStore(await temporaryFolder()), await modelOf({ a: "1", b: "22", c: "333" })];
  const whole = await store(into, model);
  const kept = await into.read("digits/files/1.0.0/c");
  await into.remove("digits/files/1.0.0/c", kept?.etag ?? "");
  expect(await store(into, model)).toEqual({ ...whole, written: 3 });
});

test("a model with other files does not share the folder of one that was cut short", async () => {
  const into = folderStore(await temporaryFolder());
  await store(into, await modelOf({ a: "1", old: "2" }));
  const stored = await store(into, await modelOf({ a: "1" }));
  expect(stored.folder).toMatch(/^digits\/files\/1\.0\.0~[0-9a-f]{12}$/);
  expect(await textAt(into, `${stored.folder}/a`)).toBe("1");
});

test("a model with the same paths and sizes but other bytes does not either", async () => {
  const into = folderStore(await temporaryFolder());
  await store(into, await modelOf({ a: "same", b: "left" }));
  const stored = await store(into, await modelOf({ a: "same", b: "righ" }));
  expect(stored.folder).toBe(`digits/files/1.0.0~${stored.digest.slice(7, 19)}`);
  expect([await textAt(into, `${stored.folder}/b`), await textAt(into, "digits/files/1.0.0/b")]).toEqual([
    "righ",
    "left",
  ]);
});

test("stops between two pieces when it is told to", async () => {
  const [into, model] = [folderStore(await temporaryFolder()), await modelOf({ a: "1" })];
  await expect(store(into, model, AbortSignal.abort(new Error("cancelled")))).rejects.toThrow("cancelled");
});

test("whatever is left behind by others, a version that gets its record is whole", async () => {
  const content = fc.dictionary(fc.constantFrom("a", "b", "c/d"), fc.constantFrom("x", "y", "zz"), { minKeys: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 5 }), async (models) => {
      const into = folderStore(await temporaryFolder());
      const attempts = await Promise.all(
        models.map(async (files) => {
          const stored = await store(into, await modelOf(files));
          const record = versionRecord({ digest: stored.digest, folder: stored.folder, files: stored.files });
          return (await createVersion(into, record)).state;
        }),
      );
      expect(attempts.filter((state) => state === "created")).toHaveLength(1);
      const record = (await findVersion(into, "digits", "1.0.0")) as VersionRecord;
      const { faults, digest } = await verifyModel(into, record, new AbortController().signal);
      expect({ faults, digest }).toEqual({ faults: [], digest: record.digest });
    }),
    { numRuns: 25 },
  );
});

test("verifying tells which file differs, is missing or extra", async () => {
  const folder = await temporaryFolder();
  const into = folderStore(folder);
  const stored = await store(into, await modelOf({ a: "1", b: "2", c: "3" }));
  const record = versionRecord({ digest: stored.digest, folder: stored.folder, files: stored.files });
  const at = (path: string) => join(folder, stored.folder, path);
  writeFileSync(at("a"), "9");
  rmSync(at("b"));
  writeFileSync(at("d"), "4444");
  const { faults } = await verifyModel(into, record, new AbortController().signal);
  expect(faults).toEqual([
    { state: "differs", path: "a", saw: expect.stringMatching(/^sha256:/), allowed: stored.files[0]?.digest },
    { state: "missing", path: "b", allowed: stored.files[1]?.digest },
    { state: "extra", path: "d", size: 4 },
  ]);
});
