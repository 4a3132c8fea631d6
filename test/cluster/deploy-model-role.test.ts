import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { ROLLOUT_ACCESS } from "../../actions/shared/clients/argo-rollouts/access.ts";
import { DEPLOYMENT_ACCESS } from "../../actions/shared/clients/deployments/access.ts";
import { kserveAccess } from "../../actions/shared/clients/kserve/access.ts";
import { GUARD_ACCESS } from "../../actions/shared/clients/kubernetes/access.ts";
import { accessFindings } from "../../actions/shared/clients/kubernetes/access-findings.ts";
import { clusterEvents } from "../../actions/shared/clients/kubernetes/cluster-events.ts";
import { readClusterRoom } from "../../actions/shared/clients/kubernetes/cluster-room.ts";
import { kubernetesJournal } from "../../actions/shared/clients/kubernetes/kubernetes-journal.ts";
import { kubernetesLease } from "../../actions/shared/clients/kubernetes/serving-lease.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { journalEntry } from "../contract/journal-contract.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";

const TABLES = {
  deployment: [...DEPLOYMENT_ACCESS, ...GUARD_ACCESS],
  kserve: [...kserveAccess(), ...GUARD_ACCESS],
  rollout: [...ROLLOUT_ACCESS, ...GUARD_ACCESS],
};

describe.skipIf(await lacksCluster())("the roles that are shipped for deploy-model", () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  it.each(["deployment", "kserve", "rollout"] as const)("%s allow all that is done, and no secret", async (target) => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, `deploy-model-${target}.yaml`, namespace);
    const connection = await connectionTo(cluster, namespace, { token });
    const findings = () => accessFindings(connection, TABLES[target], namespace);
    await until("the role to be known", async () => (await findings()).problems.length === 0);
    expect((await findings()).notes).toEqual([
      expect.stringContaining("may not list nodes in the whole cluster"),
      expect.stringContaining("may not list pods in the whole cluster"),
    ]);
    await applyRole(cluster, "deploy-model-cluster.yaml", namespace);
    await until("the role of the cluster to be known", async () => (await findings()).notes.length === 0);
    expect((await cluster.as(token).send(`/api/v1/namespaces/${namespace}/secrets`)).status).toBe(403);
  });

  it("allow lease, journal, events and a look at the room", async () => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "deploy-model-deployment.yaml", namespace);
    const connection = await connectionTo(cluster, namespace, { token });
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/none`;
    await until("the role to be known", async () => (await cluster.as(token).send(leases)).status === 404);
    const place = { connection, namespace, name: "fraud" };
    const lease = kubernetesLease({ ...place, holder: "run 1", clock: systemClock, ttlMs: 60_000 });
    await lease.take();
    await lease.renew();
    const journal = kubernetesJournal({ ...place, mostBytes: 24_000 });
    await journal.write(journalEntry(0.05, 500));
    await journal.write({ ...journalEntry(0, 0), startedAtMs: 1 });
    const warned: string[] = [];
    const tell = clusterEvents({
      connection,
      namespace,
      regarding: async () => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "fraud", uid: "1" } }),
      instance: "run 1",
      clock: systemClock,
      log: { warn: (line) => warned.push(line), debug: () => undefined },
    });
    for (let i = 0; i < 2; i++) await tell({ reason: "CanaryHeld", note: "no data" });
    const { nodes, quotas } = await readClusterRoom(connection, namespace);
    await lease.release();
    expect({ warned, nodes, quotas }).toEqual({ warned: [], nodes: undefined, quotas: [] });
    const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/configmaps`);
    const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    expect(names.filter((name: string) => name.startsWith("mlrelease-"))).toEqual(["mlrelease-fraud"]);
  });

  it("name the rule that was left out of them", async () => {
    const namespace = await cluster.namespace();
    const file = join(import.meta.dirname, "../../roles/deploy-model-deployment.yaml");
    const [role] = parseAllDocuments(readFileSync(file, "utf8").replaceAll("NAMESPACE", namespace)).map((one) =>
      one.toJS(),
    );
    const token = await applyRole(cluster, "deploy-model-deployment.yaml", namespace);
    const connection = await connectionTo(cluster, namespace, { token });
    const told = async () => {
      const { problems, notes } = await accessFindings(connection, TABLES.deployment, namespace);
      return [...problems.map(({ hint }) => hint ?? ""), ...notes].filter((line) => !line.includes("ClusterRole"));
    };
    await until("the role to be known", async () => (await told()).length === 0);
    for (const rule of role.rules) {
      const rules = role.rules.filter((other: unknown) => other !== rule);
      await cluster.api.send(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${role.metadata.name}`, {
        method: "PATCH",
        contentType: "application/merge-patch+json",
        body: { rules },
      });
      const [group, [resource]] = [rule.apiGroups[0], rule.resources];
      const words = `apiGroups: ["${group}"], resources: [${resource}], verbs: [`;
      await until(`to be told of ${resource}`, async () => {
        const lines = await told();
        return lines.length > 0 && lines.every((line) => line.includes(words));
      });
    }
  });
});
