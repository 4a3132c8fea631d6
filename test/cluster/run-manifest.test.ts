import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../support/cluster/api.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { type JobContext, type JobOptions, jobContext } from "../support/job-context.ts";
import { RELEASE, TRAINER } from "../support/pipeline-job.ts";
import { type ActionRun, type Phase, type Result, runAction } from "../support/run-action.ts";

// The step as a process of its own, as the account of the role that is shipped.

describe.skipIf(await lacksCluster())("run-pipeline with a manifest on a real Kubernetes", { concurrent: true }, () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster({ trainer: true });
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  it("runs a Job in the built image and brings its metrics home", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const log = 'epoch 1\nml-release-metrics {"accuracy": 0.96}\n';
    const { main } = await place.run({ job: trainingJob({ atEnd, log }) });
    expect(main.code).toBe(0);
    expect(main.outputs).toMatchObject({ state: "succeeded", adopted: "false" });
    expect(JSON.parse(main.outputs.metrics ?? "")).toMatchObject([{ name: "accuracy", value: 0.96, task: "train" }]);
    const [job] = await place.jobs();
    expect(job?.spec.template.spec.containers[0].image).toBe(TRAINER);
  });

  it("plans without applying anything", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const { main } = await place.run({ job: trainingJob({ atEnd, gpus: 8 }), with: { mode: "plan" } });
    expect(main.code).toBe(0);
    expect(said(main, "warning")).toContain("can ever hold its pod, which asks for 8 x nvidia.com/gpu");
    expect(await place.jobs()).toEqual([]);
  });

  it("applies nothing as an account that may not, and names each rule that it lacks", async ({
    onTestFinished: atEnd,
  }) => {
    const namespace = await cluster.namespace();
    const kubeconfig = cluster.kubeconfig({ token: await cluster.accountToken(namespace, "stranger") }, namespace);
    const { main } = await runAction("run-pipeline", {
      job: trainingJob({ atEnd }),
      with: { manifest: "train.yaml", kubeconfig, release: RELEASE },
    });
    expect(main.code).toBe(1);
    expect(said(main, "error")).toContain(
      `add to a Role in ${namespace} of this account: - { apiGroups: ["batch"], resources: [jobs], verbs: [get, list, create, patch] }`,
    );
    expect((await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs`)).items).toEqual([]);
  });

  it("leaves no pod when it is cancelled, and goes on with the same Job when it is run again", async ({
    onTestFinished: atEnd,
  }) => {
    const place = await newPlace();
    const job = trainingJob({ atEnd, runTime: "8s" });
    const { main, post } = await place.run({ job, cancelWhen: trains });
    expect([main.code, main.sent.map(({ name }) => name), post?.code]).toEqual([1, ["SIGINT"], 0]);
    expect(await place.pods()).toEqual([]);
    const [suspended] = await place.jobs();
    expect(suspended?.spec.suspend).toBe(true);
    const again = await place.run({ job: trainingJob({ atEnd, runTime: "8s", machine: job, runAttempt: 2 }) });
    expect(again.main.outputs).toMatchObject({ state: "succeeded" });
    expect((await place.jobs()).map(({ metadata }) => metadata.uid)).toEqual([suspended?.metadata.uid]);
  });

  it("adopts what a step started that was killed", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const job = trainingJob({ atEnd, runTime: "5s" });
    const { main } = await place.run({ job, killWhen: trains, post: false });
    expect(main.signal).toBe("SIGKILL");
    const again = await place.run({ job: trainingJob({ atEnd, runTime: "5s", machine: job, runAttempt: 2 }) });
    expect(again.main.outputs).toMatchObject({ state: "succeeded", adopted: "true" });
    expect(await place.jobs()).toHaveLength(1);
    expect(await place.pods()).toHaveLength(1);
  });

  it("ends what a step started that was killed, in its post", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const { main, post } = await place.run({ job: trainingJob({ atEnd, runTime: "forever" }), killWhen: trains });
    expect([main.signal, post?.code]).toEqual(["SIGKILL", 0]);
    expect(await place.pods()).toEqual([]);
  });

  it("makes one Job where two workflow jobs ask for it at once; both see it succeed", async ({
    onTestFinished: atEnd,
  }) => {
    const place = await newPlace();
    const wishes: Wishes = { runTime: "4s" };
    const results = await Promise.all([
      place.run({ job: trainingJob({ atEnd, ...wishes, runId: 812 }) }),
      place.run({ job: trainingJob({ atEnd, ...wishes, runId: 813 }) }),
    ]);
    expect(results.map(({ main }) => main.outputs.state)).toEqual(["succeeded", "succeeded"]);
    expect(new Set(results.map(({ main }) => main.outputs["run-id"])).size).toBe(1);
    expect(await place.jobs()).toHaveLength(1);
    expect(await place.pods()).toHaveLength(1);
  });

  it("follows on when the API server dies in the middle and comes back with another memory", {
    concurrent: false,
  }, async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    let restarted: Promise<void> | undefined;
    let seen = "";
    const { main } = await place.run({
      job: trainingJob({ atEnd, runTime: "15s" }),
      onOutput: (text) => {
        seen += text;
        if (restarted === undefined && trains(seen)) restarted = cluster.restartApiServer();
      },
    });
    expect(restarted).toBeDefined();
    expect(said(main, "error")).toBe("");
    expect(main.outputs).toMatchObject({ state: "succeeded" });
    expect(await place.jobs()).toHaveLength(1);
  });

  it("gives up on GPUs that no node has, in the scheduler's words, and leaves no pod", async ({
    onTestFinished: atEnd,
  }) => {
    const place = await newPlace();
    const { main } = await place.run({ job: trainingJob({ atEnd, gpus: 8 }), with: { "unschedulable-timeout": "3s" } });
    expect(main.code).toBe(1);
    expect(main.outputs.reason).toMatch(/Insufficient nvidia\.com\/gpu/);
    expect(main.summary).toContain("unschedulable-timeout");
    expect(await place.pods()).toEqual([]);
  });

  it("waits for GPUs until a node comes that has them", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    let node: Promise<string> | undefined;
    let seen = "";
    const { main } = await place.run({
      job: trainingJob({ atEnd, gpus: 4 }),
      onOutput: (text) => {
        seen += text;
        if (seen.includes("Insufficient nvidia.com/gpu")) node ??= cluster.addNode({ gpus: 4 });
      },
    });
    expect(main.outputs).toMatchObject({ state: "succeeded" });
    expect((await place.pods())[0]?.spec.nodeName).toBe(await node);
  });

  it("gives up on an image that does not come, and names it", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const job = trainingJob({ atEnd, waiting: "ErrImagePull" });
    const { main } = await place.run({ job, with: { "image-pull-timeout": "2s" } });
    expect(main.code).toBe(1);
    expect(main.outputs.reason).toContain(TRAINER);
    expect(await place.pods()).toEqual([]);
  });

  it("shows the end of the log of a pod that failed", async ({ onTestFinished: atEnd }) => {
    const place = await newPlace();
    const job = trainingJob({ atEnd, log: "epoch 1\nRuntimeError: CUDA out of memory\n", exitCode: "1" });
    const { main } = await place.run({ job });
    expect(main.outputs).toMatchObject({ state: "failed", "failed-task": "train" });
    expect(main.outputs.reason).toContain("exit code 1");
    expect(main.summary).toContain("RuntimeError: CUDA out of memory");
  });

  type Place = {
    readonly namespace: string;
    run(run: ActionRun): Promise<Result>;
    jobs(): Promise<readonly KubeObject[]>;
    pods(): Promise<readonly KubeObject[]>;
  };

  /** A namespace with the shipped role, and a kubeconfig of its account. */
  async function newPlace(): Promise<Place> {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    await applyRole(cluster, "run-pipeline-manifest-cluster.yaml", namespace);
    const kubeconfig = cluster.kubeconfig({ token }, namespace);
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    for (const path of [jobs, "/api/v1/nodes"])
      await until("the role to be known", async () => (await cluster.as(token).send(path)).status === 200);
    return {
      namespace,
      run: ({ with: inputs = {}, ...run }) =>
        runAction("run-pipeline", {
          ...run,
          with: { manifest: "train.yaml", kubeconfig, release: RELEASE, ...inputs },
        }),
      jobs: async () => (await cluster.api.get(jobs)).items,
      pods: async () => (await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`)).items,
    };
  }
});

const trains = (stdout: string) => stdout.includes("train started");

function said({ commands }: Phase, level: "error" | "warning"): string {
  return commands
    .filter(({ name }) => name === level)
    .map(({ message }) => message)
    .join("\n");
}

type Wishes = JobOptions & {
  readonly log?: string;
  readonly runTime?: string;
  readonly waiting?: string;
  readonly exitCode?: string;
  readonly gpus?: number;
};

/** A workflow job whose workspace has a Job that trains, and what the kubelet of the tests makes of it. */
function trainingJob({
  log = "",
  runTime = "500ms",
  waiting,
  exitCode = "0",
  gpus = 0,
  ...options
}: Wishes): JobContext {
  const annotations = {
    "kubelet.test/log": log,
    "kubelet.test/run-time": runTime,
    "kubelet.test/exit-code": exitCode,
    ...(waiting === undefined ? {} : { "kubelet.test/waiting": waiting }),
  };
  const resources = gpus === 0 ? {} : { resources: { limits: { "nvidia.com/gpu": gpus } } };
  const containers = [{ name: "main", image: "image://trainer", ...resources }];
  const template = { metadata: { annotations }, spec: { restartPolicy: "Never", containers } };
  const manifest = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "train" },
    spec: { backoffLimit: 0, template },
  };
  return jobContext({ tag: "v1.0.0", ...options, files: { "train.yaml": JSON.stringify(manifest) } });
}
