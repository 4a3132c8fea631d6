import { expect, test } from "vitest";
import { runByNeeds } from "../../../actions/build-images/schedule.ts";

const NEEDS = new Map([
  ["base", []],
  ["trainer", ["base"]],
  ["serving", ["base"]],
  ["other", []],
]);
const never = new AbortController().signal;

test("does everything after what it needs, and no more at once than it may", async () => {
  const log: string[] = [];
  let running = 0;
  let most = 0;
  const done = await runByNeeds({
    needs: NEEDS,
    limit: 2,
    signal: never,
    run: async (name, before) => {
      most = Math.max(most, ++running);
      expect((NEEDS.get(name) ?? []).every((other) => before.has(other))).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(name);
      running--;
      return name.length;
    },
  });
  expect(log.slice(0, 2).sort()).toEqual(["base", "other"]);
  expect(most).toBe(2);
  expect(Object.fromEntries(done)).toEqual({ base: 4, trainer: 7, serving: 7, other: 5 });
});

test("starts nothing after a failure, stops what runs, and throws the first failure when all has ended", async () => {
  const log: string[] = [];
  const work = runByNeeds({
    needs: NEEDS,
    limit: 2,
    signal: never,
    run: async (name, _, signal) => {
      log.push(`${name} starts`);
      if (name === "base") throw new Error("base is broken");
      await new Promise<void>((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new Error("stopped"))),
      );
      return name;
    },
  });
  await expect(work).rejects.toThrow("base is broken");
  expect(log).toEqual(["base starts", "other starts"]);
});

test("rejects with the reason of a cancel", async () => {
  const cancel = new AbortController();
  const work = runByNeeds({
    needs: NEEDS,
    limit: 1,
    signal: cancel.signal,
    run: async (_name, _done, signal) => {
      setTimeout(() => cancel.abort(new Error("cancelled")), 1);
      await new Promise<void>((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new Error("stopped"))),
      );
    },
  });
  await expect(work).rejects.toThrow("cancelled");
});
