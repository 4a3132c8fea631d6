import { expect, test } from "vitest";
import { memoryOf } from "../../../../../actions/shared/clients/s3/memory.ts";

const settled = async (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(() => resolve(false)))]);

test("never lends more than its budget at once", async () => {
  const memory = memoryOf(10);
  const first = await memory.rent(6);
  const second = memory.rent(6);
  expect(await settled(second)).toBe(false);
  first.end();
  expect(await settled(second)).toBe(true);
});

test("serves who came first, also where a later one would fit", async () => {
  const memory = memoryOf(10);
  const first = await memory.rent(6);
  const large = memory.rent(8);
  const small = memory.rent(1);
  expect(await settled(small)).toBe(false);
  first.end();
  expect([await settled(large), await settled(small)]).toEqual([true, true]);
});

test("a loan that is ended twice is given back once", async () => {
  const memory = memoryOf(10);
  const loan = await memory.rent(10);
  loan.end();
  loan.end();
  await memory.rent(10);
  expect(await settled(memory.rent(1))).toBe(false);
});

test("what is larger than the budget has it for itself", async () => {
  const memory = memoryOf(10);
  const large = await memory.rent(20);
  expect(large.bytes).toHaveLength(20);
  expect(await settled(memory.rent(1))).toBe(false);
});
