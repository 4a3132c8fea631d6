import { beforeAll, describe, expect, it } from "vitest";
import { LEASE_ACCESS, STORAGE_ACCESS } from "../../actions/shared/clients/kubernetes/access.ts";
import { accessFindings } from "../../actions/shared/clients/kubernetes/access-findings.ts";
import { readStorageNotes } from "../../actions/shared/clients/kubernetes/storage-access.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";

describe.skipIf(await lacksCluster())("what is known of a namespace before a rollout", () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  const question = { account: "server", uri: "s3://models/fraud/8", endpoint: "https://minio.ml:9000" };

  it("a secret is read without its data, and one that is missing is named", async () => {
    const namespace = await cluster.namespace();
    const connection = await connectionTo(cluster, namespace);
    const objects = [
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "keys", annotations: { "serving.kserve.io/s3-endpoint": "minio.other:9000" } },
        stringData: { AWS_SECRET_ACCESS_KEY: "hush" },
      },
      {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "server" },
        secrets: [{ name: "keys" }, { name: "none" }],
      },
    ];
    await cluster.apply(objects.map((one) => JSON.stringify(one)).join("\n---\n"), namespace);
    const answers: string[] = [];
    const listening = {
      ...connection,
      send: async (wanted: Parameters<typeof connection.send>[0]) => {
        const answer = await connection.send(wanted);
        answers.push(answer.text());
        return answer;
      },
    };
    expect(await readStorageNotes(listening, { namespace, ...question })).toEqual([
      "ServiceAccount server lists the secret none, which is not there",
      expect.stringContaining("from minio.other:9000, and the store of this job is minio.ml:9000"),
    ]);
    expect(answers.join()).toContain("s3-endpoint");
    expect(answers.join()).not.toContain(Buffer.from("hush").toString("base64"));
  });

  it("an account without rights is told so, with the rules to add", async () => {
    const namespace = await cluster.namespace();
    const connection = await connectionTo(cluster, namespace, "limited");
    expect(await readStorageNotes(connection, { namespace, ...question })).toEqual([
      expect.stringMatching(/^not checked: whether the pods may read/),
    ]);
    const { problems, notes } = await accessFindings(connection, [...LEASE_ACCESS, ...STORAGE_ACCESS], namespace);
    expect(problems).toMatchObject([
      {
        rule: expect.stringContaining("may not get, create, patch leases.coordination.k8s.io"),
        hint: `add to a Role in ${namespace} of this account: - { apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [get, create, patch] }`,
      },
    ]);
    expect(notes).toEqual([expect.stringContaining("may not get serviceaccounts")]);
  });
});
