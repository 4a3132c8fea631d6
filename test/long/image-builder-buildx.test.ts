import { afterAll, beforeAll, describe } from "vitest";
import { builderContract, engineContract } from "../contract/image-builder-contract.ts";
import { startBuildkit } from "../support/buildkit.ts";
import { openEngine, type TestEngine } from "../support/container-engines.ts";

// Not part of every test run: BuildKit has to be built from its sources, which takes minutes of CPU time.
describe("buildx on a BuildKit daemon", () => {
  let machine: TestEngine;
  beforeAll(async () => {
    const started = await startBuildkit();
    if (started === undefined) throw new Error("BuildKit needs Go and root");
    machine = started;
  });
  afterAll(() => machine?.stop());

  builderContract(() => openEngine(machine));
  engineContract((signal) => openEngine(machine, signal));
});
