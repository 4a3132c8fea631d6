import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FOUND, registerModelKills } from "../action/register-model-kills.ts";
import { jobContext } from "../support/job-context.ts";
import { all } from "../support/kill-points.ts";
import { PEAK_MEMORY } from "../support/peak-memory.ts";
import { runAction } from "../support/run-action.ts";

describe("kill -9 at every touch of the disk by register-model", () => {
  registerModelKills(all);
  describe("where the version is still to be found", () => {
    registerModelKills(all, FOUND);
  });
});

test("a model of 1 GiB is registered with less than 150 MB of memory", async () => {
  const job = jobContext({ tag: "v1.0.0" });
  const weights = join(job.workspace, "weights.bin");
  writeFileSync(weights, "");
  truncateSync(weights, 1024 ** 3);
  const peakFile = join(job.temp, "peak");
  const env = {
    NODE_OPTIONS: `--import=${PEAK_MEMORY}`,
    ML_RELEASE_TEST_PEAK: peakFile,
  };
  const { main } = await runAction("register-model", {
    job,
    with: { name: "digits", model: "weights.bin" },
    env,
    post: false,
  });
  expect(main.code).toBe(0);
  expect(Number(readFileSync(peakFile, "utf8"))).toBeLessThan(150e6);
});
