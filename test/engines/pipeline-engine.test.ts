import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { PackageFault } from "../../actions/shared/domain/pipeline/package.ts";
import type { Parameters } from "../../actions/shared/domain/pipeline/parameters.ts";
import { metricsOf } from "../../actions/shared/domain/run/metrics.ts";
import type { RunStatus } from "../../actions/shared/domain/run/task.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { type KfpEngineOptions, kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import { liveDriver } from "../../actions/shared/local/kfp-engine/run-folder.ts";
import type { PipelineEngine, RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { endOf, pipelineRequest, requestOfText, statesOf } from "../support/pipeline-request.ts";
import { fileAppears, isRunning, pause } from "../support/processes.ts";
import { kfpPython } from "../support/python-environment.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);

beforeAll(() => kfpPython(), 300_000);

function engineIn(runs: string, options: Partial<KfpEngineOptions> = {}): PipelineEngine {
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", SECRET: "s3cr3t" };
  return kfpEngine({ runs, pythonWith: kfpPython, env, taskEnv: {}, allowCpu: false, ...options });
}

const requestOf = (name: string, parameters: Parameters = {}) => pipelineRequest(name, { parameters });

/** Runs to the end; whatever a failed test leaves running is ended. */
async function runToEnd(engine: PipelineEngine, request: RunRequest): Promise<RunStatus> {
  onTestFinished(async () => void (await engine.cancel(request.runId)));
  await engine.submit(request);
  return endOf(engine, request.runId);
}

test("a run succeeds with metrics, curves, model and artifacts by digest, and tells what it ran on", async () => {
  const engine = engineIn(await temporaryFolder());
  const request = await requestOf("training", { rows: 4 });
  const status = await runToEnd(engine, request);
  expect(status).toMatchObject({ state: "succeeded", canRetry: false, url: expect.stringMatching(/^file:\/\/\//) });
  expect(statesOf(status)).toEqual({ prepare: "succeeded", fit: "succeeded", judge: "succeeded" });
  const { tasks, environment, logs } = await engine.results(request.runId);
  expect(logs).toEqual([]);
  expect(environment).toMatchObject({ kfp: "2.17.0", cpu: { count: expect.any(Number) }, gpus: expect.any(Array) });
  expect(environment?.packages).toMatchObject({ kfp: "2.17.0" });
  const fit = tasks.find(({ task }) => task === "fit");
  // printf 'train 4\n' | sha256sum; the manifest of a model of one file is the hash of that file's raw hash
  expect(fit?.inputs.artifacts.train?.[0]?.digest).toBe(sha256("train 4\n"));
  expect(fit?.outputs.artifacts.model?.[0]).toMatchObject({
    type: "system.Model",
    uri: expect.stringMatching(/^file:\/\/\/.*\/tasks\/fit\/model$/),
    digest: sha256(Buffer.from(sha256("train 4\n").slice(7), "hex")),
    metadata: { framework: { name: "none", version: "1" } },
  });
  const dataset = { role: "test", digest: sha256("test 4\n") };
  const { metrics, curves } = metricsOf(tasks, []);
  expect(metrics).toEqual(
    [
      { name: "accuracy", value: 0.75, n: 40, task: "judge", dataset },
      { name: "recall", slice: { class: "a" }, value: 0.5, n: 10, task: "judge", dataset },
      { name: "loss", value: "NaN", n: 40, task: "judge", dataset },
      { name: "ok", value: 1, n: 40, task: "judge", dataset },
      { name: "auc", value: 0.75, task: "judge", dataset },
    ].sort(byPlaceIn(metrics)),
  );
  expect(curves).toEqual(
    expect.arrayContaining([
      {
        kind: "confusion-matrix",
        task: "judge",
        output: "confusion",
        labels: ["a", "b"],
        rows: [
          [5, 5],
          [2, 28],
        ],
      },
      expect.objectContaining({ kind: "roc", output: "roc" }),
    ]),
  );
});

/** The order of metrics is the engine's; their set is not. */
function byPlaceIn(metrics: readonly { readonly name: string }[]) {
  const place = ({ name }: { readonly name: string }) => metrics.findIndex((metric) => metric.name === name);
  return (a: { readonly name: string }, b: { readonly name: string }) => place(a) - place(b);
}

test("a failed task is told with its exit code and the end of its log; tried again, what has finished is kept", async () => {
  const [runs, folder] = [await temporaryFolder(), await temporaryFolder()];
  const request = await requestOf("failing", { folder });
  const engine = engineIn(runs);
  const failed = await runToEnd(engine, request);
  expect(failed).toMatchObject({ state: "failed", canRetry: true });
  expect(failed.tasks.find(({ task }) => task === "stumble")).toMatchObject({ state: "failed", exitCode: 3 });
  const { logs } = await engine.results(request.runId);
  expect(logs[0]?.task).toBe("stumble");
  expect(logs[0]?.tail).toMatch(/::error::not a command\n(.*\n)*ValueError: the data is broken/);
  writeFileSync(join(folder, "mended"), "");
  // another process would do: nothing but the folder is known
  const again = engineIn(runs);
  const status = await runToEnd(again, request);
  expect(status.state).toBe("succeeded");
  expect(statesOf(status)).toEqual({ mark: "kept", stumble: "succeeded" });
  expect(readFileSync(join(folder, "first"), "utf8")).toBe("ran\n");
});

test("a cancelled run leaves nothing running, not even what left its process group and ignores SIGTERM", async () => {
  const [runs, folder] = [await temporaryFolder(), await temporaryFolder()];
  const request = await requestOf("waiting", { folder });
  const engine = engineIn(runs);
  onTestFinished(async () => void (await engine.cancel(request.runId)));
  await engine.submit(request);
  const pids = (await fileAppears(join(folder, "pids"))).split(" ").map(Number);
  expect(pids.map(isRunning)).toEqual([true, true, true]);
  const started = performance.now();
  // as the post step would: another process
  await engineIn(runs).cancel(request.runId);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(pids.map(isRunning)).toEqual([false, false, false]);
  expect(await engine.state(request.runId)).toMatchObject({ state: "cancelled", canRetry: true });
  writeFileSync(join(folder, "mended"), "");
  expect(statesOf(await runToEnd(engine, request))).toEqual({ mark: "kept", linger: "succeeded" });
});

test("a driver that is killed takes its tasks along; the run is lost, and resumes", async () => {
  const [runs, folder] = [await temporaryFolder(), await temporaryFolder()];
  const request = await requestOf("waiting", { folder });
  const engine = engineIn(runs);
  onTestFinished(async () => void (await engine.cancel(request.runId)));
  await engine.submit(request);
  const pids = (await fileAppears(join(folder, "pids"))).split(" ").map(Number);
  process.kill((await liveDriver(join(runs, request.runId))) ?? 0, "SIGKILL");
  expect(await endOf(engine, request.runId)).toMatchObject({ state: "lost", canRetry: true });
  for (let i = 0; i < 200 && pids.some(isRunning); i++) await pause(25);
  expect(pids.map(isRunning)).toEqual([false, false, false]);
  writeFileSync(join(folder, "mended"), "");
  expect(statesOf(await runToEnd(engine, request))).toEqual({ mark: "kept", linger: "succeeded" });
});

test("submitted by many at once, a run is run once", async () => {
  const [runs, folder] = [await temporaryFolder(), await temporaryFolder()];
  writeFileSync(join(folder, "mended"), "");
  const request = await requestOf("failing", { folder });
  const engines = [1, 2, 3, 4].map(() => engineIn(runs));
  await Promise.all(engines.map((engine) => engine.submit(request)));
  const ends = await Promise.all(engines.map((engine) => endOf(engine, request.runId)));
  expect(ends.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded", "succeeded"]);
  expect(readFileSync(join(folder, "first"), "utf8")).toBe("ran\n");
});

test("tasks see nothing of the job's environment but what is named", async () => {
  const engine = engineIn(await temporaryFolder(), { taskEnv: { NAMED: "yes" } });
  const request = await requestOf("environment", { names: ["SECRET", "NAMED", "GITHUB_TOKEN", "HOME"] });
  expect((await runToEnd(engine, request)).state).toBe("succeeded");
  const { tasks } = await engine.results(request.runId);
  expect(tasks[0]?.outputs.parameters.Output).toEqual(["-", "yes", "-", process.env.HOME]);
});

/** A machine with these cards, as its driver's tool lists them; without any, as on a machine whose driver does not run. */
async function machineWith(cards: readonly string[]): Promise<{ readonly PATH: string; readonly HOME: string }> {
  const folder = await temporaryFolder();
  const answer = cards.length === 0 ? "exit 9" : `cat <<'END'\n${cards.join("\n")}\nEND`;
  writeFileSync(join(folder, "nvidia-smi"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  return { PATH: `${folder}:${process.env.PATH}`, HOME: process.env.HOME ?? "/" };
}

async function askingForGpus(): Promise<RunRequest> {
  const request = await requestOf("training", { rows: 1 });
  const text = request.work.text.replace(
    "image: python:3.11",
    "image: python:3.11\n        resources: {accelerator: {resourceType: nvidia.com/gpu, resourceCount: '2'}}",
  );
  return requestOfText(text, { name: "training", parameters: { rows: 1 }, salt: "gpus" });
}

test("GPUs that the machine lacks are found before the run; with allow-cpu they are a warning", async () => {
  const [runs, env, request] = [await temporaryFolder(), await machineWith([]), await askingForGpus()];
  const levels = (faults: readonly PackageFault[]) =>
    faults.filter(({ rule }) => rule.includes("GPU")).map(({ level }) => level);
  expect(levels(await engineIn(runs, { env }).check(request))).toEqual(["error"]);
  expect(levels(await engineIn(runs, { env, allowCpu: true }).check(request))).toEqual(["warning"]);
  expect(levels(await engineIn(runs, { env }).check(await requestOf("training")))).toEqual([]);
});

test("fewer GPUs than one task asks for are found before the run", async () => {
  const [runs, env, request] = [
    await temporaryFolder(),
    await machineWith(["NVIDIA L4, 23034, 580.65.06"]),
    await askingForGpus(),
  ];
  expect((await engineIn(runs, { env }).check(request)).filter(({ rule }) => rule.includes("GPU"))).toMatchObject([
    { level: "error", rule: expect.stringContaining("fewer than the 2 of one task"), saw: "1 x NVIDIA L4" },
  ]);
});

test("GPUs that a run sees are recorded, equal cards together", async () => {
  const env = await machineWith([
    "NVIDIA L4, 23034, 580.65.06",
    "NVIDIA L4, 23034, 580.65.06",
    "NVIDIA H200, [N/A], 580.65.06",
  ]);
  const [engine, request] = [engineIn(await temporaryFolder(), { env }), await askingForGpus()];
  expect((await engine.check(request)).filter(({ rule }) => rule.includes("GPU"))).toEqual([]);
  expect((await runToEnd(engine, request)).state).toBe("succeeded");
  expect((await engine.results(request.runId)).environment?.gpus).toEqual([
    { name: "NVIDIA L4", count: 2, driver: "580.65.06", memoryBytes: 23034 * 1024 ** 2 },
    { name: "NVIDIA H200", count: 1, driver: "580.65.06" },
  ]);
});

test("what the driver changes in kfp.local is there, with the parameters that it counts on", async () => {
  const hooks = resolve("actions/shared/local/kfp-engine");
  const script = `
import inspect, json, late_client
late_client.install()
import hooks
print(json.dumps({f"{owner.__name__.rpartition('.')[2]}.{name}": list(inspect.signature(getattr(owner, name)).parameters) for owner, name in hooks.HOOKS.values()}))`;
  const { stdout } = await run(await kfpPython(), ["-B", "-c", script], { env: { ...process.env, PYTHONPATH: hooks } });
  const loop = ["task_name", "task_spec", "pipeline_resource_name"];
  const parts = ["components", "executors", "io_store", "pipeline_root", "runner", "unique_pipeline_id", "fail_stack"];
  expect(JSON.parse(stdout)).toEqual({
    "task_executor.execute_single_task": [...loop, ...parts],
    "subprocess_task_handler.run_local_subprocess": ["full_command", "env_vars"],
    "SubprocessTaskHandler.validate_not_container_component": ["self", "full_command"],
    "SubprocessTaskHandler.validate_not_containerized_python_component": ["self", "full_command"],
    "subprocess_task_handler.replace_python_executable": ["full_command", "new_executable"],
    "executor_input_utils.get_local_task_resource_name": ["component_name"],
    "task_spec_utils.get_nested_pipeline_resource_name": ["task_name", "pipeline_resource_name"],
    "executor_input_utils.executor_input_to_dict": ["executor_input", "component_spec"],
    "ConditionEvaluator.evaluate_condition": ["condition", "io_store"],
    "LocalCache.compute_key": [
      "self",
      "component_name",
      "image",
      "full_command",
      "arguments",
      "env_vars",
      "custom_cache_key",
    ],
    "OrchestratorUtils.join_user_inputs_and_defaults": ["dag_arguments", "dag_inputs_spec"],
    "OrchestratorUtils.make_task_arguments": ["task_inputs_spec", "io_store"],
    "enhanced_dag_orchestrator._run_parallel_for_task": [
      ...loop,
      "components",
      "executors",
      "io_store",
      "pipeline_root",
      "runner",
      "unique_pipeline_id",
      "fail_stack",
      "parallel_executor",
    ],
  });
});
