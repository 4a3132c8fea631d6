import { appendFileSync, lstatSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diskFile } from "../../../../actions/shared/lib/disk-file.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { type Readable, readBlocks } from "../../../../actions/shared/lib/read-blocks.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const blockOf = (size: number) => new Uint8Array(new SharedArrayBuffer(size));

/** Blocks of this size, asked for at once. */
async function readWhole(source: Readable, blockBytes: number) {
  const reader = readBlocks(source);
  try {
    const blocks = Array.from({ length: Math.max(1, Math.ceil(source.size / blockBytes)) }, (_, index) =>
      blockOf(Math.min(blockBytes, source.size - index * blockBytes)),
    );
    const filling = blocks.map((block) => reader.fill(block));
    await Promise.allSettled(filling);
    return { blocks, sums: await Promise.all(filling), digest: await reader.digest() };
  } finally {
    await reader.close();
  }
}

const bytesOf = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) % 251));

/** Written an hour ago: its clock tells every change from now on. */
async function fileOf(bytes: Uint8Array) {
  const path = join(await temporaryFolder(), "model.bin");
  writeFileSync(path, bytes);
  const anHourAgo = Date.now() / 1_000 - 3_600;
  utimesSync(path, anHourAgo, anHourAgo);
  return { path, file: diskFile("model.bin", path, lstatSync(path, { bigint: true })) };
}

function piecesOf(sizes: readonly number[], bytes: Uint8Array): Readable {
  return {
    size: bytes.length,
    async *read() {
      let at = 0;
      for (const size of sizes) {
        // Its memory is used for the next piece.
        const piece = Buffer.from(bytes.subarray(at, at + size));
        at += size;
        yield piece;
        piece.fill(0);
      }
    },
  };
}

const integrity = expect.objectContaining({ code: "INTEGRITY" });

test("pieces of any size fill blocks of any size, with the CRC32 of each and the digest of all", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 9_000 }), async (pieces, blockBytes) => {
      const bytes = bytesOf(pieces.reduce((sum, size) => sum + size, 0));
      const { blocks, sums, digest } = await readWhole(piecesOf(pieces, bytes), blockBytes);
      expect(Buffer.concat(blocks).equals(bytes)).toBe(true);
      expect(sums).toEqual(blocks.map((block) => crc32(block)));
      expect(digest).toBe(sha256(bytes));
    }),
    { numRuns: 30 },
  );
});

test.each([0, 1, 999_999, 1_000_000])("so do the bytes of a file: %i of them", async (size) => {
  const bytes = bytesOf(size);
  const { file } = await fileOf(bytes);
  const { blocks, sums, digest } = await readWhole(file, 300_000);
  expect(Buffer.concat(blocks).equals(bytes)).toBe(true);
  expect(sums).toEqual(blocks.map((block) => crc32(block)));
  expect(digest).toBe(sha256(bytes));
});

describe("what is not as it was announced is told with its last block", () => {
  test.each([99, 101])("pieces of %i bytes instead of 100", async (size) => {
    const source = { ...piecesOf([size], bytesOf(size)), size: 100 };
    await expect(readWhole(source, 64)).rejects.toEqual(integrity);
  });

  test("a file that is changed while it is read", async () => {
    const { path, file } = await fileOf(bytesOf(1_000));
    const reader = readBlocks(file);
    await reader.fill(blockOf(500));
    writeFileSync(path, bytesOf(1_000).reverse(), { flag: "r+" });
    await expect(reader.fill(blockOf(500))).rejects.toEqual(integrity);
    await reader.close();
  });

  test.each([
    ["longer", (path: string) => appendFileSync(path, "more")],
    ["shorter", (path: string) => truncateSync(path, 700)],
  ])("a file that gets %s while it is read", async (_, change) => {
    const { path, file } = await fileOf(bytesOf(1_000));
    const reader = readBlocks(file);
    await reader.fill(blockOf(500));
    change(path);
    await expect(reader.fill(blockOf(500))).rejects.toEqual(integrity);
    await reader.close();
  });

  test("a file that was changed before it is opened", async () => {
    const { path, file } = await fileOf(bytesOf(1_000));
    appendFileSync(path, "more");
    expect(() => readBlocks(file)).toThrow(integrity);
  });
});

test("an error of the source comes through, and of what was read there is no digest", async () => {
  const failing: Readable = {
    size: 8,
    async *read() {
      yield Buffer.from("half");
      throw new Error("the disk under the source went away");
    },
  };
  await expect(readWhole(failing, 4)).rejects.toThrow("the disk under the source went away");
  const reader = readBlocks(piecesOf([100], bytesOf(100)));
  await reader.fill(blockOf(50));
  await expect(reader.digest()).rejects.toThrow("not read to its end");
  await reader.close();
});

test("closing ends the source, also in the middle, and what is still asked for", async () => {
  let ended = false;
  const endless: Readable = {
    size: 1_000_000,
    async *read() {
      try {
        for (;;) yield Buffer.alloc(10);
      } finally {
        ended = true;
      }
    },
  };
  const reader = readBlocks(endless);
  await reader.fill(blockOf(25));
  const asked = reader.fill(blockOf(900_000)).catch((error: unknown) => error);
  await reader.close();
  expect(ended).toBe(true);
  expect(await asked).toEqual(integrity);
});

test("a cancel ends it", async () => {
  const cancel = new AbortController();
  const { file } = await fileOf(bytesOf(1_000));
  const reader = readBlocks(file, cancel.signal);
  await reader.fill(blockOf(500));
  cancel.abort(new Error("cancelled"));
  await expect(reader.fill(blockOf(500))).rejects.toThrow("cancelled");
  await reader.close();
});
