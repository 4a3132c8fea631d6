import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { formatMetricName } from "../../actions/shared/domain/metric.ts";
import { metricsOf } from "../../actions/shared/domain/run/metrics.ts";
import type { RunStatus, RunTask } from "../../actions/shared/domain/run/task.ts";
import type { PipelineEngine, RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { endOf, pipelineRequest, statesOf, type Wish } from "../support/pipeline-request.ts";
import { fileAppears, isRunning, pause } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** One far end, and engines on it. */
export type EngineBench = {
  readonly engine: PipelineEngine;
  /** The engine of another job: it knows nothing but what the far end knows. */
  again(): PipelineEngine;
};

/** What every engine that runs pipelines does, whatever stands behind it. */
export function pipelineEngineContract(name: string, open: () => Promise<EngineBench>): void {
  describe(`the contract of pipeline engines, ${name}`, () => {
    test("a run that nobody has heard of is unknown, and cancelling it is harmless", async () => {
      const { engine } = await open();
      const nobody = "1bf42a6d-aa0f-52ce-8a40-db1835709d68";
      expect(await engine.state(nobody)).toBeUndefined();
      expect((await engine.cancel(nobody)).length).toBeGreaterThan(0);
    });

    test("a run brings back metrics, curves, the model and where each artifact comes from", async () => {
      const { engine } = await open();
      const { status, results } = await runToEnd(engine, "training", { parameters: { rows: 4 } });
      expect(status).toMatchObject({ state: "succeeded", canRetry: false, url: expect.stringMatching(/^\w+:\/\//) });
      expect(statesOf(status)).toEqual({ prepare: "succeeded", fit: "succeeded", judge: "succeeded" });
      expect(results.logs).toEqual([]);
      const { metrics, curves } = metricsOf(results.tasks, []);
      expect(
        Object.fromEntries(metrics.map(({ task: _, ...metric }) => [formatMetricName(metric), metric.value])),
      ).toEqual({
        accuracy: 0.75,
        loss: "NaN",
        ok: 1,
        "recall[class=a]": 0.5,
        auc: 0.75,
      });
      expect(metrics.find((metric) => metric.slice)).toMatchObject({ n: 10, task: "judge" });
      expect(curves.map(({ kind, output }) => `${output}: ${kind}`).sort()).toEqual([
        "confusion: confusion-matrix",
        "roc: roc",
      ]);
      const [prepare, fit, judge] = ["prepare", "fit", "judge"].map((task) => taskOf(results.tasks, task));
      expect(prepare?.inputs.parameters).toEqual({ rows: 4 });
      expect(Object.keys(prepare?.outputs.artifacts ?? {}).sort()).toEqual(["test", "train"]);
      expect(fit?.outputs.artifacts.model).toMatchObject([
        { type: "system.Model", metadata: { framework: { name: "none", version: "1" } } },
      ]);
      expect(judge?.inputs.artifacts).toMatchObject({
        model: [{ type: "system.Model", producer: "fit", uri: fit?.outputs.artifacts.model?.[0]?.uri }],
        test: [{ type: "system.Dataset", producer: "prepare" }],
      });
    });

    test("conditions, loops, collected values and exit handlers come to the same", async () => {
      const { engine } = await open();
      const { status, results } = await runToEnd(engine, "constructs");
      expect(status.state).toBe("succeeded");
      const outputs = Object.fromEntries(
        ran(results.tasks).map(({ path, outputs }) => [path, outputs.parameters.Output]),
      );
      const nested = ran(results.tasks).filter(({ task }) => task === "join");
      expect(nested.map(({ outputs }) => outputs.parameters.Output).sort()).toEqual([
        ...Array(3).fill("xpython3-"),
        ...Array(3).fill("ypython3-"),
      ]);
      expect(nested.map(({ iteration }) => iteration).sort()).toEqual(["0.0", "0.1", "0.2", "1.0", "1.1", "1.2"]);
      expect(nested[0]?.path).toMatch(/^for-loop-\d+-iteration-\d\/for-loop-\d+-iteration-\d\/join$/);
      const branches = ran(results.tasks).filter(({ path }) => path.includes("condition"));
      expect(branches.map(({ outputs }) => outputs.parameters.Output)).toEqual(["else"]);
      expect([outputs.total, outputs["total-2"]]).toEqual(["[2, 4, 6, {'a': 1}]", "[{}]"]);
      expect(outputs.closing).toBe("SUCCEEDED");
    });

    test("iterations of a loop are told apart, and their metrics too", async () => {
      const { engine } = await open();
      const { results } = await runToEnd(engine, "looping", { parameters: { numbers: [1, 2, 3], limit: 3 } });
      const doubled = ran(results.tasks).filter(({ task }) => task === "twice");
      expect(
        doubled.map((task) => [task.iteration, task.inputs.parameters.x, task.outputs.parameters.Output]).sort(),
      ).toEqual([
        ["0", 1, 2],
        ["1", 2, 4],
        ["2", 3, 6],
      ]);
      const chosen = ran(results.tasks).filter(({ task }) => task.startsWith("chosen"));
      expect(chosen.map(({ iteration, outputs }) => [iteration, outputs.parameters.Output]).sort()).toEqual([
        ["0", "small"],
        ["1", "large"],
        ["2", "large"],
      ]);
      expect(taskOf(results.tasks, "total")?.outputs.parameters.Output).toBe("[2, 4, 6, {}]");
    });

    test("what is imported is an artifact of the run", async () => {
      const { engine } = await open();
      const file = join(await temporaryFolder(), "given.csv");
      writeFileSync(file, "12345");
      const { status, results } = await runToEnd(engine, "importing", { parameters: { uri: file } });
      expect(status.state).toBe("succeeded");
      const imported = ran(results.tasks).filter(({ task }) => task.startsWith("importer"));
      const artifacts = imported.map(({ outputs }) => outputs.artifacts.artifact?.[0]);
      expect(artifacts.toSorted((a, b) => ((a?.uri ?? "") < (b?.uri ?? "") ? 1 : -1))).toMatchObject([
        { type: "system.Dataset", uri: "s3://bucket/fixed.csv", metadata: { rows: 3 } },
        { type: "system.Dataset", uri: expect.stringContaining("given.csv") },
      ]);
      const { metrics } = metricsOf(results.tasks, []);
      expect(metrics.map(({ task, value }) => [task, value]).sort()).toEqual([
        ["measure", "s3://bucket/fixed.csv".length],
        ["measure-2", 5],
      ]);
    });

    test("a failed task is told with the end of its log; another job tries the run again and keeps what has finished", async () => {
      const { engine, again } = await open();
      const folder = await temporaryFolder();
      const { request, status, results } = await runToEnd(engine, "failing", { parameters: { folder } });
      expect(status).toMatchObject({ state: "failed", canRetry: true });
      expect(taskOf(status.tasks, "stumble")).toMatchObject({ state: "failed" });
      expect(results.logs.map(({ task }) => task)).toEqual(["stumble"]);
      expect(results.logs[0]?.tail).toMatch(/ValueError: the data is broken/);
      writeFileSync(join(folder, "mended"), "");
      const other = again();
      expect(await other.state(request.runId)).toMatchObject({ state: "failed", canRetry: true });
      await other.submit(request);
      expect((await endOf(other, request.runId)).state).toBe("succeeded");
      expect(readFileSync(join(folder, "first"), "utf8")).toBe("ran\n");
      const { tasks } = await other.results(request.runId);
      expect(taskOf(tasks, "stumble")?.state).toBe("succeeded");
      expect(taskOf(tasks, "mark")?.outputs.parameters.Output).toBe("first");
    });

    test("an exit handler runs after a failure, and what depends on the failed task does not", async () => {
      const { engine } = await open();
      const folder = await temporaryFolder();
      const { status, results } = await runToEnd(engine, "guarded", { parameters: { folder } });
      expect(status.state).toBe("failed");
      expect(readFileSync(join(folder, "closed"), "utf8")).toBe("FAILED\n");
      expect(existsSync(join(folder, "never"))).toBe(false);
      expect(taskOf(results.tasks, "note")?.state).toBe("succeeded");
      expect(results.logs[0]?.tail).toContain("ValueError: fallen");
    });

    test("a task that is tried again by its own policy is one task", async () => {
      const { engine } = await open();
      const folder = await temporaryFolder();
      const { status, results } = await runToEnd(engine, "retrying", { parameters: { folder } });
      expect(status.state).toBe("succeeded");
      expect(readFileSync(join(folder, "tries"), "utf8")).toBe("xxx");
      expect(ran(results.tasks).map(({ path, state }) => [path, state])).toEqual([["shake", "succeeded"]]);
    });

    test("a live or succeeded run is left alone, whoever submits it again", async () => {
      const { engine, again } = await open();
      const folder = await temporaryFolder();
      writeFileSync(join(folder, "mended"), "");
      const { request } = await runToEnd(engine, "failing", { parameters: { folder } });
      await again().submit(request);
      expect((await endOf(again(), request.runId)).state).toBe("succeeded");
      expect(readFileSync(join(folder, "first"), "utf8")).toBe("ran\n");
    });

    test("a cancelled run ends, also by another job, and can be taken up again", async () => {
      const { engine, again } = await open();
      const folder = await temporaryFolder();
      const request = await pipelineRequest("waiting", { parameters: { folder }, salt: folder });
      onTestFinished(async () => void (await engine.cancel(request.runId)));
      await engine.submit(request);
      const pids = (await fileAppears(join(folder, "pids"))).split(" ").map(Number);
      await again().cancel(request.runId);
      const ended = await endOf(engine, request.runId);
      expect(["cancelled", "failed"]).toContain(ended.state);
      for (let i = 0; i < 400 && pids.some(isRunning); i++) await pause(25);
      expect(pids.filter(isRunning)).toEqual([]);
      expect(taskOf(ended.tasks, "mark")?.state).toBe("succeeded");
      writeFileSync(join(folder, "mended"), "");
      await engine.submit(request);
      expect((await endOf(engine, request.runId)).state).toBe("succeeded");
      expect(readFileSync(join(folder, "first"), "utf8")).toBe("ran\n");
    });
  });
}

type Ran = {
  readonly request: RunRequest;
  readonly status: RunStatus;
  readonly results: Awaited<ReturnType<PipelineEngine["results"]>>;
};

async function runToEnd(engine: PipelineEngine, name: string, wish: Wish = {}): Promise<Ran> {
  const request = await pipelineRequest(name, { ...wish, salt: await temporaryFolder() });
  onTestFinished(async () => void (await engine.cancel(request.runId)));
  expect((await engine.check(request)).filter(({ level }) => level === "error")).toEqual([]);
  await engine.submit(request);
  const status = await endOf(engine, request.runId);
  return { request, status, results: await engine.results(request.runId) };
}

/** Those that were executed: an engine may tell of the others too. */
function ran(tasks: readonly RunTask[]): readonly RunTask[] {
  return tasks.filter(({ state }) => state !== "skipped" && state !== "pending");
}

function taskOf(tasks: readonly RunTask[], name: string): RunTask | undefined {
  return tasks.find(({ task }) => task === name);
}
