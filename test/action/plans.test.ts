import { expect, test } from "vitest";
import { registerAdder, writeAdderFiles } from "../support/adder-release.ts";
import { QUICK } from "../support/deploy-adder.ts";
import { jobContext } from "../support/job-context.ts";
import { pipelineJob, RELEASE } from "../support/pipeline-job.ts";
import { expectPlanChangesNothing } from "../support/plan.ts";
import { USER_CACHE } from "../support/python-environment.ts";

// What a plan of each action asks of the file system and the network is recorded; register-model's is in its own tests.

test("build-images plans without a trace", async () => {
  const files = { "serving/Dockerfile": "FROM scratch\nCOPY serve.py /\n", "serving/serve.py": "print()\n" };
  const { main } = await expectPlanChangesNothing("build-images", {
    job: jobContext({ tag: "v1.0.0", files }),
    with: { images: "serving: { context: serving }" },
  });
  expect({ code: main.code, summary: main.summary }).toMatchObject({
    code: 0,
    summary: expect.stringContaining("serving would be"),
  });
});

test("run-pipeline plans without a trace, though it compiles the pipeline", async () => {
  const { main, events } = await expectPlanChangesNothing("run-pipeline", {
    job: pipelineJob(),
    env: { XDG_CACHE_HOME: USER_CACHE },
    with: { pipeline: "pipeline.py", release: RELEASE, function: "training", parameters: "rows: 5" },
  });
  expect(main.code).toBe(0);
  expect(
    events.some((event) => event.kind === "program" && event.command.some((part) => part.endsWith("compile.py"))),
  ).toBe(true);
});

test("report-metrics plans without a trace", async () => {
  const { main } = await expectPlanChangesNothing("report-metrics", {
    job: jobContext({ tag: "v1.0.0" }),
    with: { metrics: '{"accuracy": 0.9}', gates: "accuracy >= 0.8", champion: "none" },
  });
  expect(main).toMatchObject({ code: 0, outputs: { verdict: "pass" } });
});

test("deploy-model plans without a trace", async () => {
  const job = jobContext({ tag: "v1.0.0" });
  writeAdderFiles(job.workspace);
  const release = await registerAdder(job.home, { version: "1.0.0" });
  const { main } = await expectPlanChangesNothing("deploy-model", { job, with: { ...QUICK, release } });
  expect(main.code).toBe(0);
});
