import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type WaitForDeployment, waitForDeployment } from "../../actions/shared/clients/kubernetes/rollout-status.ts";
import { type KubeObject, textAt, valueAt } from "../../actions/shared/domain/manifest/object.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { silentLog } from "../support/logs.ts";

describe.skipIf(await lacksCluster())("a wait for a Deployment", { concurrent: true }, () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  type Play = Readonly<Record<string, string>>;
  const deployment = (image: string, { play = {}, container = {} }: { play?: Play; container?: object } = {}) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "fraud" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "fraud" } },
      template: {
        metadata: {
          labels: { app: "fraud" },
          annotations: Object.fromEntries(Object.entries(play).map(([key, value]) => [`kubelet.test/${key}`, value])),
        },
        spec: { containers: [{ name: "server", image, ...container }] },
      },
    },
  });
  const imageOf = (object: KubeObject) => textAt(object, ["spec", "template", "spec", "containers", 0, "image"]);

  const waiting = async (namespace: string, options: Partial<WaitForDeployment> = {}) =>
    waitForDeployment(await connectionTo(cluster, namespace), {
      namespace,
      name: "fraud",
      isWanted: (object) => imageOf(object) === "fraud:2",
      timeoutMs: 60_000,
      unschedulableMs: 1_500,
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
      ...options,
    });

  it("ends when every replica has the template and serves", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(JSON.stringify(deployment("fraud:2", { play: { "ready-after": "1s" } })), namespace);
    const object = await waiting(namespace);
    expect(valueAt(object, ["status"])).toMatchObject({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 });
  });

  it("is not deceived by Available=True of the former version while the new image cannot be pulled", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(JSON.stringify(deployment("fraud:1")), namespace);
    await waiting(namespace, { isWanted: (object) => imageOf(object) === "fraud:1" });
    await cluster.apply(JSON.stringify(deployment("fraud:2", { play: { waiting: "ErrImagePull" } })), namespace);
    await expect(waiting(namespace)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringMatching(/pod fraud-\S+: server: ErrImagePull: .*"fraud:2": not found/),
    });
    const { status } = await cluster.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/fraud`);
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: "Available", status: "True" }));
  });

  it("ends with the end of the log where the server crashes right after it was ready", async () => {
    const namespace = await cluster.namespace();
    const play = { "exit-code": "3", log: "loading model\nno such file: weights.bin\n" };
    await cluster.apply(JSON.stringify(deployment("fraud:2", { play })), namespace);
    await expect(waiting(namespace)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringMatching(/container server: .*exit code 3.*no such file: weights\.bin/s),
    });
  });

  it("tells a server that needs more memory than it may have", async () => {
    const namespace = await cluster.namespace();
    const container = { resources: { limits: { memory: "64Mi" } } };
    const object = deployment("fraud:2", { play: { killed: "OOMKilled" }, container });
    await cluster.apply(JSON.stringify(object), namespace);
    await expect(waiting(namespace)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringContaining("OOMKilled: container server used more than its memory limit of 64Mi"),
    });
  });

  it("gives a pod that no node takes a while, and ends in the scheduler's words", async () => {
    const namespace = await cluster.namespace();
    const container = { resources: { limits: { "nvidia.com/gpu": "1" } } };
    await cluster.apply(JSON.stringify(deployment("fraud:2", { container })), namespace);
    await expect(waiting(namespace)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringContaining("Insufficient nvidia.com/gpu"),
    });
  });

  it("tells a quota that keeps pods from being made", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "few" },
        spec: { hard: { pods: "1" } },
      }),
      namespace,
    );
    await cluster.apply(JSON.stringify(deployment("fraud:2")), namespace);
    await expect(waiting(namespace)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringContaining("exceeded quota: few"),
    });
  });

  it("ends with what it still waits for when its time is over", async () => {
    const namespace = await cluster.namespace();
    const object = deployment("fraud:2", { play: { "ready-after": "1h" } });
    await cluster.apply(JSON.stringify(object), namespace);
    await expect(waiting(namespace, { timeoutMs: 2_000, hint: "raise `ready-timeout`" })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/0 of 2 replicas are available; .*readiness probe.*raise `ready-timeout`/),
    });
  });

  it("ends where somebody else changes or removes it", async () => {
    const namespace = await cluster.namespace();
    const object = deployment("fraud:2", { play: { "ready-after": "1h" } });
    await cluster.apply(JSON.stringify(object), namespace);
    const changed = waiting(namespace);
    const outcome = expect(changed).rejects.toMatchObject({ code: "CONFLICT" });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await cluster.apply(JSON.stringify(deployment("fraud:3")), namespace);
    await outcome;
  });

  it("goes on where the API server is away for a while", { concurrent: false }, async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(JSON.stringify(deployment("fraud:2", { play: { "ready-after": "3s" } })), namespace);
    // The scheduler may be cut off in the middle of what it does, and says so.
    const ready = waiting(namespace, { unschedulableMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await cluster.restartApiServer();
    expect(valueAt(await ready, ["status", "availableReplicas"])).toBe(2);
  });
});
