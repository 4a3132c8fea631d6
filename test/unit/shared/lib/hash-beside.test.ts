import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { hashBeside } from "../../../../actions/shared/lib/hash-beside.ts";

test("another thread's SHA-256 is that of the bytes, in whatever pieces they come, of many at once", async () => {
  const pieces = fc.array(fc.integer({ min: 0, max: 700_000 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 4 }), async (bodies) => {
      await Promise.all(
        bodies.map(async (sizes, seed) => {
          const whole = Buffer.alloc(
            sizes.reduce((sum, size) => sum + size, 0),
            `${seed}-`,
          );
          const hash = hashBeside();
          let at = 0;
          for (const size of sizes) {
            const piece = Buffer.from(whole.subarray(at, at + size));
            await hash.update(piece);
            // It may be used for other bytes at once.
            piece.fill(0);
            at += size;
          }
          expect(await hash.digest()).toBe(sha256(whole));
        }),
      );
    }),
    { numRuns: 30 },
  );
});

test("more hashes than there is memory for are not in each other's way, also where one goes on only when another has", async () => {
  const body = Buffer.alloc(100_000, 5);
  const hashes = Array.from({ length: 12 }, () => hashBeside());
  for (const hash of hashes) await hash.update(body);
  for (const hash of hashes.toReversed()) await hash.update(body);
  const digests = await Promise.all(hashes.map((hash) => hash.digest()));
  expect(new Set(digests)).toEqual(new Set([sha256(Buffer.concat([body, body]))]));
});

test("a process ends when its work is done, and not before", () => {
  const module = join(import.meta.dirname, "../../../../actions/shared/lib/hash-beside.ts");
  const program = `
    import { hashBeside } from ${JSON.stringify(module)};
    const hash = hashBeside();
    for (let i = 0; i < 100; i++) await hash.update(Buffer.alloc(300_000, i));
    console.log(await hash.digest());
    hashBeside().update(Buffer.alloc(10));
  `;
  const told = execFileSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 30_000 });
  const bytes = Buffer.concat(Array.from({ length: 100 }, (_, i) => Buffer.alloc(300_000, i)));
  expect(String(told).trim()).toBe(sha256(bytes));
});
