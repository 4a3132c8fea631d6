import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryOf } from "../../../../actions/shared/lib/memory.ts";

const MIB = 1024 ** 2;

const settled = async (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(() => resolve(false)))]);

test("never lends more than its budget at once", async () => {
  const memory = memoryOf(12 * MIB);
  const first = await memory.rent(8 * MIB);
  const second = memory.rent(8 * MIB);
  expect(await settled(second)).toBe(false);
  first.end();
  expect(await settled(second)).toBe(true);
});

test("serves who came first, also where a later one would fit", async () => {
  const memory = memoryOf(12 * MIB);
  const first = await memory.rent(8 * MIB);
  const large = memory.rent(10 * MIB);
  const small = memory.rent(1);
  expect(await settled(small)).toBe(false);
  first.end();
  expect([await settled(large), await settled(small)]).toEqual([true, true]);
});

test("a loan that is ended twice is given back once", async () => {
  const memory = memoryOf(8 * MIB);
  const loan = await memory.rent(8 * MIB);
  loan.end();
  loan.end();
  await memory.rent(8 * MIB);
  expect(await settled(memory.rent(1))).toBe(false);
});

test("what is larger than the budget has it for itself", async () => {
  const memory = memoryOf(10);
  const large = await memory.rent(20);
  expect(large.bytes).toHaveLength(20);
  expect(await settled(memory.rent(1))).toBe(false);
});

test("what is lent at once does not overlap, lies in one piece of memory, and is used again", async () => {
  const memory = memoryOf(MIB);
  const sizes = fc.array(fc.record({ size: fc.integer({ min: 0, max: MIB }), ends: fc.nat() }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, async (rented) => {
      const loans: Awaited<ReturnType<typeof memory.rent>>[] = [];
      for (const { size, ends } of rented) {
        const renting = memory.rent(size);
        while (!(await settled(renting))) loans.splice(ends % loans.length, 1)[0]?.end();
        loans.push(await renting);
        expect(loans.at(-1)?.bytes).toHaveLength(size);
        const ranges = loans.map(({ bytes }) => [bytes.byteOffset, bytes.byteOffset + bytes.length] as const);
        const sorted = ranges.filter(([from, to]) => from < to).sort(([one], [other]) => one - other);
        for (const [index, [from]] of sorted.entries())
          expect(from).toBeGreaterThanOrEqual(sorted[index - 1]?.[1] ?? 0);
        expect(sorted.at(-1)?.[1] ?? 0).toBeLessThanOrEqual(MIB);
      }
      expect(new Set(loans.map(({ bytes }) => bytes.buffer)).size).toBeLessThanOrEqual(1);
      for (const loan of loans) loan.end();
    }),
    { numRuns: 50 },
  );
});
