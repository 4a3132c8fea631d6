import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { hashBeside } from "../../../../actions/shared/lib/hash-beside.ts";
import type { Block } from "../../../../actions/shared/ports/model-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const blockOf = (bytes: Uint8Array): Block => {
  const block = new Uint8Array(new SharedArrayBuffer(bytes.length));
  block.set(bytes);
  return block;
};

test("another thread's SHA-256 is that of the blocks in their order, of many values at once, and each block has its CRC32", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 700_000 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 1, maxLength: 4 }), async (values) => {
      await Promise.all(
        values.map(async (blockSizes, seed) => {
          const blocks = blockSizes.map((size, index) => blockOf(Buffer.alloc(size, `${seed}-${index}-`)));
          const hash = hashBeside();
          const added = blocks.map((block, index) => hash.add({ block, isLast: index === blocks.length - 1 }));
          const told = await Promise.all(added);
          expect(told.map((one) => one?.crc32)).toEqual(blocks.map((block) => crc32(block)));
          expect(told.at(-1)?.digest).toBe(sha256(Buffer.concat(blocks)));
        }),
      );
    }),
    { numRuns: 30 },
  );
});

test("a block is read from its place in a file; where the file ends before, that is told, and so is what the system says", async () => {
  const path = join(await temporaryFolder(), "model.bin");
  const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251));
  writeFileSync(path, bytes);
  const descriptor = openSync(path, "r");
  const block = new Uint8Array(new SharedArrayBuffer(600_000));
  const read = (at: number) => hashBeside().add({ block, from: { descriptor, at }, isLast: true });
  const wanted = bytes.subarray(300_000, 900_000);
  expect(await read(300_000)).toEqual({ crc32: crc32(wanted), digest: sha256(wanted) });
  expect(Buffer.from(block).equals(wanted)).toBe(true);
  expect(await read(900_000)).toBeUndefined();
  closeSync(descriptor);
  await expect(read(0)).rejects.toMatchObject({ code: "EBADF" });
});

test("a process ends when its work is done, and not before", () => {
  const module = join(import.meta.dirname, "../../../../actions/shared/lib/hash-beside.ts");
  const program = `
    import { hashBeside, startHashing } from ${JSON.stringify(module)};
    startHashing();
    const blockOf = (size, byte) => new Uint8Array(new SharedArrayBuffer(size)).fill(byte);
    const hash = hashBeside();
    for (let i = 0; i < 99; i++) hash.add({ block: blockOf(300_000, i), isLast: false });
    const last = await hash.add({ block: blockOf(300_000, 99), isLast: true });
    console.log(last.digest);
    hashBeside().drop();
  `;
  const told = execFileSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 30_000 });
  const bytes = Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(300_000, i)));
  expect(String(told).trim()).toBe(sha256(bytes));
});
