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

const checksOf = ({ state }: FakeGitHub) =>
  [...state.checkRuns.values()].map(({ fields: { name, status, conclusion } }) => ({ name, status, conclusion }));

const stored = (job: JobContext, path: string) => JSON.parse(readFileSync(join(job.home, "models", path), "utf8"));

test("a run is let go of, and taken up by another job that concludes it", async () => {
  const [server, forge] = await Promise.all([kubeflowServer(gpuTasks({ runMs: 6_000 })), github()]);
  const job = gpuJob({ apiUrl: forge.url });
  const first = (await runOn(server, { job, with: { ...token, mode: "detach" } })).main;
  console.log(first.stdout, first.summary);
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
  console.log(early.stdout, early.summary);
  expect(early.code).toBe(0);
  expect(early.outputs.state).toMatch(/pending|running/);

  const last = (await runOn(server, { job: scheduled(job, { apiUrl: forge.url }), with: { ...token, mode: "attach" } }))
    .main;
  console.log(last.stdout, last.summary);
  expect(last.code).toBe(0);
  expect(last.outputs).toMatchObject({ state: "succeeded", "run-id": first.outputs["run-id"], adopted: "true" });
  expect(JSON.parse(last.outputs.release ?? "")).toMatchObject({ id: "v1.1.0", run: { state: "succeeded" } });
  expect(stored(job, "releases/v1.1.0.json").run.state).toBe("succeeded");
  expect(checksOf(forge)).toEqual([{ name: "run digits", status: "completed", conclusion: "success" }]);
  expect(forge.problems).toEqual([]);
  expect(server.workflows).toHaveLength(1);

  const idle = (await runOn(server, { job: scheduled(job, { runId: 901 }), with: { ...token, mode: "attach" } })).main;
  console.log(idle.stdout);
  expect(idle.code).toBe(0);
  expect(idle.outputs).toMatchObject({ state: "", "run-id": "" });
  expect(existsSync(join(job.home, "models/detached/v1.1.0.json"))).toBe(true);
});
