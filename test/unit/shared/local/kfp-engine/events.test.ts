import { expect, test } from "vitest";
import { nothingTold, statusOf, tell } from "../../../../../actions/shared/local/kfp-engine/events.ts";
import { withoutPreamble } from "../../../../../actions/shared/local/kfp-engine/run-folder.ts";
import { taskEnvironment } from "../../../../../actions/shared/local/kfp-engine/task-environment.ts";
import { translatePipSettings } from "../../../../../actions/shared/local/kfp-engine/uv.ts";

const line = (event: string, more: object = {}) => JSON.stringify({ event, at: 100, ...more });
const start = line("start", { pid: 7 });
const values = { parameters: {}, artifacts: {} };
const begins = (path: string) => line("task-start", { task: path, path });
const ends = (path: string, more: object = {}) =>
  line("task-end", {
    task: path,
    path,
    state: "succeeded",
    cached: false,
    seconds: 2,
    inputs: values,
    outputs: values,
    ...more,
  });
const status = (lines: readonly string[], isAlive: boolean) => statusOf(tell(nothingTold, lines), isAlive);

test.each([
  { told: [start], alive: true, state: "pending", canRetry: false },
  { told: [start, begins("a")], alive: true, state: "running", canRetry: false },
  { told: [start, begins("a")], alive: false, state: "lost", canRetry: true },
  { told: [start, line("end", { state: "succeeded" })], alive: false, state: "succeeded", canRetry: false },
  // the last word counts, also while the process is still about to end
  { told: [start, line("end", { state: "succeeded" })], alive: true, state: "succeeded", canRetry: false },
  { told: [start, line("end", { state: "failed" })], alive: false, state: "failed", canRetry: true },
  { told: [start, line("end", { state: "cancelled" })], alive: false, state: "cancelled", canRetry: true },
  // started again: what the last start ended with is past
  { told: [start, line("end", { state: "failed" }), start], alive: true, state: "pending", canRetry: false },
  { told: [], alive: false, state: "lost", canRetry: true },
])("after $told.length events, alive $alive: $state", ({ told, alive, state, canRetry }) => {
  expect(status(told, alive)).toMatchObject({ state, canRetry });
});

test("a task is told from its start to its end; a lost one is no longer running", () => {
  const told = [start, begins("a"), ends("a"), begins("b")];
  expect(status(told, false).tasks.map(({ path, state, seconds }) => [path, state, seconds])).toEqual([
    ["a", "succeeded", 2],
    ["b", "cancelled", undefined],
  ]);
});

test("lines that a killed driver cut, and events that are not known, are passed over", () => {
  const told = [start, '{"event":"task-st', "", line("something-new"), ends("a")];
  expect(status(told, true).tasks.map(({ path }) => path)).toEqual(["a"]);
});

test("a run begins with its first start and ends with its last end", () => {
  const later = line("end", { at: 200, state: "succeeded" });
  expect(
    status([start, line("end", { state: "failed" }), line("start", { at: 150, pid: 8 }), later], false),
  ).toMatchObject({
    startedAtMs: 100_000,
    finishedAtMs: 200_000,
  });
});

test("a task's environment is what any program needs, and what was named", () => {
  const job = {
    PATH: "/bin",
    HOME: "/h",
    LC_ALL: "C",
    HTTPS_PROXY: "p",
    CI: "true",
    AWS_PROFILE: "x",
    CUDA_VISIBLE_DEVICES: "0",
  };
  expect(taskEnvironment(job, "/venv/bin/python", { AWS_REGION: "eu" })).toEqual({
    PATH: "/venv/bin:/bin",
    VIRTUAL_ENV: "/venv",
    PYTHONUNBUFFERED: "1",
    HOME: "/h",
    LC_ALL: "C",
    HTTPS_PROXY: "p",
    CUDA_VISIBLE_DEVICES: "0",
    AWS_REGION: "eu",
  });
});

test("pip's settings are given to uv in its words, but for what is set for uv itself", () => {
  const listed = [
    "global.index-url='https://index.example.org/simple'",
    ":env:.extra-index-url='https://a.example.org https://b.example.org'",
    "global.find-links='/wheels\\n/more'",
    "global.cert='/ca.crt'",
    "global.timeout='60'",
  ].join("\n");
  expect(translatePipSettings(listed, { SSL_CERT_FILE: "/own.crt" })).toEqual({
    UV_DEFAULT_INDEX: "https://index.example.org/simple",
    UV_INDEX: "https://a.example.org https://b.example.org",
    UV_FIND_LINKS: "/wheels,/more",
  });
});

test("a task's log begins with what the task says", () => {
  const sdk = "[KFP Executor 2026-11-21 12:17:43,666 INFO]:";
  const preamble = `${sdk} Looking for component \`f\` in --component_module_path \`/tmp/x.py\`
${sdk} Loading KFP component "f" from /tmp/x.py (directory "/tmp" and module name "x")
${sdk} Got executor_input:
{
    "inputs": {
        "parameterValues": {}
    }
}
`;
  const own = "one\n{\n}\nTraceback (most recent call last):\nValueError: x\n";
  expect(withoutPreamble(preamble + own)).toBe(own);
  expect(withoutPreamble(own)).toBe(own);
});
