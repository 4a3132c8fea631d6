import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deployAdder, inMode, jsonIn, processesOf, servingMachine, whoServes } from "../../support/deploy-adder.ts";
import { jobContext } from "../../support/job-context.ts";

let serves: Awaited<ReturnType<typeof servingMachine>>;
beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves.remove());

describe("plan", () => {
  test("says what would be done and how long it would take, and changes nothing", async () => {
    const before = [jsonIn(serves.machine, "serving", "adder", "current.json"), processesOf(serves.machine.home)];
    const { main } = await deployAdder({
      version: "1.1.0",
      machine: serves.machine,
      with: { mode: "plan", keep: "true" },
    });
    expect(main.code).toBe(0);
    expect(main.stdout).toContain("adder 1.1.0 would be compared with 1.0.0 in a canary: 50 % → all");
    expect(main.summary).toMatch(
      /Forecast at 200 requests\/s, if stable has 1 % errors, 1 % wrong: a candidate as good as stable is promoted after .* is found with 90 % probability/,
    );
    expect([jsonIn(serves.machine, "serving", "adder", "current.json"), processesOf(serves.machine.home)]).toEqual(
      before,
    );
  });

  test("fails for what would be refused", async () => {
    const { main } = await deployAdder({
      version: "1.2.0",
      verdict: "fail",
      machine: serves.machine,
      with: { mode: "plan" },
    });
    expect(main.code).toBe(1);
    expect(main.summary).toContain("would not be rolled out: adder 1.2.0 did not pass its gate");
  });
});

describe("status", () => {
  test("says who serves and what the last rollout came to", async () => {
    const { main } = await inMode("status", serves.machine, { keep: "true" });
    expect(main.code).toBe(0);
    expect(main.outputs.url).toBe(serves.url);
    expect(main.summary).toContain("1.0.0 at `http://127.0.0.1:");
    expect(main.summary).toContain("process, image not executed");
    expect(main.summary).toContain("1.0.0, ended, promoted");
    expect(main.summary).toContain("nobody");
  });

  test("of a model that never served", async () => {
    const { main } = await inMode("status", jobContext());
    expect(main.summary).toContain("adder: nothing serves");
  });
});

describe("recover and abort", () => {
  test.each(["recover", "abort"])("%s does nothing where there is nothing to do", async (mode) => {
    const { main } = await inMode(mode, serves.machine, { keep: "true" });
    expect(main.code).toBe(0);
    expect(main.outputs.reason).toBe("The last rollout had come to its end. 1.0.0 serves.");
    expect(await whoServes(serves.url)).toBe("1.0.0");
  });
});

describe("replay", () => {
  test("of the evidence of a rollout gives the same verdict", async () => {
    const rolled = await deployAdder({
      version: "1.3.0",
      faults: { wrong: 0.5 },
      machine: serves.machine,
      with: { keep: "true" },
    });
    const evidence = rolled.main.outputs.evidence ?? "";
    const { main } = await inMode("replay", serves.machine, { evidence });
    expect(main.code).toBe(0);
    expect(main.outputs.decision).toBe("rolled-back");
    expect(main.summary).toMatch(/looks? of adder 1\.3\.0 judged again come to the same: rolled-back/);

    const tampered = join(serves.machine.temp, "tampered.json");
    writeFileSync(
      tampered,
      readFileSync(evidence, "utf8").replace('"decision":"rolled-back"', '"decision":"promoted"'),
    );
    const refused = await inMode("replay", serves.machine, { evidence: tampered });
    expect(refused.main.code).toBe(1);
    expect(refused.main.stdout).toContain("was changed since it was written");
  });

  test("needs an evidence file", async () => {
    const { main } = await inMode("replay", serves.machine, { evidence: "none.json" });
    expect(main.stdout).toContain("mode replay needs an evidence file");
  });
});

describe("inputs that cannot be", () => {
  test.each([
    [{ payloads: "" }, "target local needs payloads"],
    [{ serve: "python3 server.py | tee log" }, "is run without a shell"],
    [{ serve: "" }, "and no command is given"],
    [{ steps: "50%, 10%" }, "steps[1] must be larger than steps[0]"],
    [{ rollout: "rollout.yaml" }, "did you mean steps?"],
    [{ model: "adder@9.9.9" }, "adder 9.9.9 is not registered"],
    [{ model: "adder@blue" }, "adder has neither an alias nor a version of this name"],
    [{ "step-duration": "50ms" }, "step-duration must not be shorter than look"],
  ])("%j", async (wrong, message) => {
    const job = jobContext({ tag: "v1.9.0", machine: serves.machine, files: { "rollout.yaml": "stepps: 5%\n" } });
    const { main } = await deployAdder({ version: "1.9.0", job, machine: serves.machine, with: wrong });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain(message);
    expect(processesOf(serves.machine.home)).toHaveLength(2);
  });
});
