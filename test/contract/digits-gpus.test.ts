import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { gpuRequests } from "../../actions/shared/domain/pipeline/gpus.ts";
import { taskSites } from "../../actions/shared/domain/pipeline/tasks.ts";
import { compilePipeline } from "../../actions/shared/local/kfp-engine/compile.ts";
import { kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import type { RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { kubeflow } from "../support/kubeflow-engine.ts";
import { requestOfText } from "../support/pipeline-request.ts";
import { kfpPython } from "../support/python-environment.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// The example's GPU variant: pending, unschedulable, granted.

const DIGITS = resolve("examples/digits");
const TRAINER = `ghcr.io/acme/digits/trainer@sha256:${"a".repeat(64)}`;
const parameters = { all_uri: "", all_digest: "", train_rows: 0, folds: 3, strengths: [0.3, 1] };

let text = "";
beforeAll(async () => {
  text = await compilePipeline({
    python: await kfpPython(),
    source: join(DIGITS, "pipeline.py"),
    env: { ...(process.env as Record<string, string>), DIGITS_GPUS: "1" },
    cwd: DIGITS,
    workspace: DIGITS,
    temp: tmpdir(),
    signal: new AbortController().signal,
    onOutput: () => {},
  });
}, 300_000);

function request(): RunRequest {
  return requestOfText(text.replaceAll("image://trainer", TRAINER), { name: "digits", parameters, salt: "" });
}

test("only the training task asks for a GPU, once", () => {
  const sites = taskSites(request().work.package);
  expect(gpuRequests(sites, parameters)).toEqual({
    requests: [{ task: "train-model", type: "nvidia.com/gpu", count: 1, times: 1 }],
    faults: [],
  });
});

describe("on this machine", () => {
  async function checkWith(cards: readonly string[], allowCpu = false) {
    const folder = await temporaryFolder();
    const answer = cards.length === 0 ? "exit 9" : `cat <<'END'\n${cards.join("\n")}\nEND`;
    writeFileSync(join(folder, "nvidia-smi"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH}`, HOME: process.env.HOME ?? "/" };
    const engine = kfpEngine({ runs: folder, pythonWith: kfpPython, env, taskEnv: {}, allowCpu });
    return (await engine.check(request())).filter(({ rule }) => rule.includes("GPU"));
  }

  test("without a GPU it is refused, and with allow-cpu it is told", async () => {
    expect(await checkWith([])).toMatchObject([{ level: "error", saw: "no GPU (nvidia-smi)" }]);
    expect(await checkWith([], true)).toMatchObject([{ level: "warning" }]);
  });

  test("with one it may run", async () => {
    expect(await checkWith(["NVIDIA L4, 23034, 580.65.06"])).toEqual([]);
  });
});

describe("on Kubeflow", () => {
  const NONE = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.";

  async function followed(waitMs: number) {
    const waits = [
      { ms: waitMs, message: `Unschedulable: ${NONE}` },
      { ms: 30_000, message: "PodInitializing" },
    ];
    const { engine, follow } = kubeflow({ tasks: [{ name: "load" }, { name: "train-model", after: ["load"], waits }] });
    await engine.submit(request());
    const looks = await follow(request().runId);
    return { looks, waits: looks.map(({ tasks }) => tasks.find(({ task }) => task === "train-model")?.wait) };
  }

  test("without a free GPU the task is pending in the scheduler's words, and the run goes on", async () => {
    const { looks, waits } = await followed(20 * 60_000);
    const unschedulable = waits.filter((wait) => wait?.kind === "unschedulable");
    expect(unschedulable.length).toBeGreaterThan(10);
    expect(new Set(unschedulable.map((wait) => wait?.message))).toEqual(new Set([NONE]));
    const waiting = looks[waits.findIndex((wait) => wait?.kind === "unschedulable")];
    expect(waiting).toMatchObject({ state: "running" });
    expect(waiting?.tasks.find(({ task }) => task === "train-model")?.state).toBe("pending");
  });

  test("once it is granted it runs, and the wait is no part of its time", async () => {
    const { looks } = await followed(90_000);
    expect(looks.at(-1)?.state).toBe("succeeded");
    const task = looks.at(-1)?.tasks.find(({ task: name }) => name === "train-model");
    expect(task).toMatchObject({ state: "succeeded", seconds: 10 });
    expect(task?.wait).toBeUndefined();
  });
});
