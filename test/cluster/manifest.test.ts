import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectCluster, type KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { accessOf, formatRule } from "../../actions/shared/domain/manifest/access.ts";
import { KINDS } from "../../actions/shared/domain/manifest/kinds.ts";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import type { RunStatus } from "../../actions/shared/domain/run/task.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { silentLog } from "../support/logs.ts";
import { followUntil, manifestRun } from "../support/manifest-run.ts";

const GPU = "nvidia.com/gpu";

describe.skipIf(await lacksCluster())("objects that train on a real Kubernetes", () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster({ trainer: true });
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  const connectTo = (
    namespace: string,
    login: Parameters<OwnCluster["kubeconfig"]>[0] = "admin",
  ): Promise<KubeConnection> =>
    connectCluster({
      kubeconfig: cluster.kubeconfig(login, namespace),
      cwd: "/",
      env: {},
      mask: () => {},
      clock: systemClock,
      log: silentLog,
    });

  it("runs a Job to its end, found by its run id, with labels and annotations that say where it comes from", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train"));
    expect(await run.engine.check(run.request)).toEqual([]);
    expect(await run.engine.state(run.runId)).toBeUndefined();
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status).toMatchObject({
      state: "succeeded",
      canRetry: false,
      tasks: [{ path: "train", state: "succeeded" }],
    });
    const { metadata } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs/${run.name}`);
    expect(metadata.labels).toMatchObject({ "ml-release/run-id": run.runId, "ml-release/release": "v1.0.0" });
    expect(metadata.annotations).toMatchObject({ "ml-release/commit": "c".repeat(40) });
  });

  it("finds out at once that a run has ended", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { "run-time": "2s" } }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    // what is still new from the start is heard first
    let status = await run.engine.state(run.runId);
    let heardAt = 0;
    while (status?.state === "running") {
      await run.engine.change?.(run.runId, AbortSignal.timeout(30_000));
      heardAt = Date.now();
      status = await run.engine.state(run.runId);
    }
    expect(status?.state).toBe("succeeded");
    const { status: ended } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs/${run.name}`);
    // the API server's times are whole seconds
    expect(heardAt - Date.parse(ended.completionTime)).toBeLessThan(1_500);
  });

  it("brings the metrics home that a pod printed", async () => {
    const namespace = await cluster.namespace();
    const log = 'epoch 1\nml-release-metrics {"accuracy": 0.96, "recall[class=3]": 0.9}\n';
    const run = manifestRun(await connectTo(namespace), job("train", { play: { log } }));
    await run.engine.submit(run.request);
    await followUntil(run);
    const { tasks, notices } = await run.engine.results(run.runId);
    expect(notices).toEqual([]);
    expect(tasks[0]?.outputs.artifacts["log-metrics"]?.[0]?.metadata).toEqual({
      accuracy: 0.96,
      "recall[class=3]": 0.9,
    });
  });

  it("submits a run once, whoever asks and however often", async () => {
    const namespace = await cluster.namespace();
    const connection = await connectTo(namespace);
    const object = job("train", { play: { "run-time": "forever" } });
    const first = manifestRun(connection, object);
    const second = manifestRun(connection, object, { runId: first.runId });
    await Promise.all([first.engine.submit(first.request), second.engine.submit(second.request)]);
    await first.engine.submit(first.request);
    expect((await second.engine.state(first.runId))?.state).toMatch(/pending|running/);
    const { items } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs`);
    expect(items).toHaveLength(1);
    await first.engine.cancel(first.runId);
  });

  it("does not take over an object of that name that is not the run's", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train"));
    await cluster.apply(JSON.stringify(job(run.name)), namespace);
    await expect(run.engine.submit(run.request)).rejects.toThrow(/is there already, and is not this run/);
  });

  it("keeps a GPU job waiting in the scheduler's words, then runs it on the node that comes", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { gpus: 4, play: { "run-time": "1s" } }));
    const faults = await run.engine.check(run.request);
    expect(faults).toMatchObject([
      {
        level: "warning",
        rule: "no node of the cluster can ever hold its pod, which asks for 4 x nvidia.com/gpu",
        saw: expect.stringMatching(/^0\/\d+ nodes? can hold it: \d+ without nvidia.com\/gpu$/),
      },
    ]);
    await run.engine.submit(run.request);
    const waiting = await followUntil(run, ({ tasks }) => tasks[0]?.wait?.kind === "unschedulable");
    expect(waiting).toMatchObject({ state: "pending", tasks: [{ path: "train", state: "pending" }] });
    expect(waiting.tasks[0]?.wait?.message).toContain(`Insufficient ${GPU}`);
    const node = await cluster.addNode({ gpus: 4 });
    expect(await run.engine.check(run.request)).toEqual([]);
    const ended = await followUntil(run);
    expect(ended).toMatchObject({ state: "succeeded", tasks: [{ node }] });
    const { environment } = await run.engine.results(run.runId);
    expect(environment?.gpus).toMatchObject([{ count: 4 }]);
    await cluster.removeNode(node);
  });

  it("names an image that does not come", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { waiting: "ErrImagePull" } }));
    await run.engine.submit(run.request);
    const status = await followUntil(run, ({ tasks }) => tasks[0]?.wait?.kind === "image-pull");
    expect(status.state).toBe("pending");
    expect(status.tasks[0]?.wait?.message).toMatch(/ErrImagePull|ImagePullBackOff/);
    await run.engine.cancel(run.runId);
  });

  it.each([
    ["InvalidImageName", "image-invalid"],
    ["CreateContainerConfigError", "config"],
  ])("tells %s as %s", async (waiting, kind) => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { waiting } }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ tasks }) => tasks[0]?.wait?.kind === kind);
    await run.engine.cancel(run.runId);
  });

  it("says which quota keeps pods from being made", async () => {
    const namespace = await cluster.namespace();
    const quota = {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "gpus" },
      spec: { hard: { [`requests.${GPU}`]: "1" } },
    };
    await cluster.apply(JSON.stringify(quota), namespace);
    const run = manifestRun(await connectTo(namespace), job("train", { gpus: 2 }));
    expect(await run.engine.check(run.request)).toContainEqual(
      expect.objectContaining({
        level: "error",
        rule: `the quota gpus of the namespace ${namespace} never allows so many ${GPU}`,
      }),
    );
    await run.engine.submit(run.request);
    const { wait } = await followUntil(run, (status) => status.wait?.kind === "quota");
    expect(wait?.message).toContain("exceeded quota: gpus");
    await run.engine.cancel(run.runId);
  });

  it("ends at its deadline, and says so", async () => {
    const namespace = await cluster.namespace();
    const object = job("train", { play: { "run-time": "forever" }, spec: { activeDeadlineSeconds: 2 } });
    const run = manifestRun(await connectTo(namespace), object);
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status).toMatchObject({ state: "failed", canRetry: false });
    expect(status.reason).toBe(
      "DeadlineExceeded: Job was active longer than specified deadline (activeDeadlineSeconds is 2)",
    );
  });

  it("brings back the exit code and the log of a pod that failed, after it is gone too", async () => {
    const namespace = await cluster.namespace();
    const play = { "exit-code": "3", log: "epoch 1\nValueError: 3 faults in the data\n" };
    const run = manifestRun(await connectTo(namespace), job("train", { play }));
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status).toMatchObject({ state: "failed", tasks: [{ path: "train", state: "failed", exitCode: 3 }] });
    await cluster.api.send(`/api/v1/namespaces/${namespace}/pods/${status.tasks[0]?.pod}`, { method: "DELETE" });
    const { logs } = await run.engine.results(run.runId);
    expect(logs).toMatchObject([{ task: "train", tail: expect.stringContaining("ValueError: 3 faults in the data") }]);
  });

  it("names a container that took too much memory", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { killed: "OOMKilled" } }));
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status.tasks[0]).toMatchObject({
      state: "failed",
      exitCode: 137,
      error: expect.stringMatching(/^OOMKilled: /),
    });
  });

  it("suspends on cancel, sees that no pod is left, and goes on when it is asked for again", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { "run-time": "forever" } }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    expect(await run.engine.cancel(run.runId)).toEqual([
      `suspended Job ${run.name}; run the step again to go on with it`,
      "none of its pods runs any more",
    ]);
    expect(await run.engine.cancel(run.runId)).toContain(`Job ${run.name} had been suspended before`);
    const cancelled = await followUntil(run, ({ state }) => state === "cancelled");
    expect(cancelled).toMatchObject({ canRetry: true, reason: expect.stringMatching(/^it was suspended at /) });
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    await run.engine.cancel(run.runId);
  });

  it("deletes on cancel where that is asked for, and nothing is left", async () => {
    const namespace = await cluster.namespace();
    const object = job("train", { play: { "run-time": "forever" } });
    const run = manifestRun(await connectTo(namespace), object, { ending: "delete" });
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    expect((await run.engine.cancel(run.runId))[0]).toBe(`deleted Job ${run.name}`);
    await until("no job", async () => {
      const { items } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs`);
      return items.length === 0;
    });
    expect(await run.engine.cancel(run.runId)).toEqual([
      `there is no Job of run ${run.runId} in the namespace ${namespace}`,
    ]);
  });

  it("says that a run is lost whose object somebody deleted", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { "run-time": "forever" } }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    await cluster.api.send(`/apis/batch/v1/namespaces/${namespace}/jobs/${run.name}?propagationPolicy=Background`, {
      method: "DELETE",
    });
    const status = await followUntil(run, ({ state }) => state === "lost");
    expect(status.reason).toContain("Job was deleted while it was running");
  });

  it("hears on after the server has forgotten where the watch was", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), job("train", { play: { "run-time": "forever" } }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    await until("it to listen", async () => {
      await run.engine.change?.(run.runId, AbortSignal.timeout(100));
      return run.engine.lookMs.max === 60_000;
    });
    await cluster.restartApiServer();
    await until("the engine to answer", async () => {
      try {
        return (await run.engine.state(run.runId)) !== undefined;
      } catch {
        return false;
      }
    });
    await until("it to listen again", async () => run.engine.lookMs.max === 60_000);
    await run.engine.state(run.runId);
    await run.engine.cancel(run.runId);
    const status = await followUntil(run, ({ state }) => state === "cancelled");
    expect(status.canRetry).toBe(true);
  });

  it("runs a TrainJob to Complete by the real controllers, each node a task", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), trainJob("train", { nodes: 2 }));
    expect(await run.engine.check(run.request)).toEqual([]);
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status.state).toBe("succeeded");
    expect(status.tasks.map(({ path, state }) => [path, state])).toEqual([
      ["train", "succeeded"],
      ["train/node-0", "succeeded"],
      ["train/node-1", "succeeded"],
    ]);
  });

  it("suspends a TrainJob, and it goes on", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), trainJob("train", { runtime: await lastingRuntime() }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ tasks }) =>
      tasks.some(({ path, state }) => path === "train/node-0" && state === "running"),
    );
    const [done] = await run.engine.cancel(run.runId);
    expect(done).toBe(`suspended TrainJob ${run.name}; run the step again to go on with it`);
    await followUntil(run, ({ state }) => state === "cancelled");
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    await run.engine.cancel(run.runId);
  });

  /** What a TrainJob says itself does not come to its pods. */
  async function lastingRuntime(): Promise<string> {
    const runtimes = "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes";
    const { apiVersion, kind, metadata, spec } = await cluster.api.get(`${runtimes}/torch-distributed`);
    const { template } = spec.template.spec.replicatedJobs[0].template.spec;
    template.metadata = { ...template.metadata, annotations: { "kubelet.test/run-time": "forever" } };
    const name = "torch-lasting";
    await cluster.apply(JSON.stringify({ apiVersion, kind, metadata: { name, labels: metadata.labels }, spec }));
    return name;
  }

  it("finds out before that a runtime is not there", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), trainJob("train", { runtime: "no-such-runtime" }));
    expect(await run.engine.check(run.request)).toContainEqual(
      expect.objectContaining({ level: "error", rule: "the cluster has no ClusterTrainingRuntime no-such-runtime" }),
    );
  });

  it.each([
    { kind: "PyTorchJob", specs: "pytorchReplicaSpecs", plural: "pytorchjobs", type: "Master" },
    { kind: "TFJob", specs: "tfReplicaSpecs", plural: "tfjobs", type: "Chief" },
  ])("follows a $kind as its operator writes it", async ({ kind, specs, plural, type }) => {
    const namespace = await cluster.namespace();
    const object = {
      apiVersion: "kubeflow.org/v1",
      kind,
      metadata: { name: "train" },
      spec: {
        runPolicy: { suspend: false },
        [specs]: { [type]: { replicas: 1, template: podTemplate() }, Worker: { replicas: 2, template: podTemplate() } },
      },
    };
    const run = manifestRun(await connectTo(namespace), object);
    expect(await run.engine.check(run.request)).toEqual([]);
    await run.engine.submit(run.request);
    expect((await run.engine.state(run.runId))?.wait).toMatchObject({ kind: "start" });
    for (const [replica, index] of [
      [type.toLowerCase(), 0],
      ["worker", 0],
      ["worker", 1],
    ] as const) {
      const labels = {
        "training.kubeflow.org/job-name": run.name,
        "training.kubeflow.org/replica-type": replica,
        "training.kubeflow.org/replica-index": String(index),
      };
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `${run.name}-${replica}-${index}`, labels },
        spec: podTemplate().spec,
      };
      await cluster.apply(JSON.stringify(pod), namespace);
    }
    const path = `/apis/kubeflow.org/v1/namespaces/${namespace}/${plural}/${run.name}/status`;
    const running = [condition("Created"), condition("Running")];
    await writeStatus(path, { conditions: running, startTime: NOW, replicaStatuses: { Worker: { active: 2 } } });
    const seen = await followUntil(run, ({ state, progress }) => state === "running" && progress !== undefined);
    expect(seen.progress).toBe("Worker: 2 active");
    const done = [
      condition("Created"),
      { ...condition("Running"), status: "False" },
      condition("Succeeded", "JobSucceeded"),
    ];
    await writeStatus(path, { conditions: done, startTime: NOW, completionTime: NOW });
    const status = await followUntil(run);
    expect(status.state).toBe("succeeded");
    expect(status.tasks.map((task) => task.path)).toEqual([
      "train",
      `train/${type.toLowerCase()}-0`,
      "train/worker-0",
      "train/worker-1",
    ]);
  });

  it.each([
    ["ExperimentGoalReached", "succeeded", "the goal was reached: loss is 0.009 in trial tune-b, the goal is 0.01"],
    [
      "ExperimentMaxTrialsReached",
      "succeeded",
      "all trials were used up without reaching a goal: best of 2 trials: loss is 0.009 in trial tune-b, the goal is 0.01",
    ],
    ["ExperimentFailed", "failed", "too many trials failed: 0 failed, 1 may"],
  ])("an Experiment that ends with %s has %s", async (reason, state, sentence) => {
    const namespace = await cluster.namespace();
    const run = manifestRun(await connectTo(namespace), experiment("tune"));
    expect((await run.engine.check(run.request)).filter(({ level }) => level === "error")).toEqual([]);
    await run.engine.submit(run.request);
    for (const [name, lr] of [
      ["tune-a", "0.05"],
      ["tune-b", "0.02"],
    ] as const) {
      const trial = {
        apiVersion: "kubeflow.org/v1beta1",
        kind: "Trial",
        metadata: { name, labels: { "katib.kubeflow.org/experiment": run.name } },
        spec: {
          objective: { type: "minimize", objectiveMetricName: "loss" },
          parameterAssignments: [{ name: "lr", value: lr }],
        },
      };
      await cluster.apply(JSON.stringify(trial), namespace);
    }
    const path = `/apis/kubeflow.org/v1beta1/namespaces/${namespace}/experiments/${run.name}/status`;
    await writeStatus(path, {
      conditions: [condition("Created"), condition(state === "failed" ? "Failed" : "Succeeded", reason)],
      startTime: NOW,
      completionTime: NOW,
      trials: 2,
      currentOptimalTrial: {
        bestTrialName: "tune-b",
        parameterAssignments: [
          { name: "lr", value: "0.02" },
          { name: "units", value: "64" },
          { name: "optimizer", value: "adam" },
        ],
        observation: { metrics: [{ name: "loss", min: "0.009", max: "0.5", latest: "0.011" }] },
      },
    });
    const status = await followUntil(run);
    expect(status).toMatchObject({ state, reason: sentence });
    expect(status.tasks.map((task) => task.path)).toEqual([
      "tune",
      "tune/trials-iteration-0/trial",
      "tune/trials-iteration-1/trial",
    ]);
    const { tasks } = await run.engine.results(run.runId);
    expect(tasks[1]?.inputs.parameters).toEqual({ lr: 0.05 });
    if (state === "failed") return;
    expect(tasks[0]?.outputs.parameters).toEqual({ lr: 0.02, units: 64, optimizer: "adam" });
    expect(tasks[0]?.outputs.artifacts.metrics).toMatchObject([{ type: "system.Metrics", metadata: { loss: 0.009 } }]);
  });

  it("follows any kind with stated conditions", async () => {
    const namespace = await cluster.namespace();
    const object = {
      apiVersion: "jobset.x-k8s.io/v1alpha2",
      kind: "JobSet",
      metadata: { name: "set" },
      spec: {
        replicatedJobs: [{ name: "w", replicas: 1, template: { spec: { backoffLimit: 0, template: podTemplate() } } }],
      },
    };
    const stated = { success: "Completed=True", failure: "Failed=True" };
    const run = manifestRun(await connectTo(namespace), object, stated);
    expect(await run.engine.check(run.request)).toEqual([]);
    await run.engine.submit(run.request);
    const status = await followUntil(run);
    expect(status).toMatchObject({ state: "succeeded", reason: expect.stringMatching(/^Completed is True/) });
    expect(status.tasks.map(({ path, state }) => [path, state])).toEqual([["set", "succeeded"]]);
    expect(status.tasks[0]?.pod).toContain("set-");
  });

  it("says what the cluster does not know: a kind, a field, a value", async () => {
    const namespace = await cluster.namespace();
    const connection = await connectTo(namespace);
    const unknown = manifestRun(connection, { apiVersion: "nobody.test/v1", kind: "Nothing" }, { success: "Complete" });
    expect(await unknown.engine.check(unknown.request)).toMatchObject([
      { level: "error", path: [0, "kind"], saw: "nobody.test/v1 Nothing" },
    ]);
    const field = manifestRun(connection, job("train", { spec: { backofLimit: 3 } }));
    const [fault] = await field.engine.check(field.request);
    expect(fault).toMatchObject({ level: "error" });
    expect(`${fault?.rule} ${fault?.saw}`).toContain("backofLimit");
    const value = manifestRun(connection, job("train", { restartPolicy: "Always" }));
    const [refused] = await value.engine.check(value.request);
    expect(refused).toMatchObject({ level: "error" });
    expect(`${refused?.rule} ${refused?.saw}`).toContain("restartPolicy");
  });

  it("says that a namespace is not there", async () => {
    const connection = await connectTo("default");
    const run = manifestRun(connection, job("train"), { namespace: "nowhere" });
    const faults = await run.engine.check(run.request);
    expect(faults).toMatchObject([{ level: "error" }]);
    expect(`${faults[0]?.rule} ${faults[0]?.saw}`).toContain('namespaces "nowhere" not found');
  });

  it("names both, the field and who owns it, where somebody else does", async () => {
    const namespace = await cluster.namespace();
    const run = manifestRun(
      await connectTo(namespace),
      job("train", { spec: { parallelism: 1 }, play: { "run-time": "forever" } }),
    );
    await run.engine.submit(run.request);
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${run.name}?fieldManager=somebody&force=true`;
    const theirs = { apiVersion: "batch/v1", kind: "Job", metadata: { name: run.name }, spec: { parallelism: 2 } };
    await cluster.api.send(path, { method: "PATCH", body: theirs, contentType: "application/apply-patch+yaml" });
    const faults = await run.engine.check(run.request);
    expect(`${faults[0]?.rule} ${faults[0]?.saw}`).toMatch(/spec\.parallelism/);
    expect(`${faults[0]?.rule} ${faults[0]?.saw}`).toMatch(/somebody/);
    await run.engine.cancel(run.runId);
  });

  it("names every rule that a Role lacks, and works under the least one", async () => {
    const namespace = await cluster.namespace();
    const token = await cluster.accountToken(namespace, "trainer");
    const connection = await connectTo(namespace, { token });
    const run = manifestRun(connection, job("train", { play: { log: 'ml-release-metrics {"accuracy": 1}\n' } }));
    const faults = await run.engine.check(run.request);
    const hints = faults.map(({ hint }) => hint);
    expect(hints).toContain(
      `add to a Role in ${namespace} of this account: ${formatRule("batch", "jobs", ["get", "list", "create", "patch"])}`,
    );
    expect(hints).toContain(`add to a Role in ${namespace} of this account: ${formatRule("", "pods", ["list"])}`);
    await expect(run.engine.state(run.runId)).rejects.toThrow(/\[AUTH\].*jobs.*list/s);

    await cluster.apply(leastRole(namespace, "trainer"));
    await until("the role to be known", async () =>
      (await run.engine.check(run.request)).every(({ level }) => level === "notice"),
    );
    await run.engine.submit(run.request);
    expect((await followUntil(run)).state).toBe("succeeded");
    const { tasks, notices } = await run.engine.results(run.runId);
    expect(notices).toEqual([]);
    expect(tasks[0]?.outputs.artifacts["log-metrics"]?.[0]?.metadata).toEqual({ accuracy: 1 });
  });

  it("says what it could not check, and the rule that would let it", async () => {
    const namespace = await cluster.namespace();
    const token = await cluster.accountToken(namespace, "trainer");
    await cluster.apply(leastRole(namespace, "trainer"));
    const run = manifestRun(await connectTo(namespace, { token }), job("train", { gpus: 1 }));
    await until("the role to be known", async () =>
      (await run.engine.check(run.request)).every(({ level }) => level === "notice"),
    );
    expect(await run.engine.check(run.request)).toEqual([
      {
        level: "notice",
        path: [0, "spec"],
        rule: "not checked: whether any node can hold the GPUs",
        saw: "the account may not list nodes",
        hint: `add to a ClusterRole of this account: ${formatRule("", "nodes", ["list"])}`,
      },
    ]);
  });

  it("looks where it may not listen", async () => {
    const namespace = await cluster.namespace();
    const token = await cluster.accountToken(namespace, "trainer");
    await cluster.apply(leastRole(namespace, "trainer", ["watch"]));
    const run = manifestRun(await connectTo(namespace, { token }), job("train"));
    await until("the role to be known", async () =>
      (await run.engine.check(run.request)).every(({ level }) => level === "notice"),
    );
    await run.engine.submit(run.request);
    const status: RunStatus = await followUntil(run);
    expect(status.state).toBe("succeeded");
    expect(run.engine.lookMs.max).toBe(30_000);
  });

  async function writeStatus(path: string, status: object): Promise<void> {
    const answer = await cluster.api.send(path, {
      method: "PATCH",
      body: { status },
      contentType: "application/merge-patch+json",
    });
    expect(answer.status).toBe(200);
  }
});

const NOW = new Date().toISOString().replace(/\.\d+Z$/, "Z");

function condition(type: string, reason = `${type}Reason`) {
  return { type, status: "True", reason, message: "", lastUpdateTime: NOW, lastTransitionTime: NOW };
}

type JobOptions = {
  /** What the kubelet of the tests plays. */
  readonly play?: Readonly<Record<string, string>>;
  readonly gpus?: number;
  readonly restartPolicy?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
};

function job(name: string, { spec = {}, ...options }: JobOptions = {}): KubeObject {
  const all = { backoffLimit: 0, template: podTemplate(options), ...spec };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: all } as KubeObject;
}

function podTemplate({ play = {}, gpus = 0, restartPolicy = "Never" }: Omit<JobOptions, "spec"> = {}) {
  const annotations = Object.fromEntries(Object.entries(play).map(([key, value]) => [`kubelet.test/${key}`, value]));
  const resources = gpus === 0 ? {} : { resources: { limits: { [GPU]: String(gpus) } } };
  return {
    metadata: { annotations },
    spec: { restartPolicy, containers: [{ name: "main", image: "registry.test/trainer:1", ...resources }] },
  };
}

function trainJob(
  name: string,
  { nodes = 1, runtime = "torch-distributed" }: { readonly nodes?: number; readonly runtime?: string } = {},
): KubeObject {
  return {
    apiVersion: "trainer.kubeflow.org/v1alpha1",
    kind: "TrainJob",
    metadata: { name },
    spec: {
      runtimeRef: { name: runtime },
      trainer: { image: "registry.test/trainer:1", numNodes: nodes },
    },
  };
}

function experiment(name: string): KubeObject {
  const parameter = (one: string, parameterType: string) => ({
    name: one,
    parameterType,
    feasibleSpace: { min: "0", max: "1" },
  });
  return {
    apiVersion: "kubeflow.org/v1beta1",
    kind: "Experiment",
    metadata: { name },
    spec: {
      objective: { type: "minimize", goal: 0.01, objectiveMetricName: "loss" },
      algorithm: { algorithmName: "random" },
      parallelTrialCount: 1,
      maxTrialCount: 2,
      maxFailedTrialCount: 1,
      parameters: [parameter("lr", "double"), parameter("units", "int"), parameter("optimizer", "categorical")],
      trialTemplate: {
        primaryContainerName: "main",
        trialParameters: [{ name: "lr", reference: "lr" }],
        trialSpec: { apiVersion: "batch/v1", kind: "Job", spec: { template: podTemplate() } },
      },
    },
  };
}

/** Exactly what the client's table says for Jobs, without some verbs. */
function leastRole(namespace: string, account: string, without: readonly string[] = []): string {
  const job = KINDS.find(({ kind }) => kind === "Job")!;
  const rules = accessOf(job)
    .filter(({ scope }) => scope === "namespace")
    .map(({ group, resource, verbs }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: verbs.filter((verb) => !without.includes(verb)),
    }))
    .filter(({ verbs }) => verbs.length > 0);
  const metadata = { name: account, namespace };
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const binding = {
    apiVersion,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: account },
    subjects: [{ kind: "ServiceAccount", name: account, namespace }],
  };
  return `${JSON.stringify({ apiVersion, kind: "Role", metadata, rules })}\n---\n${JSON.stringify(binding)}`;
}
