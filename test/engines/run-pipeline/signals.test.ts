import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { JobContext } from "../../support/job-context.ts";
import { pipelineJob, runPipeline } from "../../support/pipeline-job.ts";
import { isRunning } from "../../support/processes.ts";
import { kfpPython } from "../../support/python-environment.ts";

beforeAll(() => kfpPython(), 300_000);

const waiting = (job: JobContext) => ({ function: "waiting", parameters: `folder: ${job.userHome}` });
const pidsOf = (job: JobContext) => readFileSync(join(job.userHome, "pids"), "utf8").split(" ").map(Number);

/** Holds as soon as the task has started what tries to outlive it. The action is another process: waiting here does not hold it up. */
function lingers(job: JobContext) {
  return (stdout: string): boolean => {
    if (!stdout.includes("linger started")) return false;
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 400 && !existsSync(join(job.userHome, "pids")); i++) Atomics.wait(clock, 0, 0, 25);
    return true;
  };
}

async function allEnd(pids: readonly number[]): Promise<boolean> {
  for (let i = 0; i < 200 && pids.some(isRunning); i++) await new Promise((done) => setTimeout(done, 25));
  return !pids.some(isRunning);
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in a run ends every task within 5 s; run again, it goes on",
  async (signal) => {
    const job = pipelineJob();
    const { main, post } = await runPipeline({ job, with: waiting(job), cancelWhen: lingers(job), signal });
    expect(main.sent.map(({ name }) => name)).toEqual([signal]);
    expect(main.code).toBe(1);
    expect(main.summary).toMatch(/ended the tasks of run [0-9a-f-]{36}; it can be resumed/);
    expect(pidsOf(job).map(isRunning)).toEqual([false, false, false]);
    expect(post?.code).toBe(0);

    writeFileSync(join(job.userHome, "mended"), "");
    const again = (await runPipeline({ job, with: waiting(job) })).main;
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("it was cancelled before; tasks that have finished are kept");
    expect(again.stdout).toContain("  mark had finished before, its outputs are kept\n");
    expect(readFileSync(join(job.userHome, "first"), "utf8")).toBe("ran\n");
  },
);

test("an action that is killed leaves nothing running; post says so; run again, it goes on", async () => {
  const job = pipelineJob();
  const { main, post } = await runPipeline({ job, with: waiting(job), killWhen: lingers(job) });
  expect(main.signal).toBe("SIGKILL");
  expect(await allEnd(pidsOf(job))).toBe(true);
  expect(post?.stdout).toMatch(/nothing of run .* is running|ended the tasks of run/);

  writeFileSync(join(job.userHome, "mended"), "");
  const again = (await runPipeline({ job, with: waiting(job) })).main;
  expect(again.code).toBe(0);
  expect(again.outputs["run-id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(again.stdout).toContain("tasks that have finished are kept");
  expect(readFileSync(join(job.userHome, "first"), "utf8")).toBe("ran\n");
});

test("a cancel while the pipeline is compiled ends the compiler; nothing was started", async () => {
  const job = pipelineJob({
    files: {
      "slow.py": `import os, time
open(os.environ["HOME"] + "/pids", "w").write(str(os.getpid()))
print("compiling slowly", flush=True)
time.sleep(3600)
`,
    },
  });
  const { main } = await runPipeline({
    job,
    with: { pipeline: "slow.py" },
    cancelWhen: (stdout) => stdout.includes("compiling slowly"),
  });
  expect(main.code).toBe(1);
  expect(main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
  expect(main.summary).toContain("No run was started.");
  expect(pidsOf(job).map(isRunning)).toEqual([false]);
  expect(existsSync(join(job.home, "runs"))).toBe(false);
});

test("a step that takes longer than its timeout ends its run", async () => {
  const job = pipelineJob();
  const { main } = await runPipeline({ job, with: { ...waiting(job), timeout: "12s" } });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")?.message).toMatch(/took longer than it may/);
  expect(await allEnd(pidsOf(job))).toBe(true);
});

test("two jobs at once run it once, and both have its result", async () => {
  const [one, other] = [pipelineJob(), pipelineJob()];
  writeFileSync(join(one.userHome, "mended"), "");
  const inputs = { function: "failing", parameters: `folder: ${one.userHome}` };
  // both jobs are on one machine: the same folders
  const results = await Promise.all(
    [one, other].map((job) => runPipeline({ job: { ...job, env: { ...job.env, HOME: one.userHome } }, with: inputs })),
  );
  expect(results.map(({ main }) => [main.code, main.outputs.state])).toEqual([
    [0, "succeeded"],
    [0, "succeeded"],
  ]);
  expect(new Set(results.map(({ main }) => main.outputs["run-id"])).size).toBe(1);
  expect(readFileSync(join(one.userHome, "first"), "utf8")).toBe("ran\n");
});
