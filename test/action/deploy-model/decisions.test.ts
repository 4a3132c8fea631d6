import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { VersionChange } from "../../../actions/shared/domain/version-state.ts";
import { changeState } from "../../../actions/shared/lib/model-registry/states.ts";
import { existingVersion } from "../../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../../actions/shared/local/folder-store.ts";
import { registerAdder, writeAdderFiles } from "../../support/adder-release.ts";
import { championOf, deployAdder, jsonIn, QUICK, servingMachine, whoServes } from "../../support/deploy-adder.ts";
import { jobContext } from "../../support/job-context.ts";
import { runAction } from "../../support/run-action.ts";

const KEEP = { keep: "true" };

let serves: Awaited<ReturnType<typeof servingMachine>>;
beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves.remove());

const modelsOf = () => join(serves.machine.home, "models");

async function decide(version: string, change: VersionChange): Promise<void> {
  const store = folderStore(modelsOf());
  const { digest } = await existingVersion(store, { name: "adder", version, input: "version" });
  const decision = { reason: "adds up wrong", act: { by: "ada", at: "2026-11-20T09:00:00Z" } };
  await changeState(store, { name: "adder", version, digest, change, decision });
}

test("a version that was taken out of use is not rolled out, nor planned to be", async () => {
  await registerAdder(serves.machine.home, { version: "1.1.0" });
  await decide("1.1.0", "retired");
  for (const mode of ["deploy", "plan"]) {
    const { main } = await deployAdder({ version: "1.1.0", machine: serves.machine, with: { ...KEEP, mode } });
    expect(main.code).toBe(1);
    expect(main.summary).toContain("adder 1.1.0: retired by ada on 2026-11-20 (adds up wrong)");
    expect(main.summary).toContain("mode: restore");
  }
  expect(await whoServes(serves.url)).toBe("1.0.0");
});

test("where champion asks for an approval, a version is rolled out once it has one", async () => {
  mkdirSync(modelsOf(), { recursive: true });
  const settings = join(modelsOf(), "registry.json");
  writeFileSync(settings, JSON.stringify({ schema: 1, aliases: { champion: { approval: true } } }));
  onTestFinished(() => rmSync(settings));
  const refused = await deployAdder({ version: "1.2.0", machine: serves.machine, with: KEEP });
  expect(refused.main.outputs).toMatchObject({ decision: "refused" });
  expect(refused.main.outputs.reason).toContain("adder 1.2.0: nobody approved it");
  await decide("1.2.0", "approved");
  const { main } = await deployAdder({ version: "1.2.0", machine: serves.machine, with: KEEP });
  expect(main.outputs).toMatchObject({ decision: "promoted" });
  expect(championOf(serves.machine)).toBe("1.2.0");
});

test("a version that is taken out of use during its rollout is rolled back", async () => {
  const stable = championOf(serves.machine);
  let decided: Promise<void> | undefined;
  const onOutput = (text: string) => {
    if (text.includes("sent 40 % of the traffic")) decided ??= decide("1.4.0", "retired");
  };
  const { main } = await deployAdder({
    version: "1.4.0",
    machine: serves.machine,
    with: { ...KEEP, steps: "20%, 40%, 60%", "step-duration": "2s" },
    run: { onOutput },
  });
  await decided;
  expect(main.code).toBe(1);
  expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
  expect(main.outputs.reason).toContain("it was taken out of use by ada on 2026-11-20: adds up wrong");
  expect([championOf(serves.machine), await whoServes(serves.url)]).toEqual([stable, stable]);
});

test("a rollout that was cut short does not go on with a version that was taken out of use meanwhile", async () => {
  const stable = championOf(serves.machine);
  const job = jobContext({ tag: "v1.3.0", machine: serves.machine });
  writeAdderFiles(job.workspace);
  const release = await registerAdder(job.home, { version: "1.3.0" });
  const killed = await runAction(resolve(import.meta.dirname, "../../fixtures/actions/killed-deploy-model"), {
    job,
    with: { ...QUICK, ...KEEP, release },
    env: { DIE_AT: "11 after", DIE_HOME: serves.machine.home },
    post: false,
  });
  expect(killed.main.signal).toBe("SIGKILL");
  await decide("1.3.0", "retired");
  const { main } = await deployAdder({ version: "1.3.0", machine: serves.machine, with: KEEP });
  expect(main.outputs).toMatchObject({ decision: "refused" });
  expect(main.stdout).toContain("had been cut short: ended it");
  expect(jsonIn(serves.machine, "serving", "adder", "journal.json")).toMatchObject({ phase: "ended", share: 0 });
  expect([championOf(serves.machine), await whoServes(serves.url)]).toEqual([stable, stable]);
});
