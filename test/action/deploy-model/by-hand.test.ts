import { afterAll, beforeAll, expect, test } from "vitest";
import { writeAdderFiles } from "../../support/adder-release.ts";
import {
  championOf,
  deployAdder,
  inMode,
  jsonIn,
  QUICK,
  servingMachine,
  whoServes,
} from "../../support/deploy-adder.ts";
import { jobContext } from "../../support/job-context.ts";
import { runAction } from "../../support/run-action.ts";

let serves: Awaited<ReturnType<typeof servingMachine>>;

beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves?.remove());

/** Too few requests to prove anything in so short a time. */
const UNPROVED = { keep: "true", "max-error-rate": "0.01%", "step-duration": "500ms", "max-step-duration": "1s" };

test("a schedule that finds nothing to do changes nothing, and is no failure", async () => {
  const { main } = await inMode("reconcile", serves.machine);
  expect(main.code).toBe(0);
  expect(main.summary).toContain("The last rollout had come to its end");
  expect(await whoServes(serves.url)).toBe("1.0.0");
});

test("what was never held is not carried on", async () => {
  const { main } = await byHand("1.0.0");
  expect(main.code).toBe(1);
  expect(main.stdout).toContain("mode promote carries a rollout to its end that was held");
});

test("a rollout that was held is carried to its end by hand, and taken back by the name of what came before", async () => {
  const held = await deployAdder({ version: "1.1.0", machine: serves.machine, with: UNPROVED });
  expect(held.main.outputs).toMatchObject({ decision: "held" });
  expect(held.main.summary).toContain("carry it on by hand with `mode: promote`");
  expect(await whoServes(serves.url)).toBe("1.0.0");

  const { main } = await byHand("1.1.0");
  expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
  expect(main.summary).toContain("It was carried on by hand by octocat.");
  expect([championOf(serves.machine), await whoServes(serves.url)]).toEqual(["1.1.0", "1.1.0"]);
  expect(jsonIn(serves.machine, "serving", "adder", "journal.json")).toMatchObject({
    phase: "ended",
    decision: "promoted",
    carriedOn: { by: "octocat", held: expect.stringContaining("neither alarm nor proof") },
  });

  const back = await inDeploy("adder@previous", { "allow-downgrade": "true", keep: "true" });
  expect(back.main.outputs).toMatchObject({ decision: "promoted" });
  expect([championOf(serves.machine), await whoServes(serves.url)]).toEqual(["1.0.0", "1.0.0"]);
  // three rollouts, one after the other
}, 360_000);

async function byHand(version: string) {
  return inDeploy(`adder@${version}`, { mode: "promote", keep: "true" });
}

async function inDeploy(model: string, wishes: Readonly<Record<string, string>>) {
  const job = jobContext({ tag: "v9.9.9", machine: serves.machine });
  writeAdderFiles(job.workspace);
  return runAction("deploy-model", { job, with: { ...QUICK, model, ...wishes } });
}
