import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectCluster, type KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { allAccess } from "../../actions/shared/domain/manifest/access.ts";
import { KINDS } from "../../actions/shared/domain/manifest/kinds.ts";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { isReleaseError } from "../../actions/shared/lib/error.ts";
import type { HttpRequest } from "../../actions/shared/lib/http.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { silentLog } from "../support/logs.ts";
import { followUntil, manifestRun } from "../support/manifest-run.ts";

describe.skipIf(await lacksCluster())("the roles that are shipped for manifests", () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster({ trainer: true });
    await cluster.addNode({ gpus: 1 });
  });
  afterAll(() => cluster?.stop());

  /** As the account of the role, and every request that the API server refused. */
  async function connectAs(namespace: string, token: string) {
    const refused: string[] = [];
    const connection = await connectCluster({
      kubeconfig: cluster.kubeconfig({ token }, namespace),
      cwd: "/",
      env: {},
      mask: () => {},
      clock: systemClock,
      log: silentLog,
    });
    const noting = async <A extends { readonly status: number }>(
      { method = "GET", url }: HttpRequest,
      asked: Promise<A>,
    ) => {
      const note = () => refused.push(`${method} ${new URL(url).pathname}`);
      const answer = await asked.catch((error: unknown) => {
        if (isReleaseError(error, "AUTH")) note();
        throw error;
      });
      if (answer.status === 403) note();
      return answer;
    };
    const heard: KubeConnection = {
      ...connection,
      send: (wanted) => noting(wanted, connection.send(wanted)),
      stream: (wanted) => noting(wanted, connection.stream(wanted)),
    };
    return { connection: heard, refused };
  }

  /** The roles reach the API server's cache a moment after they were applied. */
  async function known(namespace: string, token: string, path: string): Promise<void> {
    await until("the role to be known", async () => (await cluster.as(token).send(path)).status === 200);
    await until(
      "its account",
      async () => (await cluster.as(token).send(`/api/v1/namespaces/${namespace}/pods`)).status === 200,
    );
  }

  it.each(KINDS.map(({ kind }) => kind))("let a %s be checked, started, followed, read and ended", async (kind) => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    await applyRole(cluster, "run-pipeline-manifest-cluster.yaml", namespace);
    await known(namespace, token, "/api/v1/nodes");
    const { connection, refused } = await connectAs(namespace, token);
    for (const ending of ["suspend", "delete"] as const) {
      const run = manifestRun(connection, objectOf(kind), { ending });
      expect((await run.engine.check(run.request)).filter(({ level }) => level === "error")).toEqual([]);
      await run.engine.submit(run.request);
      await followUntil(run, ({ state }) => state === "running" || state === "pending");
      await run.engine.change?.(run.runId, AbortSignal.timeout(500));
      await run.engine.results(run.runId);
      await run.engine.cancel(run.runId);
    }
    expect(refused).toEqual([]);
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    await expect(connection.send({ service: "", url: connection.server + secrets })).rejects.toThrow(/AUTH/);
    expect(refused).toEqual([`GET ${secrets}`]);
  });

  it("let a Job succeed and its log be read with nothing of the cluster's own; what is not checked is said", async () => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    await known(namespace, token, `/apis/batch/v1/namespaces/${namespace}/jobs`);
    const { connection } = await connectAs(namespace, token);
    const run = manifestRun(
      connection,
      objectOf("Job", { "kubelet.test/log": 'ml-release-metrics {"accuracy": 1}\n' }, { "nvidia.com/gpu": 1 }),
    );
    const faults = await run.engine.check(run.request);
    expect(faults.map(({ level, hint }) => `${level}: ${hint}`)).toEqual([
      expect.stringMatching(/^notice: .*ClusterRole.*resources: \[nodes\], verbs: \[list\]/),
    ]);
    await run.engine.submit(run.request);
    expect((await followUntil(run)).state).toBe("succeeded");
    const { tasks } = await run.engine.results(run.runId);
    expect(tasks[0]?.outputs.artifacts["log-metrics"]?.[0]?.metadata).toEqual({ accuracy: 1 });
  });

  it("that are taken away in the middle of a run are taken for an outage", async () => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    await known(namespace, token, `/apis/batch/v1/namespaces/${namespace}/jobs`);
    const { connection } = await connectAs(namespace, token);
    const run = manifestRun(connection, objectOf("Job", { "kubelet.test/run-time": "forever" }));
    await run.engine.submit(run.request);
    await followUntil(run, ({ state }) => state === "running");
    const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
    await cluster.api.send(`${bindings}/ml-release-run-pipeline-manifest`, { method: "DELETE" });
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    await until("the loss to be known", async () => (await cluster.as(token).send(jobs)).status === 403);
    await expect(run.engine.state(run.runId)).rejects.toThrow(/^\[UNAVAILABLE\] .*add to a Role/);
    await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    await followUntil(
      { ...run, engine: { ...run.engine, state: (id) => run.engine.state(id).catch(() => undefined) } },
      ({ state }) => state === "running",
    );
    await run.engine.cancel(run.runId);
  });

  const needed = allAccess().filter(
    ({ scope, need, group }) => scope === "namespace" && need === "required" && ["batch", ""].includes(group),
  );
  it.each(needed.flatMap(({ group, resource, verbs }) => verbs.map((verb) => ({ group, resource, verb }))))(
    "without $verb on $resource are found wanting before anything is applied, with the rule",
    async ({ group, resource, verb }) => {
      const namespace = await cluster.namespace();
      const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
      await known(namespace, token, `/apis/batch/v1/namespaces/${namespace}/jobs`);
      const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/ml-release-run-pipeline-manifest`;
      const role = await cluster.api.get(path);
      const rules = role.rules.map((rule: Rule) =>
        rule.apiGroups.includes(group) && rule.resources.includes(resource)
          ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
          : rule,
      );
      const left = rules.filter(({ verbs }: Rule) => verbs.length > 0);
      expect((await cluster.api.send(path, { method: "PUT", body: { ...role, rules: left } })).status).toBe(200);
      const { connection } = await connectAs(namespace, token);
      const run = manifestRun(connection, objectOf("Job"), { ending: "delete" });
      let errors: readonly { readonly rule: string; readonly hint?: string | undefined }[] = [];
      await until("the narrower role to be known", async () => {
        errors = (await run.engine.check(run.request)).filter(({ level }) => level === "error");
        return errors.length > 0;
      });
      expect(errors.map(({ rule }) => rule)).toEqual([
        expect.stringMatching(new RegExp(`may not .*${verb}.*${resource}`)),
      ]);
      expect(errors[0]?.hint).toContain(`resources: [${resource}]`);
      const { items } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs`);
      expect(items).toEqual([]);
    },
  );
});

type Rule = { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: string[] };

/** The smallest object of a kind that the cluster takes. */
function objectOf(kind: string, annotations: Readonly<Record<string, string>> = {}, limits: object = {}): KubeObject {
  const containers = [{ name: "main", image: "registry.test/trainer:1", resources: { limits } }];
  const template = { metadata: { annotations }, spec: { restartPolicy: "Never", containers } };
  const of = (apiVersion: string, spec: object) =>
    ({ apiVersion, kind, metadata: { name: "train" }, spec }) as KubeObject;
  switch (kind) {
    case "Job":
      return of("batch/v1", { backoffLimit: 0, template });
    case "TrainJob":
      return of("trainer.kubeflow.org/v1alpha1", { runtimeRef: { name: "torch-distributed" } });
    case "PyTorchJob":
      return of("kubeflow.org/v1", { pytorchReplicaSpecs: { Master: { replicas: 1, template } } });
    case "TFJob":
      return of("kubeflow.org/v1", { tfReplicaSpecs: { Chief: { replicas: 1, template } } });
    case "Experiment":
      return of("kubeflow.org/v1beta1", {
        objective: { type: "minimize", objectiveMetricName: "loss" },
        algorithm: { algorithmName: "random" },
        maxTrialCount: 2,
        parameters: [{ name: "lr", parameterType: "double", feasibleSpace: { min: "0", max: "1" } }],
        trialTemplate: {
          primaryContainerName: "main",
          trialParameters: [{ name: "lr", reference: "lr" }],
          trialSpec: { apiVersion: "batch/v1", kind: "Job", spec: { template } },
        },
      });
    default:
      throw new Error(`no object of kind ${kind}: add one`);
  }
}
