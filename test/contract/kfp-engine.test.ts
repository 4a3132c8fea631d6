import { describe, expect, onTestFinished, test } from "vitest";
import type { RunStatus, TaskWait } from "../../actions/shared/domain/run/task.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { request, type Send } from "../../actions/shared/lib/http.ts";
import { poll } from "../../actions/shared/lib/poll.ts";
import type { FakeKfp } from "../fakes/kfp/kfp.ts";
import { sendOf } from "../fakes/kfp/send.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { kubeflow, runRequest } from "../support/kubeflow-engine.ts";
import { python } from "../support/pipeline-package.ts";

// The engine against a server that behaves as a recorded one did.

const none = { parameters: {}, artifacts: {} };

function names(fake: FakeKfp): readonly string[] {
  return [...fake.state.versions.values()].map(({ name }) => name);
}

function callsOf(fake: FakeKfp, route: string): number {
  return fake.calls.filter((call) => call.route === route).length;
}

function last(looks: readonly RunStatus[]): RunStatus {
  const status = looks.at(-1);
  if (status === undefined) throw new Error("no look");
  return status;
}

/** What a task waited for, one after the other. */
function waitsOf(looks: readonly RunStatus[], path: string): readonly (TaskWait | undefined)[] {
  const waits = looks.map((status) => status.tasks.find((task) => task.path === path)?.wait);
  return waits.filter((wait, i) => wait !== undefined && wait.message !== waits[i - 1]?.message);
}

describe("a run", () => {
  test("is started under our id, in its experiment, with the pinned version and typed parameters", async () => {
    const { fake, engine, follow } = kubeflow({ engine: { serviceAccount: "trainer", pipelineRoot: "s3://runs" } });
    const request = runRequest({
      parameters: { epochs: { parameterType: "NUMBER_INTEGER" }, flag: { parameterType: "BOOLEAN" } },
      values: { epochs: 3, flag: true },
    });
    await engine.submit(request);
    const run = fake.state.runs.get(request.runId);
    expect(run).toMatchObject({
      displayName: "digits v1.1.0",
      serviceAccount: "trainer",
      runtimeConfig: { parameters: { epochs: 3, flag: true }, pipeline_root: "s3://runs" },
    });
    expect(run?.version?.versionId).toBe([...fake.state.versions.keys()][0]);
    expect(fake.state.experiments.get(run?.experimentId ?? "")?.displayName).toBe("digits");
    expect(last(await follow(request.runId))).toMatchObject({
      state: "succeeded",
      url: `http://kfp.test/#/runs/details/${request.runId}`,
      canRetry: false,
      tasks: [{ task: "train", path: "train", state: "succeeded", cached: false, seconds: 10 }],
    });
  });

  test("that lives or has succeeded is left alone by another job", async () => {
    const { fake, engine, again, follow } = kubeflow();
    const request = runRequest();
    await engine.submit(request);
    await again().submit(request);
    await follow(request.runId);
    await again().submit(request);
    expect(fake.workflows).toHaveLength(1);
  });

  test("nobody has heard of is undefined", async () => {
    expect(await kubeflow().engine.state(runRequest().runId)).toBeUndefined();
  });

  test("that the server calls by another id is followed under that one", async () => {
    const { fake, engine, again, told } = kubeflow();
    const request = runRequest();
    const own = "99999999-2222-4333-8444-555555555555";
    const send: Send = (wanted) => {
      const body = typeof wanted.body === "string" ? wanted.body.replace(request.runId, own) : wanted.body;
      return sendOf(fake)(body === undefined ? wanted : { ...wanted, body });
    };
    const other = again({ send });
    await other.submit(request);
    expect((await other.state(request.runId))?.url).toContain(own);
    expect(told.at(-1)).toContain(`calls run ${request.runId} by an id of its own, ${own}`);
    await other.cancel(request.runId);
    expect(fake.inFlight()).toEqual([]);
    expect(await engine.state(request.runId)).toBeUndefined();
  });

  test("of a gateway is found with and without /pipeline, and has one identity", async () => {
    const { fake, again } = kubeflow({ prefix: "/pipeline" });
    const request = runRequest();
    await again({ endpoint: "http://kfp.test" }).submit(request);
    const other = again({ endpoint: "http://kfp.test/pipeline/apis/v2beta1/" });
    const status = await other.state(request.runId);
    expect(status?.url).toBe(`http://kfp.test/pipeline/#/runs/details/${request.runId}`);
    expect(other.endpoint).toBe(again({ endpoint: "http://kfp.test" }).endpoint);
    expect(fake.workflows).toHaveLength(1);
  });
});

describe("an answer that is lost", () => {
  test.each([
    { how: "cut after the run was started", mishap: { do: "cut", when: "after" } },
    { how: "never given after the run was started", mishap: { do: "hang", when: "after" } },
  ] as const)("to the start of a run ($how) is settled by asking for the run", async ({ mishap }) => {
    const { fake, engine, follow } = kubeflow();
    const request = runRequest();
    fake.fail({ routes: ["create-run"], how: mishap });
    await engine.submit(request);
    expect(fake.workflows).toHaveLength(1);
    expect(callsOf(fake, "create-run")).toBe(1);
    expect(last(await follow(request.runId)).state).toBe("succeeded");
  });

  test.each([
    { how: "cut", mishap: { do: "cut", when: "before" } },
    { how: "503", mishap: { do: "answer", answer: { status: 503, headers: {}, body: "upstream connect error" } } },
  ] as const)(
    "to a start that was not done ($how) is an error, and nothing is started behind its back",
    async ({ mishap }) => {
      const { fake, engine } = kubeflow();
      fake.fail({ routes: ["create-run"], how: mishap });
      await expect(engine.submit(runRequest())).rejects.toThrow("did not answer the request to start run");
      expect(fake.workflows).toHaveLength(0);
      expect(callsOf(fake, "create-run")).toBe(1);
    },
  );

  test("to the start, with the server away for a while after it, is settled when it is back", async () => {
    const { fake, engine } = kubeflow();
    const request = runRequest();
    fake.fail({ routes: ["create-run"], how: { do: "cut", when: "after" } });
    fake.fail({ routes: ["get-run"], after: 1, times: 5, how: { do: "cut", when: "before" } });
    await engine.submit(request);
    expect(fake.workflows).toHaveLength(1);
    expect(callsOf(fake, "create-run")).toBe(1);
  });

  test("to an upload does not make a second version", async () => {
    const { fake, engine } = kubeflow();
    fake.fail({ routes: ["upload-version"], how: { do: "cut", when: "after" } });
    await engine.submit(runRequest());
    expect(names(fake)).toEqual(["v1.1.0"]);
    expect(callsOf(fake, "upload-version")).toBe(1);
  });

  test("to an upload that was not done is followed by another", async () => {
    const { fake, engine } = kubeflow();
    fake.fail({ routes: ["upload-version"], how: { do: "cut", when: "before" } });
    await engine.submit(runRequest());
    expect(names(fake)).toEqual(["v1.1.0"]);
  });

  test.each(["create-pipeline", "upload-version", "create-experiment"] as const)(
    "to %s, by a server that is away for a moment, is followed by another request",
    async (route) => {
      const { fake, engine } = kubeflow();
      const how = { do: "answer", answer: { status: 503, headers: {}, body: "upstream connect error" } } as const;
      fake.fail({ routes: [route], times: 2, how });
      await engine.submit(runRequest());
      expect([fake.state.pipelines.size, fake.state.versions.size, fake.state.experiments.size]).toEqual([1, 1, 1]);
      expect(fake.workflows).toHaveLength(1);
    },
  );

  test("to an upload that is refused is an error at once", async () => {
    const { fake, engine } = kubeflow();
    const answer = { status: 413, headers: { "content-type": "text/plain" }, body: "Request Entity Too Large" };
    fake.fail({ routes: ["upload-version"], times: 9, how: { do: "answer", answer } });
    await expect(engine.submit(runRequest())).rejects.toThrow(/^\[CONFIG\] .*413: Request Entity Too Large.*gateway/);
    expect(callsOf(fake, "upload-version")).toBe(1);
  });

  test("to a retry is settled by the run's state", async () => {
    const { fake, engine, follow } = kubeflow({
      tasks: [{ name: "train", ends: "Failed", message: "main: Error (exit code 1)" }],
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    fake.fail({ routes: ["retry-run"], how: { do: "cut", when: "after" } });
    await engine.submit(request);
    expect((await engine.state(request.runId))?.state).toBe("running");
    expect(fake.workflows[0]?.tries).toHaveLength(2);
  });

  test("to a start, of which a gateway makes a 500 of its own, is settled too", async () => {
    const { fake, engine } = kubeflow();
    fake.fail({ routes: ["get-run"], after: 1, times: 8, how: { do: "cut", when: "before" } });
    fake.fail({ routes: ["create-run"], how: { do: "cut", when: "after" } });
    const request = runRequest();
    await engine.submit(request);
    expect(fake.workflows).toHaveLength(1);
    const other = kubeflow();
    const how = { do: "answer", answer: { status: 500, headers: {}, body: "upstream" } } as const;
    other.fake.fail({ routes: ["create-run"], how });
    await expect(other.engine.submit(request)).rejects.toThrow("[UNAVAILABLE]");
  });

  test("to a start that the server refused with 500 is told in the server's words", async () => {
    const { fake, engine } = kubeflow();
    fake.fail({
      routes: ["create-run"],
      how: { do: "answer", answer: { status: 500, headers: {}, body: '{"code":13,"message":"no template"}' } },
    });
    await expect(engine.submit(runRequest())).rejects.toThrow(/could not start the run .* \(saw 500: no template\)/);
    expect(callsOf(fake, "create-run")).toBe(1);
  });
});

describe("a version", () => {
  test("of the same content is run again, and carries where it comes from", async () => {
    const { fake, engine, again, told } = kubeflow();
    await engine.submit(runRequest());
    await again().submit(runRequest({ attempt: 2 }));
    expect(names(fake)).toEqual(["v1.1.0"]);
    const [version] = [...fake.state.versions.values()];
    expect(version?.description).toContain("https://github.com/acme/digits/actions/runs/812");
    expect(version?.tags).toMatchObject({ release: "v1.1.0", commit: "ab".repeat(20), "workflow-run": "812" });
    expect(told.at(-1)).toContain("with the same content: reused");
  });

  test("is the same although the server gives it back in other words", async () => {
    const { fake, engine, again } = kubeflow();
    const parts = {
      executors: {
        "exec-train": python({
          resources: { accelerator: { type: "nvidia.com/gpu", count: "1" }, cpuLimit: 1 },
          env: [],
        }),
      },
      platform: { deploymentSpec: { executors: { "exec-train": { tolerations: [{ key: "gpu", value: "" }] } } } },
    };
    await engine.submit(runRequest(parts));
    const [version] = [...fake.state.versions.values()];
    const both = version?.spec as { pipeline_spec: { root: { inputDefinitions?: unknown } } };
    expect(Object.keys(both)).toEqual(["pipeline_spec", "platform_spec"]);
    delete both.pipeline_spec.root.inputDefinitions;
    await again().submit(runRequest({ ...parts, attempt: 2 }));
    expect(names(fake)).toEqual(["v1.1.0"]);
  });

  test("of another content is an error that says where they differ, before anything is uploaded", async () => {
    const { fake, engine, again } = kubeflow();
    await engine.submit(runRequest());
    const other = runRequest({ executors: { "exec-train": python({ image: "python:3.12" }) } });
    const [fault] = await again().check(other);
    expect(fault).toMatchObject({
      level: "error",
      rule: "the version v1.1.0 of pipeline digits is there already with another content",
      saw: "they differ in deploymentSpec.executors.exec-train.container.image",
    });
    await expect(again().submit(other)).rejects.toThrow("[CONFLICT] the version v1.1.0 of pipeline digits is there");
    expect(fake.workflows).toHaveLength(1);
  });

  test("that differs in its platform half only is another one", async () => {
    const { engine, again } = kubeflow();
    const settings = (key: string) => ({ deploymentSpec: { executors: { "exec-train": { tolerations: [{ key }] } } } });
    await engine.submit(runRequest({ platform: settings("gpu") }));
    await expect(again().submit(runRequest({ platform: settings("tpu") }))).rejects.toThrow(
      "they differ in platforms.kubernetes.deploymentSpec.executors.exec-train.tolerations",
    );
  });

  test("of another content gets a suffix where that is asked for, and that one is used again", async () => {
    const { fake, again } = kubeflow({ engine: { onChangedVersion: "suffix" } });
    const image = (tag: string) => ({ executors: { "exec-train": python({ image: `python:${tag}` }) } });
    await again().submit(runRequest(image("3.11")));
    await again().submit(runRequest(image("3.12")));
    await again().submit(runRequest(image("3.13")));
    await again().submit(runRequest({ ...image("3.12"), attempt: 2 }));
    expect(names(fake)).toEqual(["v1.1.0", "v1.1.0-2", "v1.1.0-3"]);
    expect([...fake.state.runs.values()].map(({ displayName }) => displayName)).toEqual([
      "digits v1.1.0",
      "digits v1.1.0-2",
      "digits v1.1.0-3",
      "digits v1.1.0-2 (attempt 2)",
    ]);
  });

  test("with + and % in its name is found, however often the server decodes", async () => {
    const { fake, engine, again } = kubeflow();
    const version = "v1.1.0+b%41c";
    await engine.submit(runRequest({ version }));
    await again().submit(runRequest({ version, attempt: 2 }));
    expect(names(fake)).toEqual([version]);
    expect(callsOf(fake, "upload-version")).toBe(1);
  });

  test("that two jobs upload at once is one", async () => {
    const { fake, engine, again } = kubeflow();
    await Promise.all([engine.submit(runRequest()), again().submit(runRequest({ attempt: 2 }))]);
    expect(names(fake)).toEqual(["v1.1.0"]);
    expect(fake.state.pipelines.size).toBe(1);
    expect(fake.state.experiments.size).toBe(1);
  });

  test("is uploaded with its caching rewritten in nested DAGs too", async () => {
    const { fake, again } = kubeflow();
    const nested = {
      components: {
        "comp-loop": {
          dag: { tasks: { inner: { componentRef: { name: "comp-train" }, cachingOptions: { enableCache: true } } } },
        },
      },
      tasks: {
        train: { componentRef: { name: "comp-train" }, cachingOptions: { enableCache: true } },
        loop: { componentRef: { name: "comp-loop" } },
      },
    };
    await again({ caching: "off" }).submit(runRequest(nested));
    const [version] = [...fake.state.versions.values()];
    expect(JSON.stringify(version?.spec)).not.toContain("enableCache");
  });
});

describe("old versions", () => {
  test("go, but for the one that runs and those of live runs", async () => {
    const slow = [{ name: "train", runMs: 3_600_000 }];
    const { fake, engine, told } = kubeflow({
      engine: { keepVersions: 2 },
      scheduleOf: ({ runId }) => ({
        tasks: runId === runRequest({ version: "v1" }).runId ? slow : [{ name: "train" }],
      }),
    });
    for (const version of ["v1", "v2", "v3", "v4"]) {
      await engine.submit(runRequest({ version }));
      await fake.clock.sleep(120_000);
    }
    expect(names(fake)).toEqual(["v1", "v4"]);
    expect(told.filter((line) => line.startsWith("Removed"))).toEqual([
      "Removed 1 old versions of the pipeline: v2",
      "Removed 1 old versions of the pipeline: v3",
    ]);
  });

  test("that cannot be removed do not fail the run", async () => {
    const { fake, engine, told } = kubeflow({ engine: { keepVersions: 1 } });
    await engine.submit(runRequest({ version: "v1" }));
    await fake.clock.sleep(120_000);
    fake.fail({
      routes: ["delete-version"],
      times: 9,
      how: { do: "answer", answer: { status: 403, headers: {}, body: '{"code":7,"message":"no"}' } },
    });
    await engine.submit(runRequest({ version: "v2" }));
    expect(fake.workflows).toHaveLength(2);
    expect(told.at(-1)).toMatch(/^! Old versions were not removed: .*refused to remove the version/);
  });
});

describe("a wait", () => {
  test.each([
    [
      "Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
      "unschedulable",
      "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
    ],
    ['ImagePullBackOff: Back-off pulling image "x"', "image-pull", 'ImagePullBackOff: Back-off pulling image "x"'],
    ["InvalidImageName: couldn't parse image", "image-invalid", "InvalidImageName: couldn't parse image"],
    ['CreateContainerConfigError: secret "s" not found', "config", 'CreateContainerConfigError: secret "s" not found'],
    ["pods is forbidden: exceeded quota: gpus", "quota", "pods is forbidden: exceeded quota: gpus"],
    ["PodInitializing", "starting", "PodInitializing"],
  ])("is told in the pod's words: %s", async (message, kind, text) => {
    const { engine, follow } = kubeflow({ tasks: [{ name: "train", waits: [{ ms: 300_000, message }] }] });
    const request = runRequest();
    await engine.submit(request);
    const looks = await follow(request.runId);
    expect(waitsOf(looks, "train").find((wait) => wait?.message === text)).toEqual({
      kind,
      message: text,
      pod: expect.stringMatching(/-system-container-impl-\d+$/),
    });
    // GPU hours are of the time that it ran, not of the wait
    expect(last(looks).tasks[0]).toMatchObject({ state: "succeeded", seconds: 10 });
  });

  test("is told of compressed nodes too, as it changes from one reason to another", async () => {
    const waits = [
      { ms: 120_000, message: "Unschedulable: 0/1 nodes are available" },
      { ms: 120_000, message: "ErrImagePull: not found" },
    ];
    const { engine, follow } = kubeflow({ tasks: [{ name: "train", waits }], switches: { "nodes-compressed": true } });
    const request = runRequest();
    await engine.submit(request);
    const kinds = waitsOf(await follow(request.runId), "train").map((wait) => wait?.kind);
    expect(kinds.filter((kind) => kind !== "start" && kind !== "starting")).toEqual(["unschedulable", "image-pull"]);
  });

  test("of a driver is told as one", async () => {
    const driver = { waits: [{ ms: 60_000, message: "Unschedulable: 0/1 nodes are available" }] };
    const { engine, follow } = kubeflow({ tasks: [{ name: "train", driver }] });
    const request = runRequest();
    await engine.submit(request);
    expect(waitsOf(await follow(request.runId), "train")[0]).toMatchObject({
      kind: "unschedulable",
      message: "its driver waits: 0/1 nodes are available",
    });
  });

  test("of a run that nobody takes up is told as its start", async () => {
    const { fake, engine } = kubeflow({
      scheduleOf: () => ({ controllerMs: Number.POSITIVE_INFINITY, tasks: [{ name: "train" }] }),
    });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    expect(await engine.state(request.runId)).toMatchObject({
      state: "pending",
      tasks: [],
      wait: {
        kind: "start",
        message: expect.stringContaining("are the workflow controller and the persistence agent up?"),
      },
    });
  });

  test("cannot be told where workflows are closed to us, which is said once", async () => {
    const { fake, engine, told, follow } = kubeflow({
      tasks: [{ name: "train", waits: [{ ms: 600_000, message: "Unschedulable: x" }] }],
    });
    fake.fail({
      routes: ["get-run-v1"],
      times: 99,
      how: { do: "answer", answer: { status: 403, headers: {}, body: '{"code":7,"message":"no"}' } },
    });
    const request = runRequest();
    await engine.submit(request);
    const looks = await follow(request.runId);
    expect(callsOf(fake, "get-run-v1")).toBe(1);
    expect(told.filter((line) => line.startsWith("! Why pods wait"))).toHaveLength(1);
    expect(waitsOf(looks, "train")[0]?.kind).toBe("starting");
    expect(last(looks)).toMatchObject({ state: "succeeded", tasks: [{ path: "train", state: "succeeded" }] });
    expect((await engine.results(request.runId)).notices[0]).toContain("pods could not be looked at");
  });

  test("of hours costs at most 130 calls an hour", async () => {
    const { fake, engine, follow } = kubeflow({
      tasks: [{ name: "train", waits: [{ ms: 5 * 3_600_000, message: "Unschedulable: x" }], runMs: 4 * 3_600_000 }],
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    const fromMs = fake.calls[0]?.atMs ?? 0;
    for (let hour = 2; hour < 9; hour++) {
      const within = fake.calls.filter(({ atMs }) => Math.floor((atMs - fromMs) / 3_600_000) === hour);
      expect(within.length).toBeLessThanOrEqual(130);
    }
  });
});

describe("a failure", () => {
  test.each([
    ["main: Error (exit code 1)", { exitCode: 1 }],
    ["OOMKilled (exit code 137)", { exitCode: 137, error: "it ran out of memory: OOMKilled (exit code 137)" }],
    ["pod deleted", { error: "its pod was deleted: pod deleted" }],
    [
      "The node was low on resource: memory.",
      { error: "it was evicted from its node: The node was low on resource: memory." },
    ],
    [
      "Pod was terminated in response to imminent node shutdown.",
      { error: expect.stringMatching(/^its node was shut down/) },
    ],
  ])("is told with what the exit code leaves out: %s", async (message, told) => {
    const { engine, follow } = kubeflow({
      tasks: [
        { name: "train", ends: "Failed", message, log: "epoch 1\nValueError: no data\n" },
        { name: "export", after: ["train"] },
      ],
    });
    const request = runRequest({ executors: { "exec-train": python(), "exec-export": python() } });
    await engine.submit(request);
    const status = last(await follow(request.runId));
    expect(status).toMatchObject({ state: "failed", canRetry: true });
    expect(status.tasks.find(({ path }) => path === "train")).toMatchObject({ state: "failed", ...told });
    expect(status.tasks.find(({ path }) => path === "export")?.state).toBe("skipped");
  });

  test("has its log fetched at once, before pods are gone", async () => {
    const { fake, engine, follow } = kubeflow({
      tasks: [
        { name: "train", ends: "Failed", message: "main: Error (exit code 1)", log: "epoch 1\nValueError: no data\n" },
      ],
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    fake.turn("logs-gone", "on");
    expect((await engine.results(request.runId)).logs).toEqual([
      { task: "train", tail: "epoch 1\nValueError: no data", place: expect.stringContaining("/apis/v1alpha1/runs/") },
    ]);
  });

  test("whose log could not be had at once is asked for it again with the results", async () => {
    const { fake, engine, follow } = kubeflow({
      tasks: [{ name: "train", ends: "Failed", message: "main: Error (exit code 1)", log: "ValueError: no data\n" }],
      switches: { "logs-gone": true },
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    fake.turn("logs-gone", "off");
    expect((await engine.results(request.runId)).logs).toMatchObject([{ task: "train", tail: "ValueError: no data" }]);
  });

  test("without a log is told in the pod's words", async () => {
    const { engine, follow } = kubeflow({
      tasks: [{ name: "train", ends: "Failed", message: "OOMKilled (exit code 137)" }],
      switches: { "logs-gone": true },
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    expect((await engine.results(request.runId)).logs).toEqual([
      { task: "train", tail: "it ran out of memory: OOMKilled (exit code 137)" },
    ]);
  });

  test("of a driver is no failure of the task's own code", async () => {
    const { engine, follow } = kubeflow({
      tasks: [{ name: "train", driver: { ends: "Error", message: "exceeded quota: pods" } }],
    });
    const request = runRequest();
    await engine.submit(request);
    expect(last(await follow(request.runId))).toMatchObject({
      state: "failed",
      tasks: [
        { path: "train", state: "failed", error: "its driver failed before the task began: exceeded quota: pods" },
      ],
    });
  });

  test("in a loop is named by its iteration, as the local engine names it", async () => {
    const train = (index: number) => ({ name: "train", within: ["for-loop-1", `iteration-${index}`] });
    const { engine, follow } = kubeflow({
      tasks: [
        train(0),
        { ...train(1), ends: "Failed", message: "main: Error (exit code 2)" },
        { name: "notify", after: ["for-loop-1"], always: true },
      ],
    });
    const request = runRequest();
    await engine.submit(request);
    expect(
      last(await follow(request.runId)).tasks.map(({ path, iteration, state }) => [path, iteration, state]),
    ).toEqual([
      ["for-loop-1-iteration-0/train", "0", "succeeded"],
      ["for-loop-1-iteration-1/train", "1", "failed"],
      ["notify", undefined, "succeeded"],
    ]);
  });

  test("is retried, and what has finished is kept", async () => {
    const { fake, engine, again, follow } = kubeflow({
      scheduleOf: ({ attempt }) => ({
        tasks: [
          { name: "load" },
          {
            name: "train",
            after: ["load"],
            ...(attempt === 1 ? { ends: "Failed" as const, message: "main: Error (exit code 1)" } : {}),
          },
        ],
      }),
    });
    const request = runRequest({ executors: { "exec-load": python(), "exec-train": python() } });
    await engine.submit(request);
    await follow(request.runId);
    await again().submit(request);
    const looks = await follow(request.runId);
    expect(last(looks)).toMatchObject({ state: "succeeded" });
    expect(fake.workflows).toHaveLength(1);
    expect(fake.workflows[0]?.tries[1]?.kept).toEqual(["load"]);
  });

  test("that was retried does not end with what is told late of the last try", async () => {
    const { fake, engine, follow } = kubeflow({
      scheduleOf: ({ attempt }) => ({
        tasks: [
          {
            name: "train",
            ...(attempt === 1 ? { ends: "Failed" as const, message: "main: Error (exit code 1)" } : {}),
          },
        ],
      }),
    });
    const request = runRequest();
    await engine.submit(request);
    const { finishedAtMs } = last(await follow(request.runId));
    await engine.submit(request);
    const run = fake.state.runs.get(request.runId);
    if (run === undefined) throw new Error("no run");
    Object.assign(run, { state: "FAILED", finishedMs: finishedAtMs });
    expect(await engine.state(request.runId)).toMatchObject({ state: "running", tasks: [] });
    await fake.clock.sleep(5_000);
    expect(last(await follow(request.runId)).state).toBe("succeeded");
  });

  test("whose workflow could not be read when it ended can be retried all the same", async () => {
    const { fake, engine, follow } = kubeflow({
      tasks: [{ name: "train", ends: "Failed", message: "main: Error (exit code 1)" }],
    });
    const request = runRequest();
    await engine.submit(request);
    await engine.state(request.runId);
    fake.fail({ routes: ["get-run-v1"], times: 99, how: { do: "cut", when: "before" } });
    expect(last(await follow(request.runId))).toMatchObject({ state: "failed", canRetry: true });
    fake.faults.clear();
    expect((await engine.results(request.runId)).tasks).toMatchObject([
      { path: "train", state: "failed", exitCode: 1 },
    ]);
  });

  test("that the server cannot retry is said, and the next attempt is another run", async () => {
    const { fake, engine, again, follow } = kubeflow({
      tasks: [{ name: "train", ends: "Failed", message: "main: Error (exit code 1)" }],
      switches: { "nodes-offloaded": true },
    });
    const request = runRequest();
    await engine.submit(request);
    expect(last(await follow(request.runId)).canRetry).toBe(false);
    const other = again();
    await expect(other.submit(request)).rejects.toThrow(/^\[CONFLICT\] Kubeflow Pipelines cannot go on with run/);
    expect((await other.state(request.runId))?.canRetry).toBe(false);
    expect(fake.workflows).toHaveLength(1);
  });
});

describe("a run that is ended", () => {
  test("has ended when the answer says so, and is told as cancelled although the server says FAILED", async () => {
    const { fake, engine, again, follow } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    expect(await engine.cancel(request.runId)).toEqual([`ended run ${request.runId}: FAILED`]);
    expect(fake.inFlight()).toEqual([]);
    expect(await engine.state(request.runId)).toMatchObject({ state: "cancelled", canRetry: true });
    // a job that comes later sees it in the workflow
    expect(await again().state(request.runId)).toMatchObject({
      state: "cancelled",
      tasks: [{ path: "train", state: "cancelled" }],
    });
    expect(last(await follow(request.runId)).reason).toBe("it was ended before it was done");
  });

  test("is ended by a job that knows nothing but its id, with the first call", async () => {
    const { fake, engine, again } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    const before = fake.calls.length;
    await again().cancel(request.runId);
    expect(fake.calls[before]?.route).toBe("terminate-run");
    expect(fake.inFlight()).toEqual([]);
  });

  test("may be ended again, or have ended before", async () => {
    const { fake, engine, again } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    await engine.cancel(request.runId);
    expect(await again().cancel(request.runId)).toEqual([`run ${request.runId} had ended already: FAILED`]);
  });

  test("and does not end says so, with what still runs", async () => {
    const { fake, engine } = kubeflow({
      tasks: [{ name: "train", runMs: 3_600_000 }],
      switches: { "terminate-forgotten": true },
    });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    const fromMs = fake.clock.now();
    const said = await engine.cancel(request.runId);
    expect(fake.clock.now() - fromMs).toBeLessThanOrEqual(4_500);
    expect(said).toEqual([
      `asked Kubeflow Pipelines to end run ${request.runId}: it is CANCELING after 4.5 s`,
      expect.stringMatching(/^still running at the last look: train \(pod .*-system-container-impl-\d+\)/),
    ]);
    expect(await engine.state(request.runId)).toMatchObject({ state: "running", reason: "it is being ended" });
  });

  test("that nobody knows is no harm", async () => {
    const { engine } = kubeflow();
    const { runId } = runRequest();
    expect(await engine.cancel(runId)).toEqual([`Kubeflow Pipelines knows no run ${runId}: nothing was running`]);
  });

  test("by an answer that was lost is ended all the same", async () => {
    const { fake, engine } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    fake.fail({ routes: ["terminate-run"], how: { do: "cut", when: "after" } });
    expect(await engine.cancel(request.runId)).toEqual([`ended run ${request.runId}: FAILED`]);
    expect((await engine.state(request.runId))?.state).toBe("cancelled");
  });

  test("on a server that does not answer is an error, so that it is tried again", async () => {
    const { fake, engine } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    fake.fail({ times: 99, how: { do: "cut", when: "before" } });
    await expect(engine.cancel(request.runId)).rejects.toThrow("[UNAVAILABLE]");
  });

  test("and retried may fail by itself: that is no cancel", async () => {
    const { fake, engine, follow } = kubeflow({
      scheduleOf: ({ attempt }) => ({
        tasks: [
          attempt === 1
            ? { name: "train", runMs: 3_600_000 }
            : { name: "train", ends: "Failed", message: "main: Error (exit code 1)" },
        ],
      }),
    });
    const request = runRequest();
    await engine.submit(request);
    await fake.clock.sleep(60_000);
    await engine.cancel(request.runId);
    await engine.submit(request);
    expect(last(await follow(request.runId)).state).toBe("failed");
  });
});

describe("a look", () => {
  test("at a server that is away says nothing of the run", async () => {
    const { fake, engine } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    await engine.state(request.runId);
    fake.fail({ times: 20, how: { do: "cut", when: "before" } });
    await expect(engine.state(request.runId)).rejects.toThrow("[UNAVAILABLE]");
  });

  test("at a run whose workflow cannot be read now goes on with the run's own state", async () => {
    const { fake, engine } = kubeflow({ tasks: [{ name: "train", runMs: 3_600_000 }] });
    const request = runRequest();
    await engine.submit(request);
    fake.fail({ routes: ["get-run-v1"], times: 3, how: { do: "cut", when: "before" } });
    await fake.clock.sleep(60_000);
    expect(await engine.state(request.runId)).toMatchObject({ state: "running" });
  });
});

describe("results", () => {
  test("join what pods tell with what was recorded", async () => {
    const outputs = { parameters: { rows: 3 }, artifacts: {} };
    const recorded = {
      task: "train",
      path: "train",
      state: "succeeded" as const,
      cached: false,
      inputs: none,
      outputs,
    };
    const { engine, follow } = kubeflow({
      engine: { readResults: async ({ tasks = [] }) => ({ tasks: [recorded], notices: [`${tasks.length} known`] }) },
    });
    const request = runRequest();
    await engine.submit(request);
    await follow(request.runId);
    expect(await engine.results(request.runId)).toMatchObject({
      tasks: [{ path: "train", state: "succeeded", seconds: 10, pod: expect.any(String), outputs }],
      logs: [],
      notices: ["1 known"],
    });
  });
});

describe("a check", () => {
  test("changes nothing and finds nothing wrong with a sound run", async () => {
    const { fake, engine } = kubeflow();
    expect(await engine.check(runRequest())).toEqual([]);
    expect(fake.calls.every(({ method }) => method === "GET")).toBe(true);
  });

  test("of a server with several users asks for the namespace", async () => {
    const { engine, again } = kubeflow({ multiUser: true });
    await expect(engine.check(runRequest())).rejects.toThrow("input namespace");
    expect(await again({ namespace: "team-a" }).check(runRequest())).toEqual([]);
  });

  test("of an address where no API is says what was found there", async () => {
    const { again } = kubeflow();
    await expect(again({ endpoint: "http://kfp.test/wrong" }).check(runRequest())).rejects.toThrow(
      /\[NOT_FOUND\] input endpoint: there is no API of Kubeflow Pipelines at `endpoint` \(saw http:\/\/kfp\.test\/wrong: 404/,
    );
  });

  test.each([
    [{ name: "n".repeat(129) }, "the name of the pipeline is too long"],
    [{ version: "v".repeat(128) }, "the name of the version is too long"],
    [{ name: "a/b" }, "the server finds no pipeline with a `/` in its name"],
    [{ values: { nope: 1 } }, "the pipeline has no parameter nope"],
    [
      { executors: { "exec-train": python({ resources: { accelerator: { type: "nvidia.com/gpu" } } }) } },
      "task train asks for an accelerator without saying which and how many: it would run without one",
    ],
    [
      { executors: { "exec-train": python({ command: ["x".repeat(33 * 1024 * 1024)] }) } },
      "Kubeflow Pipelines takes no package over 32 MiB",
    ],
  ])("finds what this server would refuse: %#", async (parts, rule) => {
    const faults = await kubeflow().engine.check(runRequest(parts));
    expect(faults.filter(({ level }) => level === "error").map((fault) => fault.rule)).toContain(rule);
  });

  test("warns of a package that may not fit into a workflow", async () => {
    const executors = { "exec-train": python({ command: ["x".repeat(300 * 1024)] }) };
    expect((await kubeflow().engine.check(runRequest({ executors })))[0]).toMatchObject({
      level: "warning",
      saw: "300 KiB",
    });
  });
});

describe("where pipelines are Kubernetes objects", () => {
  test("names become DNS names, and people read their own", async () => {
    const { fake, engine, again, follow } = kubeflow({ store: "kubernetes" });
    const request = runRequest({ name: "Digits training", version: "V1.1.0+a_b" });
    expect(await engine.check(request)).toEqual([]);
    await engine.submit(request);
    await again().submit(runRequest({ name: "Digits training", version: "V1.1.0+a_b", attempt: 2 }));
    expect([...fake.state.pipelines.values()]).toMatchObject([
      { name: "digits-training", displayName: "Digits training" },
    ]);
    expect([...fake.state.versions.values()]).toMatchObject([
      { name: "digits-training-v1.1.0-a-b", displayName: "V1.1.0+a_b" },
    ]);
    expect(last(await follow(request.runId)).state).toBe("succeeded");
  });
});

describe("a server with several users", () => {
  test("keeps pipelines, experiments and runs in their namespace", async () => {
    const { fake, engine, again } = kubeflow({ multiUser: true, engine: { namespace: "team-a" } });
    await engine.submit(runRequest());
    await again({ namespace: "team-b" }).submit(runRequest({ attempt: 2 }));
    expect([...fake.state.pipelines.values()].map(({ namespace }) => namespace)).toEqual(["team-a", "team-b"]);
    expect([...fake.state.experiments.values()].map(({ namespace }) => namespace)).toEqual(["team-a", "team-b"]);
    expect([...fake.state.runs.values()].map(({ namespace }) => namespace)).toEqual(["team-a", "team-b"]);
  });

  test("that refuses the account says which right is missing", async () => {
    const { fake, engine } = kubeflow({ multiUser: true, engine: { namespace: "team-a" } });
    const body = '{"code":7,"message":"User \'ci\' is not authorized with reason: list experiments"}';
    fake.fail({ routes: ["list-experiments"], how: { do: "answer", answer: { status: 403, headers: {}, body } } });
    await expect(engine.check(runRequest())).rejects.toThrow(
      /^\[AUTH\] .*find the experiment digits .*kubeflow-pipelines-edit/,
    );
  });
});

test("a run goes through over real connections", async () => {
  const server = await startFakeKfp({
    prefix: "/pipeline",
    scheduleOf: () => ({ controllerMs: 10, tasks: [{ name: "train", driver: { ms: 10 }, runMs: 10 }] }),
  });
  onTestFinished(() => server.close());
  const { again } = kubeflow();
  const engine = again({ endpoint: server.url, send: request, clock: systemClock });
  const wanted = runRequest();
  expect(await engine.check(wanted)).toEqual([]);
  await engine.submit(wanted);
  const ended = await poll({
    clock: systemClock,
    delayMs: 50,
    look: async () => {
      const status = await engine.state(wanted.runId);
      return status?.state === "succeeded" ? status : undefined;
    },
    deadline: { ms: 20_000, problem: () => ({ rule: "the run must end" }) },
  });
  expect(ended.tasks).toMatchObject([{ path: "train", state: "succeeded" }]);
});

describe("KFP 3.0", () => {
  test("is known by its routes, and its runs are followed", async () => {
    const { engine, follow } = kubeflow({
      release: "3.0",
      tasks: [{ name: "train", waits: [{ ms: 120_000, message: "Unschedulable: x" }] }],
    });
    const request = runRequest();
    await engine.submit(request);
    const looks = await follow(request.runId);
    expect(waitsOf(looks, "train").map((wait) => wait?.kind)).toContain("unschedulable");
    expect(last(looks)).toMatchObject({ state: "succeeded", tasks: [{ path: "train", state: "succeeded" }] });
  });
});
