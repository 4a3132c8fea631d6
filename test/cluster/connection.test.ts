import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type ClusterOptions, connectCluster } from "../../actions/shared/clients/kubernetes/connection.ts";
import { serviceProxy } from "../../actions/shared/clients/kubernetes/service-proxy.ts";
import { KUBEFLOW_SERVICES } from "../../actions/shared/domain/run/kubeflow-services.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { REQUIRE_REAL } from "../support/built-tool.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { exposeService, ownAddress, serviceTo } from "../support/cluster/exposed-service.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { kubeflow, runRequest } from "../support/kubeflow-engine.ts";
import { silentLog } from "../support/logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.skipIf(await lacksCluster())("the way to a real API server", { concurrent: true }, () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  const open = (login: Parameters<Cluster["kubeconfig"]>[0], more: Partial<ClusterOptions> = {}) =>
    connectCluster({
      kubeconfig: cluster.kubeconfig(login, "default"),
      cwd: "/",
      env: { PATH: process.env.PATH ?? "" },
      mask: () => {},
      clock: systemClock,
      log: silentLog,
      ...more,
    });

  /** Who the API server says that we are. */
  async function whoAmI(connection: Awaited<ReturnType<typeof open>>): Promise<string> {
    const answer = await connection.send({
      service: "the cluster",
      url: `${connection.server}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }),
    });
    const { status } = answer.json() as { readonly status: { readonly userInfo: { readonly username: string } } };
    return status.userInfo.username;
  }

  it("knows its user by a token, by a client certificate, by a service account", async () => {
    expect(await whoAmI(await open("limited"))).toBe("limited");
    expect(await whoAmI(await open(cluster.clientCertificate("anna")))).toBe("anna");
    const token = await cluster.accountToken("default", "trainer");
    expect(await whoAmI(await open({ token }))).toBe("system:serviceaccount:default:trainer");
  });

  it("names the rule to add in the API server's own terms", async () => {
    const connection = await open("limited");
    const list = connection.send({
      service: "the cluster",
      url: `${connection.server}/apis/batch/v1/namespaces/default/jobs`,
    });
    await expect(list).rejects.toThrow(
      /add to a Role in namespace default that is bound to the user limited: - \{ apiGroups: \["batch"\], resources: \["jobs"\], verbs: \["list"\] \}/,
    );
  });

  it("says that a token is not known", async () => {
    const connection = await open({ token: "nobody-s-token" });
    await expect(whoAmI(connection)).rejects.toThrow(/\[AUTH\].*has expired or was revoked/s);
  });

  it("reads a token file again that somebody replaces while it waits", async ({ onTestFinished }) => {
    const path = join(await temporaryFolder(onTestFinished), "token");
    writeFileSync(path, await cluster.accountToken("default", "first"));
    const connection = await open({ tokenFile: path });
    expect(await whoAmI(connection)).toBe("system:serviceaccount:default:first");
    writeFileSync(path, await cluster.accountToken("default", "second"));
    expect(await whoAmI(connection)).toBe("system:serviceaccount:default:second");
  });

  it("runs the exec plugin again once the API server takes its token no longer", async ({ onTestFinished }) => {
    const folder = await temporaryFolder(onTestFinished);
    const [plugin, token, runs] = ["plugin", "token", "runs"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(plugin, PLUGIN);
    chmodSync(plugin, 0o755);
    writeFileSync(token, await cluster.accountToken("default", "short-lived"));
    const connection = await open({ exec: { command: plugin, args: [token, runs] } });
    expect(await whoAmI(connection)).toBe("system:serviceaccount:default:short-lived");
    expect(await whoAmI(connection)).toBe("system:serviceaccount:default:short-lived");
    expect(readFileSync(runs, "utf8")).toBe("run\n");

    writeFileSync(token, await cluster.accountToken("default", "next"));
    await cluster.api.send("/api/v1/namespaces/default/serviceaccounts/short-lived", { method: "DELETE" });
    // The API server remembers for some seconds that it knew a token.
    await until("the new token", async () => (await whoAmI(connection)).endsWith(":next"));
    expect(readFileSync(runs, "utf8")).toBe("run\nrun\n");
  });

  describe.skipIf(ownAddress() === undefined && !REQUIRE_REAL)("and on to Kubeflow Pipelines inside of it", () => {
    it("lets a run be started and followed under the role that we ship", async ({ onTestFinished }) => {
      const fake = await startFakeKfp();
      onTestFinished(() => fake.close());
      const namespace = await cluster.namespace();
      const token = await applyRole(cluster, "run-pipeline-kubeflow.yaml", namespace);
      const { name, port } = KUBEFLOW_SERVICES.pipelines;
      onTestFinished(await exposeService(cluster, { namespace, name, port, target: fake.url }));
      const connection = await open({ token });
      const engine = kubeflow().again({ ...serviceProxy(connection, { name, port, namespace }), clock: systemClock });
      const request = runRequest();
      await engine.submit(request);
      expect(fake.state.runs.get(request.runId)?.displayName).toBe("digits v1.1.0");
      expect(await engine.state(request.runId)).toMatchObject({ state: expect.stringMatching(/pending|running/) });
      await engine.cancel(request.runId);
    });

    it("reaches no other service under that role, and says which rule it lacks", async () => {
      const namespace = await cluster.namespace();
      const token = await applyRole(cluster, "run-pipeline-kubeflow.yaml", namespace);
      const { send, endpoint } = serviceProxy(await open({ token }), {
        name: "minio-service",
        port: "http",
        namespace,
      });
      await expect(send({ service: "minio", url: `${endpoint}/` })).rejects.toThrow(/services\/proxy/);
    });

    it("says that the service has no pod", async () => {
      const namespace = await cluster.namespace();
      const token = await applyRole(cluster, "run-pipeline-kubeflow.yaml", namespace);
      const { name, port } = KUBEFLOW_SERVICES.pipelines;
      await cluster.apply(serviceTo(name, { name: port, targetPort: 8888 }), namespace);
      const impatient = { ...systemClock, sleep: async () => {} };
      const connection = await open({ token }, { clock: impatient });
      const { send, endpoint } = serviceProxy(connection, { name, port, namespace });
      await expect(send({ service: "Kubeflow Pipelines", url: `${endpoint}/` })).rejects.toThrow(
        /\[UNAVAILABLE\].*no pod that is ready/s,
      );
    });
  });
});

const PLUGIN = `#!/bin/sh
echo run >> "$2"
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$1")"
`;
