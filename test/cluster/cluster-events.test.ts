import { beforeAll, describe, expect, it } from "vitest";
import { type ClusterEventsOptions, clusterEvents } from "../../actions/shared/clients/kubernetes/cluster-events.ts";
import { getObject } from "../../actions/shared/clients/kubernetes/objects.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";

describe.skipIf(await lacksCluster())("events of a rollout", () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  const open = async (login: "admin" | { token: string } = "admin", options: Partial<ClusterEventsOptions> = {}) => {
    const namespace = await cluster.namespace();
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "fraud" }, spec: { ports: [{ port: 80 }] } };
    await cluster.apply(JSON.stringify(service), namespace);
    const admin = await connectionTo(cluster, namespace);
    const warned: string[] = [];
    const tell = clusterEvents({
      connection: await connectionTo(cluster, namespace, login),
      namespace,
      regarding: () => getObject(admin, { group: "", version: "v1", plural: "services", namespace }, "fraud"),
      instance: "acme/digits run 7 attempt 1",
      clock: systemClock,
      log: { warn: (line) => warned.push(line), debug: () => undefined },
      ...options,
    });
    const written = async () =>
      // as kubectl reads them
      (await cluster.api.get(`/api/v1/namespaces/${namespace}/events`)).items;
    return { tell, written, warned };
  };

  it("are of the object, and say who tells them", async () => {
    const { tell, written, warned } = await open();
    await tell({ reason: "CanaryStep", note: "fraud 1.1.0 gets 5 % of the traffic" });
    await tell({ reason: "CanaryRolledBack", note: "x".repeat(3_000) });
    expect(warned).toEqual([]);
    const events = await written();
    expect(events).toContainEqual(
      expect.objectContaining({
        involvedObject: expect.objectContaining({ kind: "Service", name: "fraud" }),
        reason: "CanaryStep",
        message: "fraud 1.1.0 gets 5 % of the traffic",
        type: "Normal",
        reportingComponent: "ml-release.dev/deploy-model",
        reportingInstance: "acme/digits run 7 attempt 1",
      }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ reason: "CanaryRolledBack", type: "Warning", message: "x".repeat(1_024) }),
    );
  });

  it("that are the same are counted in a series", async () => {
    const { tell, written } = await open();
    for (let i = 0; i < 3; i++) await tell({ reason: "CanaryHeld", note: "no data" });
    const events = await written();
    expect(events).toHaveLength(1);
    expect(events[0].series.count).toBe(3);
  });

  it("that may not be written are warned of once, with the rule to add", async () => {
    const { tell, written, warned } = await open({ token: cluster.tokens.limited });
    await tell({ reason: "CanaryStep", note: "5 %" });
    await tell({ reason: "CanaryStep", note: "25 %" });
    expect(await written()).toEqual([]);
    expect(warned).toEqual([expect.stringMatching(/apiGroups: \["events\.k8s\.io"\], resources: \["events"\]/)]);
  });

  it("of what is not there any more are not written", async () => {
    const { tell, written, warned } = await open("admin", { regarding: async () => undefined });
    await tell({ reason: "Promoted", note: "fraud 1.1.0 serves" });
    expect([await written(), warned]).toEqual([[], []]);
  });
});
