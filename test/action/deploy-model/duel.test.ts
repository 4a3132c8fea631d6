import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JournalEntry } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { championOf, deployAdder, jsonIn, servingMachine, whoServes } from "../../support/deploy-adder.ts";
import { jobContext } from "../../support/job-context.ts";
import type { Faults } from "../../support/oip-server.ts";

const KEEP = { keep: "true" };

let serves: Awaited<ReturnType<typeof servingMachine>>;
beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves.remove());

function deployWith(rollout: string, candidate: { readonly version: string; readonly faults?: Faults }) {
  const { machine } = serves;
  const job = jobContext({ tag: `v${candidate.version}`, machine });
  writeFileSync(join(job.workspace, "rollout.yaml"), rollout);
  return deployAdder({ ...candidate, machine, job, with: { ...KEEP, rollout: "rollout.yaml" } });
}

const journal = () => jsonIn<JournalEntry>(serves.machine, "serving", "adder", "journal.json");

test("a candidate that answers otherwise than its bounds allow gets no request of the traffic", async () => {
  const { main } = await deployWith("duel: { min-agreement: 95%, max-difference: 0 }", {
    version: "1.1.0",
    faults: { wrong: 0.5 },
  });
  expect(main.code).toBe(1);
  expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
  expect(main.outputs.reason).toMatch(
    /^the same payloads were answered alike in [\d.]+ % \(\d+ of 50\), at least 95 % is asked; answers to the same payload lie/,
  );
  expect(main.summary).toContain("Rolled back adder 1.1.0 before it got any traffic");
  expect(main.summary).toContain("Replay of the payloads, before any traffic");
  expect(main.summary).toContain("outputs[0].data[0]");
  expect(main.stdout).not.toContain("look 1");
  expect(journal()).toMatchObject({ phase: "ended", looks: [], duel: { asked: 50, compared: 50 } });
  expect([await whoServes(serves.url), championOf(serves.machine)]).toEqual(["1.0.0", "1.0.0"]);
});

test("a rollout stops when it has cost what it may cost", async () => {
  const { main } = await deployWith("max-failed-requests: 5", { version: "1.2.0", faults: { wrong: 0.5 } });
  expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
  expect(main.outputs.reason).toMatch(/\d+ bad answers of the candidate reached users, max-failed-requests is 5/);
  expect(journal().duel).toMatchObject({ asked: 50 });
});

test("a candidate that holds its bounds goes on, and the comparison stands in the evidence and in the report", async () => {
  const { main } = await deployWith("duel: { min-agreement: 100%, max-difference: 0 }", { version: "1.3.0" });
  expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
  expect(main.stdout).toContain("asked both versions 50 payloads: 100 % answered alike");
  expect(main.summary).toContain("50 of 50, the champion 50");
  expect(journal()).toMatchObject({ duel: { agreed: 50, labels: { chance: 1 } } });
  expect(championOf(serves.machine)).toBe("1.3.0");
});

test("bounds on nothing are an error of the rollout file", async () => {
  const { main } = await deployWith("duel: { min-agreement: 150% }", { version: "1.4.0" });
  expect(main.code).toBe(1);
  expect(main.stdout).toContain("duel.min-agreement is out of range");
});
