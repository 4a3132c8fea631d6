import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";

const GPU = "nvidia.com/gpu";

describe.skipIf(await lacksCluster())("the Kubernetes of the tests", { concurrent: true }, () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster({ trainer: true });
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  it("rolls a Deployment", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment("model", { replicas: 3 }), namespace);
    await until("three replicas", async () => {
      const { status } = await cluster.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/model`);
      return status.readyReplicas === 3;
    });
  });

  it("lets a Job succeed", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train"), namespace);
    expect(await conditionOf(namespace, "train", ["Complete", "Failed"])).toMatchObject({ type: "Complete" });
  });

  it("lets a Job fail with the exit code that its pod is told", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { annotations: { "exit-code": "3" } }), namespace);
    expect(await conditionOf(namespace, "train", ["Complete", "Failed"])).toMatchObject({
      type: "Failed",
      reason: "BackoffLimitExceeded",
    });
    expect(await containerState(namespace, "train")).toMatchObject({ terminated: { exitCode: 3, reason: "Error" } });
  });

  it("kills a container that takes too much memory", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { annotations: { killed: "OOMKilled" } }), namespace);
    await conditionOf(namespace, "train", ["Failed"]);
    expect(await containerState(namespace, "train")).toMatchObject({
      terminated: { exitCode: 137, reason: "OOMKilled" },
    });
  });

  it("ends a Job at its deadline", async () => {
    const namespace = await cluster.namespace();
    const spec = { activeDeadlineSeconds: 1 };
    await cluster.apply(job("train", { annotations: { "run-time": "forever" }, spec }), namespace);
    expect(await conditionOf(namespace, "train", ["Complete", "Failed"])).toMatchObject({ reason: "DeadlineExceeded" });
  });

  it("keeps a Job that asks for GPUs pending, in the scheduler's words, until a node has them", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { gpus: 2, annotations: { "run-time": "100ms" } }), namespace);
    await until("the scheduler's refusal", async () => {
      const { status } = await podOf(namespace, "train");
      const scheduled = status.conditions?.find(({ type }: { type: string }) => type === "PodScheduled");
      return scheduled?.reason === "Unschedulable" && scheduled.message.includes(`Insufficient ${GPU}`);
    });
    const node = await cluster.addNode({ gpus: 2 });
    expect(await conditionOf(namespace, "train", ["Complete", "Failed"])).toMatchObject({ type: "Complete" });
    expect((await podOf(namespace, "train")).spec.nodeName).toBe(node);
  });

  it("does not start a container whose image cannot be pulled, and tries again", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { annotations: { waiting: "ErrImagePull" } }), namespace);
    for (const reason of ["ErrImagePull", "ImagePullBackOff", "ErrImagePull"])
      await until(reason, async () => (await containerState(namespace, "train"))?.waiting?.reason === reason);
    expect((await podOf(namespace, "train")).status.phase).toBe("Pending");
  });

  it("restarts a container that crashes where its pod says so", async () => {
    const namespace = await cluster.namespace();
    const annotations = { "exit-code": "1", "run-time": "10ms" };
    await cluster.apply(job("train", { annotations, restartPolicy: "OnFailure" }), namespace);
    await until("a second restart", async () => {
      const [seen] = (await podOf(namespace, "train")).status.containerStatuses ?? [];
      return seen?.restartCount >= 2 && seen.lastState.terminated.exitCode === 1;
    });
  });

  it("gives the log of a pod, and why there is none yet", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { annotations: { log: "epoch 1\nepoch 2\nCUDA out of memory\n" } }), namespace);
    await conditionOf(namespace, "train", ["Complete"]);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const name = (await podOf(namespace, "train")).metadata.name;
    const { body } = await cluster.api.send(`${pods}/${name}/log?tailLines=2`);
    expect(body).toBe("epoch 2\nCUDA out of memory\n");

    await cluster.apply(job("stuck", { annotations: { waiting: "ErrImagePull" } }), namespace);
    await until("the pod to wait", async () => (await containerState(namespace, "stuck"))?.waiting !== undefined);
    const stuck = (await podOf(namespace, "stuck")).metadata.name;
    expect(await cluster.api.send(`${pods}/${stuck}/log`)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("is waiting to start") },
    });
  });

  it("brings a TrainJob to Complete by the controllers of Trainer and JobSet", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(trainJob("train"), namespace);
    const path = `/apis/trainer.kubeflow.org/v1alpha1/namespaces/${namespace}/trainjobs/train`;
    await until("the TrainJob to be complete", async () => {
      const { status } = await cluster.api.get(path);
      return status?.conditions?.some((one: Condition) => one.type === "Complete" && one.status === "True");
    });
    const jobSet = `/apis/jobset.x-k8s.io/v1alpha2/namespaces/${namespace}/jobsets/train`;
    expect((await cluster.api.get(jobSet)).status.terminalState).toBe("Completed");
  });

  it("refuses a TrainJob whose runtime does not exist, by its webhook", async () => {
    const namespace = await cluster.namespace();
    await expect(cluster.apply(trainJob("train", "no-such-runtime"), namespace)).rejects.toThrow(/no-such-runtime/);
  });

  it("lets the user `limited` do nothing, and a service account what its role says", async () => {
    const namespace = await cluster.namespace();
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const limited = cluster.as(cluster.tokens.limited);
    expect(await limited.send(pods)).toMatchObject({ status: 403, body: { reason: "Forbidden" } });

    const token = await cluster.accountToken(namespace, "trainer");
    const account = cluster.as(token);
    expect((await account.send(pods)).status).toBe(403);
    await cluster.apply(role(namespace, "trainer"));
    await until("the role to be known", async () => (await account.send(pods)).status === 200);
  });

  it("knows a user by a client certificate", async () => {
    const { certificate, key } = cluster.clientCertificate("anna");
    const review = await new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(cluster.server);
      const socket = connect({ host: hostname, port: Number(port), ca: cluster.ca, cert: certificate, key });
      const chunks: string[] = [];
      socket.on("data", (chunk) => chunks.push(String(chunk)));
      socket.on("end", () => resolve(chunks.join("")));
      socket.on("error", reject);
      socket.write("GET /api/v1/nodes HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n\r\n");
    });
    expect(review).toContain(`User \\"anna\\" cannot list resource \\"nodes\\"`);
  });

  it("answers a server-side apply over another's field with 409 and the field", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment("model", { replicas: 1 }), namespace);
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/model?fieldManager=other`;
    const body = deployment("model", { replicas: 2 });
    const answer = await cluster.api.send(path, { method: "PATCH", body, contentType: "application/apply-patch+yaml" });
    expect(answer).toMatchObject({
      status: 409,
      body: { details: { causes: [{ reason: "FieldManagerConflict", field: ".spec.replicas" }] } },
    });
  });

  it("answers 410 inside a watch that goes on from what the server has forgotten", { concurrent: false }, async () => {
    const namespace = await cluster.namespace();
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const { metadata } = await cluster.api.get(jobs);
    await cluster.apply(job("train"), namespace);
    await conditionOf(namespace, "train", ["Complete"]);
    await cluster.restartApiServer();
    const watch = `${jobs}?watch=true&timeoutSeconds=5&resourceVersion=${metadata.resourceVersion}`;
    const { status, body } = await cluster.api.send(watch);
    expect(status).toBe(200);
    expect(body).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  });

  it("answers 410 to a watch of events from before etcd was compacted", { concurrent: false }, async () => {
    const namespace = await cluster.namespace();
    const events = `/api/v1/namespaces/${namespace}/events`;
    const { metadata } = await cluster.api.get(events);
    await cluster.apply(job("train"), namespace);
    await conditionOf(namespace, "train", ["Complete"]);
    await cluster.compact();
    const watch = `${events}?watch=true&timeoutSeconds=5&resourceVersion=${metadata.resourceVersion}`;
    expect((await cluster.api.send(watch)).body).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });

  it("leaves no pod of a Job that is deleted", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(job("train", { annotations: { "run-time": "forever" } }), namespace);
    await until("the pod to run", async () => (await podOf(namespace, "train")).status.phase === "Running");
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/train?propagationPolicy=Background`;
    expect((await cluster.api.send(path, { method: "DELETE" })).status).toBe(200);
    await until("no pod", async () => {
      const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`);
      return items.length === 0;
    });
  });

  it("ends with the process that started it, also when that is killed", async ({ onTestFinished }) => {
    const program = join(import.meta.dirname, "../support/cluster/cluster-program.ts");
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [printed] = (await once(child.stdout, "data")) as [Buffer];
    const pids: readonly number[] = JSON.parse(String(printed));
    expect(pids).toHaveLength(2);
    child.kill("SIGKILL");
    await until("its parts to be gone", async () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  });

  async function conditionOf(namespace: string, name: string, types: readonly string[]): Promise<Condition> {
    let found: Condition | undefined;
    await until(`${name} to be ${types.join(" or ")}`, async () => {
      const { status } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}`);
      found = status.conditions?.find((one: Condition) => types.includes(one.type) && one.status === "True");
      return found !== undefined;
    });
    return found!;
  }

  async function podOf(namespace: string, name: string) {
    const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods?labelSelector=job-name=${name}`);
    if (items.length === 0) throw new Error(`${name} has no pod`);
    return items[0];
  }

  async function containerState(namespace: string, name: string) {
    return (await podOf(namespace, name)).status.containerStatuses?.[0]?.state;
  }
});

type Condition = { readonly type: string; readonly status: string; readonly reason: string };

type JobOptions = {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly gpus?: number;
  readonly restartPolicy?: "Never" | "OnFailure";
  readonly spec?: object;
};

function job(
  name: string,
  { annotations = {}, gpus = 0, restartPolicy = "Never", spec = {} }: JobOptions = {},
): string {
  const told = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`kubelet.test/${key}`, value]));
  const resources = gpus === 0 ? {} : { resources: { limits: { [GPU]: String(gpus) } } };
  const container = { name: "main", image: "registry.test/trainer:1", ...resources };
  const template = { metadata: { annotations: told }, spec: { restartPolicy, containers: [container] } };
  const limit = restartPolicy === "Never" ? 0 : 6;
  return JSON.stringify({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { backoffLimit: limit, template, ...spec },
  });
}

function deployment(name: string, { replicas }: { readonly replicas: number }): string {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "registry.test/model:1" }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name }, spec });
}

function trainJob(name: string, runtime = "torch-distributed"): string {
  const spec = { runtimeRef: { name: runtime }, trainer: { image: "registry.test/trainer:1", numNodes: 2 } };
  return JSON.stringify({ apiVersion: "trainer.kubeflow.org/v1alpha1", kind: "TrainJob", metadata: { name }, spec });
}

function role(namespace: string, account: string): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: ${account}, namespace: ${namespace} }
rules: [{ apiGroups: [""], resources: [pods], verbs: [list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${account}, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${account} }
subjects: [{ kind: ServiceAccount, name: ${account}, namespace: ${namespace} }]
`;
}
