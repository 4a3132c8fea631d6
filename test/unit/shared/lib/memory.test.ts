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

test("a block is used again for what fits into one of its size, and lent in the length that was asked for", async () => {
  const memory = memoryOf(MIB);
  const first = await memory.rent(200_000);
  const { buffer } = first.bytes;
  first.end();
  const second = await memory.rent(150_000);
  expect(second.bytes).toHaveLength(150_000);
  expect(second.bytes.buffer).toBe(buffer);
});
