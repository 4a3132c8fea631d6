import { expect, test } from "vitest";
import type { StartedKfp } from "../../fakes/kfp/start-kfp.ts";
import type { JobContext } from "../../support/job-context.ts";
import { GPU_PACKAGE, gpuJob, gpuTasks, kubeflowServer, runOn, UNSCHEDULABLE } from "../../support/kubeflow-action.ts";
import { calm } from "../../support/pipeline-job.ts";
import { expectPlanChangesNothing } from "../../support/plan.ts";

// The action as a process against a Kubeflow Pipelines server that goes on while it waits.

const still = (text: string, job: JobContext, { url }: StartedKfp) =>
  calm(text, job)
    .replaceAll(url, "KFP")
    .replaceAll(/\([0-9a-f-]{36}\)/g, "(ID)")
    .replaceAll(/[\d.]+ GPU hours/g, "N GPU hours");

const runsOf = ({ state }: StartedKfp) => [...state.runs.values()].map(({ state: is }) => is);

test("a plan says what would be uploaded and started, and changes nothing", async () => {
  const server = await kubeflowServer();
  const job = gpuJob();
  const { main } = await expectPlanChangesNothing("run-pipeline", {
    job,
    with: { pipeline: "pipeline.yaml", endpoint: server.url, "max-gpu-hours": "40" },
  });
  expect(still(main.summary, job, server)).toMatchSnapshot();
  expect(main.outputs).toMatchObject({ state: "", adopted: "false" });
  expect([server.state.pipelines.size, server.state.experiments.size, server.workflows.length]).toEqual([0, 0, 0]);
});

test("on a GitHub-hosted runner the plan says that two jobs at once are not kept apart", async () => {
  const server = await kubeflowServer();
  const { main } = await runOn(server, { job: gpuJob({ hosted: true }), with: { mode: "plan" } });
  expect(main.summary).toContain("Two jobs at once are not kept apart");
});

test("a run is uploaded, started, followed and concluded; run again, it is adopted", async () => {
  const server = await kubeflowServer(gpuTasks({ waits: [{ ms: 1_500, message: UNSCHEDULABLE }] }));
  const job = gpuJob();
  const first = (await runOn(server, { job })).main;
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: "" });
  // which of a task's moments is seen depends on when it is looked at
  const lines = still(first.stdout, job, server).replaceAll(/^ {2}\w+ (started|waits: .*)\n/gm, "");
  expect(lines).toMatchSnapshot("log");
  expect(still(first.summary, job, server)).toMatchSnapshot("summary");
  expect(first.outputs).toMatchObject({ state: "succeeded", adopted: "false", reason: "", "failed-task": "" });
  expect(first.outputs["run-url"]).toBe(`${server.url}/#/runs/details/${first.outputs["run-id"]}`);
  expect(JSON.parse(first.outputs.release ?? "").pipeline).toMatchObject({ engine: "kubeflow", version: "v1.1.0" });

  const again = (await runOn(server, { job: gpuJob({ machine: job }) })).main;
  expect(again.code).toBe(0);
  expect(again.outputs).toMatchObject({ state: "succeeded", adopted: "true", "run-id": first.outputs["run-id"] });
  expect(again.stdout).toContain("✅ digits v1.1.0 was run before, its run is adopted\n");
  expect(server.workflows).toHaveLength(1);
});

test("a run that finds no GPU is given up after its budget, in the pod's words, with what was asked for; nothing is left running", async () => {
  const server = await kubeflowServer(gpuTasks({ waits: [{ ms: 600_000, message: UNSCHEDULABLE }] }));
  const job = gpuJob();
  const { main } = await runOn(server, { job, with: { "unschedulable-timeout": "3s" } });
  expect(main.code).toBe(1);
  expect(main.outputs).toMatchObject({
    state: "failed",
    "failed-task": "train",
    reason:
      "task train waited for 2 x nvidia.com/gpu longer than 3s (unschedulable-timeout): 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
  });
  expect(main.summary).toContain(
    "Bring a node with 2 x nvidia.com/gpu free, ask for fewer, or set unschedulable-timeout higher",
  );
  expect(JSON.parse(main.outputs.release ?? "").run.state).toBe("failed");
  expect(server.inFlight()).toEqual([]);
});

test("an image that can never be pulled ends the run at once", async () => {
  const invalid = 'InvalidImageName: couldn\'t parse image reference "trainer:": invalid reference format';
  const server = await kubeflowServer(gpuTasks({ waits: [{ ms: 600_000, message: invalid }] }));
  const { main } = await runOn(server, { job: gpuJob() });
  expect(main.code).toBe(1);
  expect(main.outputs.reason).toContain("task train can never start:");
  expect(server.inFlight()).toEqual([]);
});

test("a failed task is told with its exit code and the end of its log; run again, it is tried again and what had finished is kept", async () => {
  const log = "epoch 1\nValueError: the data is broken\n";
  const server = await kubeflowServer(gpuTasks({ ends: "Failed", message: "main: Error (exit code 3)", log }));
  const job = gpuJob();
  const { main } = await runOn(server, { job });
  expect(main.code).toBe(1);
  expect(main.outputs).toMatchObject({
    state: "failed",
    "failed-task": "train",
    reason: "task train ended with exit code 3: ValueError: the data is broken",
  });
  expect(main.summary).toContain("Last lines of train");
  const again = (await runOn(server, { job: gpuJob({ machine: job }) })).main;
  expect(again.stdout).toContain("it has failed before; tasks that have finished are kept");
  expect(server.workflows).toHaveLength(1);
});

test("GPUs that were had for longer than max-gpu-hours end the run", async () => {
  const accelerator = { resourceType: "nvidia.com/gpu", resourceCount: "64" };
  const executors = {
    ...GPU_PACKAGE.executors,
    "exec-train": { container: { image: `x@sha256:${"c".repeat(64)}`, resources: { accelerator } } },
  };
  const server = await kubeflowServer(gpuTasks({ runMs: 600_000 }));
  const { main } = await runOn(server, {
    job: gpuJob({}, { ...GPU_PACKAGE, executors }),
    with: { "max-gpu-hours": "0.02" },
  });
  expect(main.code).toBe(1);
  expect(main.outputs.reason).toMatch(
    /^its tasks have had GPUs for 0\.\d\d hours, most by task train: 64 x nvidia\.com\/gpu/,
  );
  expect(server.inFlight()).toEqual([]);
});

test("an outage in the middle says nothing about the run", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 6_000 }));
  const refused = { status: 503, headers: {}, body: "upstream connect error" };
  server.fail({ routes: ["get-run"], after: 3, times: 5, how: { do: "answer", answer: refused } });
  const { main } = await runOn(server, { job: gpuJob() });
  expect(main.code).toBe(0);
  expect(main.stdout).toMatch(/The engine does not answer .*503/);
  expect(main.stdout).toContain("The engine answers again after");
  expect(runsOf(server)).toEqual(["SUCCEEDED"]);
});

test("an outage that is longer than max-outage fails the step, not the run: run again, it is adopted", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 10_000 }));
  const refused = { status: 503, headers: {}, body: "upstream connect error" };
  server.fail({ routes: ["get-run"], after: 3, times: 1_000, how: { do: "answer", answer: refused } });
  const job = gpuJob();
  const { main } = await runOn(server, { job, with: { "max-outage": "2s" } });
  expect(main.code).toBe(1);
  expect(main.stdout).toContain("UNAVAILABLE");
  server.faults.clear();
  const again = (await runOn(server, { job: gpuJob({ machine: job, runAttempt: 2 }) })).main;
  expect([again.code, again.outputs.adopted]).toEqual([0, "true"]);
  expect(server.workflows).toHaveLength(1);
});
