import { expect, test } from "vitest";
import { newStarts } from "../../../../../actions/shared/clients/kfp/starting.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

test("a start that has not been sent yet is not sent after a cancel", async () => {
  const starts = newStarts();
  const gate = Promise.withResolvers<void>();
  const start = starts.follow("run", async ({ mayStart }) => {
    await gate.promise;
    mayStart();
    return "sent";
  });
  expect(await starts.stop("run", virtualClock(0), 3_000)).toBe(false);
  gate.resolve();
  await expect(start).rejects.toMatchObject({ code: "CANCELLED" });
});

test("a cancel waits for a start that is out, so that it can end what came of it", async () => {
  const starts = newStarts();
  const answer = Promise.withResolvers<string>();
  const start = starts.follow("run", ({ mayStart }) => {
    mayStart();
    return answer.promise;
  });
  const stopped = starts.stop("run", virtualClock(0), 3_000);
  answer.resolve("started");
  expect([await stopped, await start]).toEqual([true, "started"]);
});

test("a cancel does not wait for ever", async () => {
  const starts = newStarts();
  const clock = virtualClock(0);
  void starts.follow("run", ({ mayStart }) => {
    mayStart();
    return new Promise<never>(() => {});
  });
  expect(await starts.stop("run", clock, 3_000)).toBe(true);
  expect(clock.now()).toBe(3_000);
});

test("a run can be started again after its end", async () => {
  const starts = newStarts();
  await starts.stop("run", virtualClock(0), 3_000);
  expect(await starts.follow("run", async ({ mayStart }) => mayStart())).toBeUndefined();
});
