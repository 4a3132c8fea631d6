import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { exec } from "../../actions/shared/lib/exec.ts";
import { containerEngine } from "../../actions/shared/local/container-engine.ts";
import { kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { lacksEngine, startEngine, type TestEngine } from "../support/container-engines.ts";
import { endOf, pipelineRequest, statesOf } from "../support/pipeline-request.ts";
import { kfpPython } from "../support/python-environment.ts";
import { putShellImage } from "../support/shell-image.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = "localhost/acme/digits/shell";

beforeAll(() => kfpPython(), 300_000);

describe.skipIf(lacksEngine("docker")).each(["docker", "podman"] as const)("tasks in containers of %s", (kind) => {
  let started: TestEngine;
  beforeAll(async () => {
    started = await startEngine(kind);
  });
  afterAll(() => started.stop());

  /** An engine on an empty folder, an image that is stored in a layout, and what asks the container engine. */
  async function onMachine(mark: string) {
    const home = await temporaryFolder();
    const layout = ociLayout(join(home, "images"));
    const temp = join(home, "temp");
    mkdirSync(temp);
    const { digest } = await putShellImage(layout, { repository: REPOSITORY, mark, temp });
    const image = `${REPOSITORY}@${digest}`;
    const env = { ...started.env, SECRET: "s3cr3t" };
    const host = { env, cwd: home, signal: new AbortController().signal, layout };
    const engine = kfpEngine({
      runs: join(home, "runs"),
      pythonWith: kfpPython,
      env,
      taskEnv: { NAMED: "yes" },
      allowCpu: false,
      containers: { engine: containerEngine(kind, kind, host), env, built: [image], temp },
    });
    const ask = async (...args: readonly string[]) => (await exec(kind, args, { cwd: home, env })).stdout.trim();
    return { home, engine, image, ask };
  }

  test("a container component runs in the image of the release, by its digest, and says so from inside", async () => {
    const { home, engine, image, ask } = await onMachine("blue");
    writeFileSync(join(home, "place.txt"), "from the machine\n");
    const request = await pipelineRequest("contained", {
      images: { shell: image },
      parameters: { place: join(home, "place.txt") },
      salt: home,
    });
    expect(engine.runsImages).toBe("containers");
    expect((await engine.check(request)).filter(({ level }) => level === "error")).toEqual([]);
    await engine.submit(request);
    const status = await endOf(engine, request.runId);
    const { tasks, notices } = await engine.results(request.runId);
    const logs = tasks.map(({ log }) =>
      log === undefined ? "" : readFileSync(join(home, "runs", request.runId, log), "utf8"),
    );
    expect({ state: status.state, logs }).toMatchObject({ state: "succeeded" });
    expect(statesOf(status)).toEqual({
      prepare: "succeeded",
      inside: "succeeded",
      content: "succeeded",
      entry: "succeeded",
    });
    const told = tasks.find(({ task }) => task === "inside");
    expect(told?.outputs.parameters).toEqual({ mark: "blue", image });
    // the named variable, and nothing of the job's secrets
    const said = tasks.find(({ task }) => task === "content")?.outputs.parameters.Output;
    expect(said).toBe("blue: train 4\nfrom the machine\nyes-");
    // a Python component whose image has no Python ran beside it
    expect(notices).toEqual([expect.stringMatching(/^Tasks of .* ran as processes: the image cannot run Python/)]);
    expect(logs[tasks.findIndex(({ task }) => task === "entry")]).toBe("entrypoint got hello\n");
    expect(await ask("ps", "--all", "--quiet")).toBe("");
    // what has finished is kept
    await engine.submit(request);
    expect(statesOf(await endOf(engine, request.runId))).toEqual({
      prepare: "kept",
      inside: "kept",
      content: "kept",
      entry: "kept",
    });
  }, 120_000);

  test.each([
    ["its exit code", "echo broken >&2; exit 7", { exitCode: 7 }, "broken"],
    ["a missing output", "echo fine", { error: "the task ended well, but without its output out" }, "fine"],
    ["a missing program", "exec /nowhere", { exitCode: 127 }, "/nowhere"],
  ])(
    "a container that fails is told by %s, with its log",
    async (...[, script, seen, log]) => {
      const { home, engine, image, ask } = await onMachine("red");
      const request = await pipelineRequest("commanded", {
        images: { shell: image },
        parameters: { script },
        salt: home,
      });
      await engine.submit(request);
      const status = await endOf(engine, request.runId);
      expect(status).toMatchObject({ state: "failed", tasks: [{ path: "command", state: "failed", ...seen }] });
      const { logs } = await engine.results(request.runId);
      expect(logs).toMatchObject([{ task: "command", tail: expect.stringContaining(log) }]);
      expect(await ask("ps", "--all", "--quiet")).toBe("");
    },
    60_000,
  );

  test("a cancelled run leaves no container, not even one that heeds no SIGTERM", async () => {
    const { home, engine, image, ask } = await onMachine("green");
    const script = `trap '' TERM; echo begun; while :; do sleep 1; done`;
    const request = await pipelineRequest("commanded", {
      images: { shell: image },
      parameters: { script },
      salt: home,
    });
    onTestFinished(async () => void (await engine.cancel(request.runId)));
    await engine.submit(request);
    for (let i = 0; i < 200 && (await ask("ps", "--quiet")) === ""; i++)
      await new Promise((done) => setTimeout(done, 50));
    expect(await ask("ps", "--quiet")).not.toBe("");
    const begun = performance.now();
    await engine.cancel(request.runId);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await ask("ps", "--all", "--quiet")).toBe("");
    expect((await engine.state(request.runId))?.state).toBe("cancelled");
  }, 60_000);
});
