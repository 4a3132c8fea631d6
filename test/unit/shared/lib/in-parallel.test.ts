import { expect, test } from "vitest";
import { inParallel } from "../../../../actions/shared/lib/in-parallel.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("answers in the order of the items, however long each takes", async () => {
  const doubled = await inParallel([3, 1, 2], 2, async (number) => {
    for (let i = 0; i < number; i++) await turn();
    return number * 2;
  });
  expect(doubled).toEqual([6, 2, 4]);
});

test("does no more at once than it may", async () => {
  let [running, most] = [0, 0];
  await inParallel([1, 2, 3, 4, 5, 6], 3, async () => {
    running++;
    most = Math.max(most, running);
    await turn();
    running--;
  });
  expect(most).toBe(3);
});

test("after a failure begins nothing more, and ends when what was begun has ended", async () => {
  const [begun, ended]: [number[], number[]] = [[], []];
  const all = inParallel([1, 2, 3, 4], 2, async (number) => {
    begun.push(number);
    if (number === 1) throw new Error("the first one failed");
    for (let i = 0; i < 5; i++) await turn();
    ended.push(number);
  });
  await expect(all).rejects.toThrow("the first one failed");
  expect([begun, ended]).toEqual([[1, 2], [2]]);
});
