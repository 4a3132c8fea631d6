import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type FakeGitHub, startGitHub } from "../../fakes/github/github.ts";
import { JOB_TOKEN } from "../../fakes/github/tokens.ts";
import { type JobContext, type JobOptions, jobContext } from "../../support/job-context.ts";
import { gpuJob, gpuTasks, kubeflowServer, runOn } from "../../support/kubeflow-action.ts";

// A run that outlives its job: the step that lets go of it, and the steps of other jobs that take it up.

/** A scheduled job on the machine where the release was begun. */
const scheduled = (machine: JobContext, options: JobOptions = {}) =>
  jobContext({ machine, eventName: "schedule", branch: "main", runId: 900, ...options });

async function github(): Promise<FakeGitHub> {
  const started = await startGitHub();
  onTestFinished(() => started.close());
  return started;
}

const token = { "github-token": JOB_TOKEN.text };

/** What would be posted is kept as files. */
const offline = { "github-token": "" };

const checksOf = ({ state }: FakeGitHub) =>
  [...state.checkRuns.values()].map(({ fields: { name, status, conclusion } }) => ({ name, status, conclusion }));

const stored = (job: JobContext, path: string) => JSON.parse(readFileSync(join(job.home, "models", path), "utf8"));

test("a run is let go of, and taken up by another job that concludes it", async () => {
  const [server, forge] = await Promise.all([kubeflowServer(gpuTasks({ runMs: 6_000 })), github()]);
  const job = gpuJob({ apiUrl: forge.url });
  const first = (await runOn(server, { job, with: { ...token, mode: "detach" } })).main;
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: "" });
  expect(first.outputs.state).toMatch(/pending|running/);
  expect(stored(job, "releases/v1.1.0.json").run).toMatchObject({ id: first.outputs["run-id"] });
  expect(checksOf(forge)).toEqual([{ name: "run digits", status: "in_progress", conclusion: null }]);

  const early = (
    await runOn(server, {
      job: scheduled(job, { apiUrl: forge.url }),
      with: { ...token, mode: "attach", timeout: "3s" },
    })
  ).main;
  expect(early.code).toBe(0);
  expect(early.outputs.state).toMatch(/pending|running/);

  const last = (await runOn(server, { job: scheduled(job, { apiUrl: forge.url }), with: { ...token, mode: "attach" } }))
    .main;
  expect(last.code).toBe(0);
  expect(last.outputs).toMatchObject({ state: "succeeded", "run-id": first.outputs["run-id"], adopted: "true" });
  expect(JSON.parse(last.outputs.release ?? "")).toMatchObject({ id: "v1.1.0", run: { state: "succeeded" } });
  expect(stored(job, "releases/v1.1.0.json").run.state).toBe("succeeded");
  expect(checksOf(forge)).toEqual([{ name: "run digits", status: "completed", conclusion: "success" }]);
  expect(forge.problems).toEqual([]);
  expect(server.workflows).toHaveLength(1);

  const idle = (await runOn(server, { job: scheduled(job, { runId: 901 }), with: { ...token, mode: "attach" } })).main;
  expect(idle.code).toBe(0);
  expect(idle.outputs).toMatchObject({ state: "", "run-id": "" });
  expect(existsSync(join(job.home, "models/detached/v1.1.0.json"))).toBe(true);
});

test("of two jobs that take up a run at once one goes on with it; the other says so and does nothing", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 5_000 }));
  const job = gpuJob();
  await runOn(server, { job, with: { ...offline, mode: "detach" } });
  const both = await Promise.all(
    [900, 901].map((runId) => runOn(server, { job: scheduled(job, { runId }), with: { ...offline, mode: "attach" } })),
  );
  expect(both.map(({ main }) => main.code)).toEqual([0, 0]);
  expect(both.map(({ main }) => main.outputs.state).toSorted()).toEqual(["", "succeeded"]);
  expect(both.map(({ main }) => main.stdout).join("")).toMatch(/continued by another job|waits to be continued/);
});

test("a run whose job died is taken up once that job must be dead, and by its own workflow run at once", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 8_000 }));
  const job = gpuJob();
  const killed = await runOn(server, { job, killWhen: (stdout) => stdout.includes("train started"), post: false });
  expect(killed.main.signal).toBe("SIGKILL");
  const attach = { ...offline, mode: "attach" };
  const early = (await runOn(server, { job: scheduled(job), with: attach })).main;
  expect(early.outputs.state).toBe("");
  const own = { runId: 812, runAttempt: 2 };
  const taken = (await runOn(server, { job: scheduled(job, own), with: attach })).main;
  expect(taken.outputs).toMatchObject({ state: "succeeded", adopted: "true" });
  expect(server.workflows).toHaveLength(1);
  // gate, register and deploy of that workflow run failed: run again, it goes on with the same release
  const again = (await runOn(server, { job: scheduled(job, { ...own, runAttempt: 3 }), with: attach })).main;
  expect(again.outputs).toMatchObject({ state: "succeeded", "run-id": taken.outputs["run-id"] ?? "" });
});

test("a run that fails after it was let go of fails the job that takes it up, and its check", async () => {
  const [server, forge] = await Promise.all([
    kubeflowServer(gpuTasks({ ends: "Failed", message: "main: OOMKilled (exit code 137)" })),
    github(),
  ]);
  const job = gpuJob({ apiUrl: forge.url });
  await runOn(server, { job, with: { ...token, mode: "detach" } });
  const last = (await runOn(server, { job: scheduled(job, { apiUrl: forge.url }), with: { ...token, mode: "attach" } }))
    .main;
  expect(last.code).toBe(1);
  expect(last.outputs).toMatchObject({ state: "failed", "failed-task": "train" });
  expect(checksOf(forge)).toEqual([{ name: "run digits", status: "completed", conclusion: "failure" }]);
});
