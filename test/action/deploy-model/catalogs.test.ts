import { expect, onTestFinished, test } from "vitest";
import { textAnswer } from "../../fakes/hub/answer.ts";
import { startHub } from "../../fakes/hub/start-hub.ts";
import { championOf, deployAdder } from "../../support/deploy-adder.ts";

async function hub() {
  const started = await startHub();
  onTestFinished(() => started.close());
  return started;
}

const KEEP = { keep: "true" };

test("a model registry of Kubeflow has the history of what was deployed, and what serves now", async () => {
  const { url, all } = await hub();
  const to = { ...KEEP, "kubeflow-registry": url };
  const first = await deployAdder({ version: "1.0.0", with: to });
  expect(first.main.outputs.decision).toBe("promoted");
  expect(all("registeredModel")).toMatchObject([
    { name: "adder", customProperties: { alias_champion: { string_value: "1.0.0" } } },
  ]);
  expect(all("servingEnvironment")).toMatchObject([{ name: "local of acme/digits" }]);
  const [version] = all("modelVersion");
  expect(all("inferenceService")).toMatchObject([{ name: "local/adder", modelVersionId: version?.id }]);
  expect(all("serveModel")).toMatchObject([{ modelVersionId: version?.id, lastKnownState: "RUNNING" }]);

  const second = await deployAdder({ version: "1.1.0", faults: { wrong: 0.5 }, machine: first.job, with: to });
  expect(second.main.outputs.decision).toBe("rolled-back");
  expect(all("serveModel").map(({ lastKnownState }) => lastKnownState)).toEqual(["RUNNING", "FAILED"]);
  expect(all("inferenceService")).toMatchObject([{ modelVersionId: version?.id }]);
  expect(all("registeredModel")).toMatchObject([{ customProperties: { alias_champion: { string_value: "1.0.0" } } }]);
});

test("a promotion that could not be told stands; the step fails, and the next run tells it", async () => {
  const { url, all, befall } = await hub();
  const to = { ...KEEP, "kubeflow-registry": url };
  befall(({ path }) => (path.endsWith("/serves") ? textAnswer(500, "database is locked") : undefined));
  const first = await deployAdder({ version: "1.0.0", with: to });
  expect(first.main.code).toBe(1);
  expect(first.main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
  expect(first.main.summary).toMatch(/❌ Promoted adder 1\.0\.0 .*; the model registry of Kubeflow could not be told/);
  expect(championOf(first.job)).toBe("1.0.0");
  expect(all("serveModel")).toEqual([]);

  befall(undefined);
  const again = await deployAdder({ version: "1.0.0", machine: first.job, with: to });
  expect(again.main.code).toBe(0);
  expect(again.main.stdout).toContain("Nothing to do: adder 1.0.0 serves already");
  expect(all("serveModel")).toMatchObject([{ lastKnownState: "RUNNING" }]);
});
