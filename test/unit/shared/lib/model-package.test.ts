import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findModelFiles } from "../../../../actions/shared/lib/model-files.ts";
import { keepPackage, modelPackage } from "../../../../actions/shared/lib/model-package.ts";
import { storedGzip, storedGzipSize } from "../../../../actions/shared/lib/stored-gzip.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A piece lives until the next one is asked for. */
async function wholeOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(Buffer.from(chunk));
  return Buffer.concat(pieces);
}

describe("a gzip file that is not compressed", () => {
  test.each([0, 1, 65_534, 65_535, 65_536, 131_070, 200_001])("is read by everybody: %d bytes", async (size) => {
    const bytes = Buffer.alloc(size, "weights ");
    const zipped = await wholeOf(storedGzip(cut(bytes, 4_000)));
    expect(zipped.length).toBe(storedGzipSize(size));
    expect(gunzipSync(zipped).equals(bytes)).toBe(true);
    expect(execFileSync("gzip", ["-dc"], { input: zipped, maxBuffer: 2 ** 24 }).equals(bytes)).toBe(true);
  });

  test("is the same however its bytes come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(150_000), fc.integer({ min: 1, max: 100_000 }), async (size, step) => {
        const bytes = Buffer.alloc(size, "weights ");
        const [one, other] = [await wholeOf(storedGzip(cut(bytes, step))), await wholeOf(storedGzip(cut(bytes, 997)))];
        expect(Buffer.compare(one, other)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

const FILES = {
  "model.onnx": "weights",
  "empty.bin": "",
  "a/labels.txt": "0123456789",
  "größe.txt": "é",
  [`${"very-long-folder-name/".repeat(12)}file.txt`]: "long",
};

async function prepared(files: Readonly<Record<string, string>> = FILES) {
  const folder = await temporaryFolder();
  const model = join(folder, "model");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(model, path)), { recursive: true });
    writeFileSync(join(model, path), text);
  }
  const found = await findModelFiles(model);
  const archive = modelPackage(
    found.map((file) => ({ path: file.path, file })),
    new AbortController().signal,
  );
  return { folder, model, found, archive, store: folderStore(join(folder, "store")) };
}

describe("the archive of a model", () => {
  test("is unpacked by tar to the same files, and is as large as it says", async () => {
    const { folder, archive } = await prepared();
    const bytes = await wholeOf(archive.open());
    expect(bytes.length).toBe(archive.size);
    const out = join(folder, "out");
    mkdirSync(out);
    execFileSync("tar", ["-xzf", "-", "-C", out], { input: bytes });
    for (const [path, text] of Object.entries(FILES)) expect(readFileSync(join(out, path), "utf8")).toBe(text);
    expect(readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())).toHaveLength(5);
  });

  test("is the same for the same files, whenever they were written and in whatever order they are named", async () => {
    const [one, other] = [await prepared(), await prepared()];
    for (const path of Object.keys(FILES)) utimesSync(join(other.model, path), 1, 1);
    const again = (await findModelFiles(other.model)).toReversed().map((file) => ({ path: file.path, file }));
    const bytes = await wholeOf(modelPackage(again, new AbortController().signal).open());
    expect(Buffer.compare(await wholeOf(one.archive.open()), bytes)).toBe(0);
  });

  test("is refused where a file changes while it is packed", async () => {
    const { archive, model, store } = await prepared();
    writeFileSync(join(model, "model.onnx"), "Weights");
    await expect(keepPackage(store, { name: "digits", place: "1.0.0", archive })).rejects.toThrow(/INTEGRITY/);
    expect(await store.read("digits/packages/1.0.0/model.tar.gz")).toBeUndefined();
  });

  test("is kept once; another one for the same version goes beside it", async () => {
    const { archive, store } = await prepared();
    const kept = await keepPackage(store, { name: "digits", place: "1.0.0", archive });
    expect(kept).toMatchObject({ key: "digits/packages/1.0.0/model.tar.gz", size: archive.size });
    expect(await keepPackage(store, { name: "digits", place: "1.0.0", archive })).toEqual(kept);
    const other = (await prepared({ "model.onnx": "other" })).archive;
    const beside = await keepPackage(store, { name: "digits", place: "1.0.0", archive: other });
    expect(beside.key).toMatch(/^digits\/packages\/1\.0\.0~[0-9a-f]{12}\/model\.tar\.gz$/);
    expect(await keepPackage(store, { name: "digits", place: "1.0.0", archive: other })).toEqual(beside);
    writeFileSync(new URL(store.address(beside.key)), "changed");
    await expect(keepPackage(store, { name: "digits", place: "1.0.0", archive: other })).rejects.toThrow(/INTEGRITY/);
  });
});
