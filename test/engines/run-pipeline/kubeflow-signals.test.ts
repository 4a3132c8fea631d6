import { expect, test } from "vitest";
import type { StartedKfp } from "../../fakes/kfp/start-kfp.ts";
import { gpuJob, gpuTasks, kubeflowServer, runOn } from "../../support/kubeflow-action.ts";

// What a cancelled or killed job leaves on the server.

const long = gpuTasks({ runMs: 600_000 });
const trains = (stdout: string) => stdout.includes("train started");
const terminations = ({ calls }: StartedKfp) => calls.filter(({ path }) => path.endsWith(":terminate"));

test.each(["SIGINT", "SIGTERM"] as const)("%s terminates the run within 5 s; nothing of it is left", async (signal) => {
  const server = await kubeflowServer(long);
  const job = gpuJob();
  const { main, post } = await runOn(server, { job, cancelWhen: trains, signal });
  expect([main.code, main.sent.map(({ name }) => name)]).toEqual([1, [signal]]);
  expect(terminations(server)).toHaveLength(1);
  expect(server.inFlight()).toEqual([]);
  expect(main.summary).toMatch(/this step was cancelled/);
  expect(post?.code).toBe(0);
  const again = (await runOn(server, { job: gpuJob({ machine: job, runAttempt: 2 }), with: { mode: "plan" } })).main;
  expect(again.summary).toContain("would be tried again");
});

test("a terminate that the server did not take is repeated in post", async () => {
  const server = await kubeflowServer(long);
  const refused = { status: 503, headers: { "retry-after": "30" }, body: "upstream connect error" };
  server.fail({ routes: ["terminate-run"], times: 1, how: { do: "answer", answer: refused } });
  const { main, post } = await runOn(server, { job: gpuJob(), cancelWhen: trains });
  expect(main.code).toBe(1);
  expect(post?.code).toBe(0);
  expect(server.inFlight()).toEqual([]);
});

test("a step that was killed terminates its run in post", async () => {
  const server = await kubeflowServer(long);
  const { main, post } = await runOn(server, { job: gpuJob(), killWhen: trains });
  expect(main.signal).toBe("SIGKILL");
  expect(post?.code).toBe(0);
  expect(server.inFlight()).toEqual([]);
});

test("with on-cancel: keep the run goes on, and is taken up later", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 12_000 }));
  const job = gpuJob();
  const { main } = await runOn(server, { job, cancelWhen: trains, with: { "on-cancel": "keep" } });
  expect(main.code).toBe(1);
  expect(main.summary).toContain("mode: attach with release: v1.1.0 takes it up");
  expect(terminations(server)).toHaveLength(0);
  const taken = (await runOn(server, { job: gpuJob({ machine: job, runId: 900 }), with: { mode: "attach" } })).main;
  expect(taken.outputs).toMatchObject({ state: "succeeded" });
  expect(server.workflows).toHaveLength(1);
});

test("a job that follows the run of another job leaves it alone when it is cancelled", async () => {
  const server = await kubeflowServer(gpuTasks({ runMs: 15_000 }));
  const job = gpuJob();
  const first = runOn(server, { job });
  await expect.poll(() => server.workflows.length, { timeout: 20_000 }).toBe(1);
  const other = await runOn(server, { job: gpuJob({ machine: job, runId: 813 }), cancelWhen: trains });
  expect(other.main.summary).toContain("was started by another job, and goes on");
  expect(terminations(server)).toHaveLength(0);
  expect((await first).main.outputs.state).toBe("succeeded");
});
