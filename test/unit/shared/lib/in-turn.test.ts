import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { actsInTurn } from "../../../../actions/shared/lib/in-turn.ts";

test("acts do not overlap, and are done in the order in which they were asked for", async () => {
  const told: string[] = [];
  const turn = actsInTurn();
  const act = (name: string, ms: number) => async () => {
    told.push(`${name} begins`);
    await pause(ms);
    told.push(`${name} ends`);
  };
  await Promise.all([turn(act("slow", 20)), turn(act("quick", 0))]);
  expect(told).toEqual(["slow begins", "slow ends", "quick begins", "quick ends"]);
});

test("an act that fails is told to whoever asked for it, and to nobody else", async () => {
  const turn = actsInTurn();
  const [first, second] = await Promise.allSettled([
    turn(() => Promise.reject(new Error("no"))),
    turn(async () => "done"),
  ]);
  expect(first).toMatchObject({ status: "rejected", reason: { message: "no" } });
  expect(second).toEqual({ status: "fulfilled", value: "done" });
});

test("two queues do not wait for each other", async () => {
  const endless = actsInTurn();
  void endless(() => new Promise(() => {}));
  await expect(actsInTurn()(async () => "done")).resolves.toBe("done");
});
