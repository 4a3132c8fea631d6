import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jobContext } from "../../support/job-context.ts";
import { type ActionRun, type Phase, runAction } from "../../support/run-action.ts";

const echo = (run: ActionRun) => runAction("test/fixtures/actions/echo", run);

/** The pid that the action has logged of its child. */
const childOf = ({ stdout }: Phase) => Number(/waiting, child (\d+)/.exec(stdout)?.[1]);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

const waiting = (stdout: string) => stdout.includes("waiting, child");

test.for(["SIGINT", "SIGTERM"] as const)(
  "%s: the cancel comes first, children are ended, the report is written",
  async (signal) => {
    const job = jobContext({ tag: "v1" });
    const { main, post } = await echo({ job, signal, with: { message: "x", pause: "5m" }, cancelWhen: waiting });
    expect(main.code).toBe(1);
    expect(main.sent.map(({ name }) => name)).toEqual([signal]);
    expect(JSON.parse(readFileSync(join(job.temp, "cancelled.json"), "utf8"))).toEqual({ begun: "x" });
    expect(isAlive(childOf(main))).toBe(false);
    expect(main.summary).toBe(
      `### ↩️ \`CANCELLED\` this step was cancelled (saw ${signal})\n\nWhat to do: run it again: it goes on where this one ended\n\nTook back {"begun":"x"}.\n`,
    );
    expect(main.state).toEqual({ saved: '{"begun":"x"}', progress: "concluded" });
    expect(JSON.parse(main.outputs.release ?? "").id).toBe("v1");
    expect(post).toMatchObject({ code: 0, stdout: "" });
  },
);

test("a second signal starts no second cancel", async () => {
  const job = jobContext();
  const { main } = await echo({
    job,
    with: { message: "x", pause: "5m", cancel: "hangs" },
    cancelWhen: waiting,
    timing: { term: 300, kill: 9_000 },
    post: false,
  });
  expect(main.code).toBe(1);
  expect(main.sent.map(({ name }) => name)).toEqual(["SIGINT", "SIGTERM"]);
  expect(main.summary.match(/could not be/g)).toHaveLength(1);
});

test("a cancel that hangs is given up in time, and left to post", async () => {
  const job = jobContext();
  const { main } = await echo({
    job,
    with: { message: "x", pause: "5m", cancel: "hangs" },
    cancelWhen: waiting,
    post: false,
  });
  expect(main).toMatchObject({ code: 1, signal: null });
  expect(main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
  expect(main.state.progress).toBe("started");
  expect(isAlive(childOf(main))).toBe(false);
});

test("a cancel that fails is told, and post tells what came of its own", async () => {
  const job = jobContext();
  const { main, post } = await echo({ job, with: { message: "x", pause: "5m", cancel: "fails" }, cancelWhen: waiting });
  expect(main.summary).toContain("What had to be undone could not be");
  expect(post?.code).toBe(0);
  expect(post?.summary).toMatch(
    /^### ❌ echo had ended without a conclusion, and what it had begun could not be undone/,
  );
});

test("kill -9: post finds the saved state and does the cancel", async () => {
  const job = jobContext();
  const { main, post } = await echo({ job, with: { message: "x", pause: "5m" }, killWhen: waiting });
  process.kill(childOf(main), "SIGKILL");
  expect(main).toMatchObject({ code: null, signal: "SIGKILL", state: { saved: '{"begun":"x"}', progress: "started" } });
  expect(post?.code).toBe(0);
  expect(post?.stdout).toContain("echo had ended without a conclusion\n");
  expect(post?.summary).toContain('Took back {"begun":"x"}.');
  expect(JSON.parse(readFileSync(join(job.temp, "cancelled.json"), "utf8"))).toEqual({ begun: "x" });
});

test("a main phase that was killed before it could save anything is not begun anew by its post", async () => {
  const job = jobContext();
  const { post } = await echo({
    job,
    with: { message: "x" },
    env: { NODE_OPTIONS: "--import=data:text/javascript,process.env.STATE_progress||process.kill(process.pid,9)" },
  });
  expect(post?.code).toBe(0);
  expect(post?.stdout).toBe(
    "The step was ended before it had begun anything outside of this job: nothing was left to do.\n",
  );
});

test("a plan that is cancelled takes nothing back", async () => {
  const job = jobContext();
  const { main } = await echo({ job, with: { message: "x", pause: "5m", mode: "plan" }, cancelWhen: waiting });
  expect(main.code).toBe(1);
  expect(existsSync(join(job.temp, "cancelled.json"))).toBe(false);
});

test("a story that does not end is left behind, its children are not", async () => {
  const { main } = await echo({
    job: jobContext(),
    with: { message: "x", pause: "5m", ending: "ignore-abort" },
    cancelWhen: waiting,
  });
  expect(main).toMatchObject({ code: 1, signal: null });
  expect(main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
  expect(isAlive(childOf(main))).toBe(false);
});

test("a story that fails leaves no child behind", async () => {
  const { main } = await echo({ job: jobContext(), with: { message: "x", pause: "100ms", ending: "crash" } });
  expect(main.code).toBe(1);
  expect(isAlive(childOf(main))).toBe(false);
});

test("the step's timeout ends it like a signal and names the input that lengthens it", async () => {
  const job = jobContext();
  const { main, post } = await echo({ job, with: { message: "x", pause: "5m", timeout: "1s" } });
  expect(main.code).toBe(1);
  expect(main.summary).toContain("`TIMEOUT` input timeout: the step took longer than it may (allowed: 1s)");
  expect(main.summary).toContain("set `timeout` higher");
  expect(main.summary).toContain('Took back {"begun":"x"}.');
  expect(isAlive(childOf(main))).toBe(false);
  expect(post?.stdout).toBe("");
});

test("promises that nobody awaited end the step like a signal, as our bug", async () => {
  const job = jobContext();
  const { main, post } = await echo({ job, with: { message: "x", pause: "5m", ending: "stray-rejection" } });
  expect(main.code).toBe(1);
  expect(main.summary).toContain(
    "`INTERNAL` this action failed in a way that it does not know (saw RangeError: nobody awaits this)",
  );
  expect(main.summary).toContain('Took back {"begun":"x"}.');
  expect([main.stderr, post?.stdout]).toEqual(["", ""]);
});
