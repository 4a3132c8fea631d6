import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readClusterRoom } from "../../actions/shared/clients/kubernetes/cluster-room.ts";
import { listPods } from "../../actions/shared/clients/kubernetes/pods.ts";
import { capacityOf } from "../../actions/shared/domain/capacity/capacity.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";

const GPU = "nvidia.com/gpu";
const spec = { containers: [{ name: "server", image: "fraud:1", resources: { limits: { [GPU]: "1" } } }] };

describe.skipIf(await lacksCluster())("room for a candidate in a real cluster", () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode({ name: "gpu-1", gpus: 1 });
    await cluster.addNode({ name: "plain" });
  });
  afterAll(() => cluster?.stop());

  const deployment = (name: string) =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec },
      },
    });

  it("is told as the scheduler then finds it: a GPU that exists once is there after stable has gone", async () => {
    const namespace = await cluster.namespace();
    const connection = await connectionTo(cluster, namespace);
    const path = (name: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const isAvailable = async (name: string) => (await cluster.api.get(path(name))).status.availableReplicas === 1;
    await cluster.apply(deployment("stable"), namespace);
    await until("stable", () => isAvailable("stable"));
    const look = async () => {
      const stable = (await listPods(connection, namespace, "app=stable")) ?? [];
      return capacityOf({
        candidate: { spec, count: 1 },
        stable,
        room: await readClusterRoom(connection, namespace),
      });
    };

    const before = await look();
    expect(before.plans.map(({ plan, state }) => `${plan} ${state}`)).toEqual([
      "extra short",
      "borrow short",
      "recreate fits",
    ]);
    await cluster.apply(deployment("candidate"), namespace);
    await until("the scheduler to say so", async () => {
      const pods = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods?labelSelector=app=candidate`);
      const conditions = pods.items[0]?.status.conditions ?? [];
      return conditions.some(({ reason }: { reason: string }) => reason === "Unschedulable");
    });
    await cluster.api.send(path("stable"), { method: "DELETE" });
    await until("the candidate", () => isAvailable("candidate"));
    await cluster.api.send(path("candidate"), { method: "DELETE" });
  });

  it("is not known to an account that may list nothing, and a quota alone is", async () => {
    const namespace = await cluster.namespace();
    const token = await cluster.accountToken(namespace, "ml-release");
    const connection = await connectionTo(cluster, namespace, { token });
    const look = async () =>
      capacityOf({
        candidate: { spec, count: 1 },
        stable: [],
        room: await readClusterRoom(connection, namespace),
      });
    const blind = await look();
    expect(blind.plans[0]).toMatchObject({ state: "unknown", why: "the account may not list nodes" });
    await cluster.apply(
      [
        { kind: "Role", rules: [{ apiGroups: [""], resources: ["resourcequotas"], verbs: ["list"] }] },
        {
          kind: "RoleBinding",
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "quotas" },
          subjects: [{ kind: "ServiceAccount", name: "ml-release", namespace }],
        },
      ]
        .map((one) => ({ apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "quotas" }, ...one }))
        .map((one) => JSON.stringify(one))
        .join("\n---\n"),
      namespace,
    );
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "gpus" } };
    await cluster.apply(JSON.stringify({ ...quota, spec: { hard: { [`requests.${GPU}`]: "0" } } }), namespace);
    await until("the quota", async () => (await look()).plans[0]?.state === "short");
    expect((await look()).plans[0]?.why).toBe(`the quota gpus has 0 of 0 requests.${GPU} left, 1 are asked for`);
  });
});
