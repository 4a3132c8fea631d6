import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  championOf,
  type Deployment,
  deployAdder,
  jsonIn,
  processesOf,
  servingMachine,
  whoServes,
} from "../../support/deploy-adder.ts";
import type { Faults } from "../../support/oip-server.ts";

const KEEP = { keep: "true" };

test("three releases on a machine that stays: the first, a better one, and one that answers wrong", async () => {
  const first = await deployAdder({ version: "1.0.0", with: KEEP });
  expect(first.main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
  expect(first.main.summary).toContain("It is the first to serve");
  const url = first.main.outputs.url ?? "";
  expect(await whoServes(url)).toBe("1.0.0");
  expect(championOf(first.job)).toBe("1.0.0");

  const second = await deployAdder({ version: "1.1.0", machine: first.job, with: KEEP });
  expect(second.main.outputs).toMatchObject({ decision: "promoted", exposure: "1", url });
  expect(second.main.summary).toContain("`champion` of adder is 1.1.0 (was 1.0.0)");
  expect(await whoServes(url)).toBe("1.1.0");

  const third = await deployAdder({ version: "1.2.0", faults: { wrong: 0.5 }, machine: first.job, with: KEEP });
  expect(third.main.code).toBe(1);
  expect(third.main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0", url });
  expect(third.main.outputs.reason).toMatch(/% of its answers were wrong, 0 % of the champion's; proof .* to 1 where/);
  expect(third.main.summary).toContain("Champion 1.1.0 serves everything again (counted: 0 of ");
  expect(third.main.summary).toContain("outputs[sum].data[0]");
  expect(await whoServes(url)).toBe("1.1.0");
  expect(championOf(first.job)).toBe("1.1.0");
  // Stable and the splitter, nothing else.
  expect(processesOf(first.job.home)).toHaveLength(2);

  const again = await deployAdder({ version: "1.1.0", machine: first.job, with: KEEP });
  expect(again.main.code).toBe(0);
  expect(again.main.stdout).toContain("Nothing to do: adder 1.1.0 serves already");
  const older = await deployAdder({ version: "1.0.0", machine: first.job, with: KEEP });
  expect(older.main.code).toBe(0);
  expect(older.main.stdout).toMatch(/Nothing to do: adder 1\.0\.0 was promoted at .*; 1\.1\.0 took its place since/);
});

test("a rehearsal leaves nothing running, and the next one starts the champion for its canary", async () => {
  const first = await deployAdder({ version: "1.0.0" });
  expect(first.main.outputs).toMatchObject({ decision: "promoted", url: "" });
  expect(first.main.summary).toContain("Rehearsal: nothing serves after this step.");
  expect(processesOf(first.job.home)).toEqual([]);
  const second = await deployAdder({ version: "1.1.0", machine: first.job });
  expect(second.main.outputs.decision).toBe("promoted");
  expect(second.main.stdout).toContain("started adder 1.0.0 as stable");
  expect(processesOf(first.job.home)).toEqual([]);
  expect(jsonIn(first.job, "serving", "adder", "lease.json")).toMatchObject({ state: "free" });
});

test("the record says what became of the release", async () => {
  const { main, job } = await deployAdder({ version: "1.0.0" });
  const { deployment } = JSON.parse(main.outputs.release ?? "") as { deployment: Record<string, unknown> };
  expect(deployment).toMatchObject({
    target: "local",
    decision: "promoted",
    exposure: 1,
    rehearsal: true,
    imageExecuted: false,
  });
  expect(deployment.evidenceDigest).toMatch(/^sha256:/);
  const evidence = JSON.parse(readFileSync(main.outputs.evidence ?? "", "utf8")) as { looks: readonly unknown[] };
  expect(evidence.looks.length).toBeGreaterThan(1);
  const events = jsonIn<{ event: string }>(job, "models", "adder", "log", `${"2".padStart(20, "0")}.json`);
  expect(["promoted", "alias-moved"]).toContain(events.event);
});

test.each([
  ["ends at once", { endsAtOnce: true }, /must stay up.*no memory for this model/s],
  ["serves another model", { name: "other" }, /its smoke test failed/],
] as const)("a first version whose server %s is taken back, and nothing serves", async (_, faults, reason) => {
  const { main, job } = await deployAdder({ version: "1.0.0", faults, with: KEEP });
  expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
  expect(main.outputs.reason).toMatch(reason);
  expect(main.outputs.url ?? "").toBe("");
  expect(processesOf(job.home)).toEqual([]);
});

describe("beside a version that serves", () => {
  let serves: Awaited<ReturnType<typeof servingMachine>>;
  let number = 0;
  beforeAll(async () => {
    serves = await servingMachine();
  });
  afterAll(() => serves.remove());

  const candidate = (deployment: Omit<Deployment, "version" | "machine">) =>
    deployAdder({
      ...deployment,
      version: `1.${++number}.0`,
      machine: serves.machine,
      with: { ...KEEP, ...deployment.with },
    });

  async function expectOnlyStable() {
    expect(await whoServes(serves.url)).toBe("1.0.0");
    expect(championOf(serves.machine)).toBe("1.0.0");
    expect(processesOf(serves.machine.home)).toHaveLength(2);
    expect(jsonIn(serves.machine, "serving", "adder", "lease.json")).toMatchObject({ state: "free" });
  }

  type Row = readonly [string, Faults, Readonly<Record<string, string>>, RegExp];
  test.each<Row>([
    ["that answers with errors", { errors: 0.2 }, {}, /of its answers were errors/],
    ["whose answers have no shape", { misshapen: 0.2 }, {}, /of its answers were errors/],
    ["that is slow", { slow: 0.5, slowMs: 120 }, { "latency-bound": "60ms" }, /of its answers were slow/],
    ["whose server ends in the middle", { endsAfter: 150 }, {}, /ended by itself|its answers were errors/],
    ["whose server ends at once", { endsAtOnce: true }, {}, /must stay up.*no memory for this model/s],
    ["that is never ready", { neverReady: true }, { "ready-timeout": "1s" }, /did not become ready in time/],
    ["whose server serves another model", { name: "other" }, {}, /its smoke test failed/],
    ["most of whose smoke requests fail", { errors: 0.9 }, {}, /its smoke test failed: \d+ of 20 requests failed/],
  ])("a candidate is taken back %s", async (_, ...[faults, more, reason]) => {
    const { main } = await candidate({ faults, with: more });
    expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0", url: serves.url });
    expect(main.outputs.reason).toMatch(reason);
    await expectOnlyStable();
  });

  test("a canary without proof is held, and stable serves", async () => {
    const unproved = { "step-duration": "600ms", "max-step-duration": "1200ms", "max-error-rate": "0.1%" };
    const held = await candidate({ with: unproved });
    expect(held.main.outputs).toMatchObject({ decision: "held", exposure: "0" });
    expect(held.main.outputs.reason).toContain("neither alarm nor proof");
    expect(held.main.code).toBe(1);
    await expectOnlyStable();
    const allowed = await candidate({ with: { ...unproved, "allow-hold": "true" } });
    expect(allowed.main).toMatchObject({ code: 0, outputs: { decision: "held" } });
  });

  test("a canary without enough requests does what was declared", async () => {
    const few = { "min-requests": "100000", "step-duration": "300ms", "max-step-duration": "600ms" };
    const { main } = await candidate({ with: { ...few, "on-no-data": "rollback" } });
    expect(main.outputs.decision).toBe("rolled-back");
    expect(main.outputs.reason).toMatch(/^only \d+ of at least 100000 requests met the candidate/);
    await expectOnlyStable();
  });
});

test("a first release that is bad by itself leaves nothing", async () => {
  const { main, job } = await deployAdder({ version: "1.0.0", faults: { wrong: 0.6 }, with: KEEP });
  expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0", url: "" });
  expect(main.outputs.reason).toContain("over the limit of 25 % that needs no comparison");
  expect(championOf(job)).toBeUndefined();
  expect(processesOf(job.home)).toEqual([]);
});

describe("nothing is started for a version", () => {
  test.each([
    ["that failed its gate", { verdict: "fail" }, "did not pass its gate (fail: accuracy >= 0.95)"],
    ["of whose metrics the gate had no data", { verdict: "no-data" }, "did not pass its gate (no-data"],
    ["that nobody judged", { verdict: "none" }, "no gate has judged adder 1.0.0"],
  ] as const)("%s", async (_, options, reason) => {
    const { main, job } = await deployAdder({ version: "1.0.0", ...options });
    expect(main.code).toBe(1);
    expect(main.outputs).toMatchObject({ decision: "refused", exposure: "0" });
    expect(main.outputs.reason).toContain(reason);
    expect(processesOf(job.home)).toEqual([]);
  });

  test("that is older than the one that serves", async () => {
    const first = await deployAdder({ version: "1.1.0", with: KEEP });
    const second = await deployAdder({ version: "1.0.0", machine: first.job, with: KEEP });
    expect(second.main.outputs).toMatchObject({ decision: "refused" });
    expect(second.main.outputs.reason).toContain("is older than 1.1.0");
    const allowed = await deployAdder({
      version: "1.0.0",
      machine: first.job,
      with: { ...KEEP, "allow-downgrade": "true" },
    });
    expect(allowed.main.outputs).toMatchObject({ decision: "promoted" });
  });
});

test("a version that nobody judged is judged by the gates that are given here", async () => {
  const passed = await deployAdder({ version: "1.0.0", verdict: "none", with: { gates: "accuracy >= 0.95" } });
  expect(passed.main.outputs.decision).toBe("promoted");
  const failed = await deployAdder({
    version: "1.1.0",
    verdict: "none",
    machine: passed.job,
    with: { gates: "rules: [accuracy >= 0.99]" },
  });
  expect(failed.main.outputs.reason).toContain("did not pass its gate (fail: accuracy >= 0.99)");
});
