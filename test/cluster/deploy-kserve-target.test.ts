import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { isReleaseError, ReleaseError } from "../../actions/shared/lib/error.ts";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { ownAddress } from "../support/cluster/exposed-service.ts";
import { until } from "../support/cluster/part.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import {
  FIRST_URI,
  inferenceService,
  ownRoute,
  patchService,
  readService,
  servingOf,
  uriOf,
  version,
} from "../support/kserve-target.ts";

const ONE = version("1.0.0");
const NEW = uriOf(ONE);

describe.skipIf(await lacksCluster())("an InferenceService as a target", { concurrent: true }, () => {
  let cluster: OwnCluster;
  let kserve: FakeKServe;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode({ cpu: "64" });
    kserve = startKServe(cluster);
  });
  afterAll(async () => {
    await kserve?.stop();
    await cluster?.stop();
  });

  it.skipIf(ownAddress() === undefined).for(["Knative", "Standard"] as const)(
    "is asked version by version, whatever the split, in %s mode",
    async (mode, { onTestFinished }) => {
      const [first, second] = [
        await versionServer("by hand", onTestFinished),
        await versionServer("1.0.0", onTestFinished),
      ];
      const ip = { "kubelet.test/pod-ip": ownAddress() ?? "" };
      const world = await kserve.world({
        mode,
        plays: { [FIRST_URI]: ip, [NEW]: ip },
        ports: { [FIRST_URI]: first, [NEW]: second },
      });
      await inferenceService(cluster, world);
      const serving = await servingOf(cluster, world);
      const served = await serving.apply("candidate", ONE);
      const answer = await answered(() => served.ask("/v2/models/digits?x=1"));
      expect(answer).toMatchObject({ status: 200, text: "1.0.0 GET /v2/models/digits?x=1 " });
      expect(await served.ask("/v2/models/digits/infer", '{"inputs":[]}')).toMatchObject({
        status: 200,
        text: '1.0.0 POST /v2/models/digits/infer {"inputs":[]}',
      });
      expect((await served.ask("/status/503")).status).toBe(503);
    },
  );

  it.skipIf(ownAddress() === undefined)("says that nothing answers where no pod does", async () => {
    const ip = { "kubelet.test/pod-ip": ownAddress() ?? "" };
    const world = await kserve.world({ plays: { [NEW]: ip }, ports: { [NEW]: 1 } });
    await inferenceService(cluster, world);
    const served = await (await servingOf(cluster, world)).apply("candidate", ONE);
    await expect(served.ask("/")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it.each([
    ["Knative", "fraud"],
    ["Standard", "fraud"],
    ["Standard", "users"],
  ] as const)("is released under the role that we ship, in %s mode by the route %s", async (mode, route) => {
    const world = await kserve.world({ mode, withoutGatewayApi: route === "users" });
    await inferenceService(cluster, world);
    if (route === "users") await ownRoute(cluster, world);
    const token = await applyRole(cluster, "deploy-model-kserve.yaml", world.namespace);
    const connection = await connectionTo(cluster, world.namespace, { token });
    const serving = await servingOf(cluster, world, { connection });
    await until("the role to be known", async () => (await serving.check(ONE)).length === 0);
    await serving.apply("candidate", ONE);
    await serving.split(0.2, 0);
    await until("the share", async () => Math.round(world.answering(route)[NEW] ?? 0) === 20);
    await serving.split(1, 0);
    await serving.promote();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
  });

  it("names every verb that an account lacks", async () => {
    const world = await kserve.world();
    await inferenceService(cluster, world);
    const connection = await connectionTo(cluster, world.namespace, "limited");
    await cluster.apply(reader(world.namespace));
    const serving = await servingOf(cluster, world, { connection });
    await until("the role to be known", async () => !/may not get inference/.test(said(await serving.check(ONE))));
    expect((await serving.check(ONE)).map(({ hint }) => hint)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('apiGroups: ["serving.kserve.io"], resources: [inferenceservices], verbs: [patch]'),
        expect.stringContaining('apiGroups: ["serving.knative.dev"], resources: [revisions], verbs: [list, patch]'),
        expect.stringContaining('apiGroups: [""], resources: [services/proxy], verbs: [get, create]'),
      ]),
    );
  });

  it("says what to create where there is none", async () => {
    const world = await kserve.world();
    const serving = await servingOf(cluster, world);
    expect(said(await serving.check(ONE))).toContain(`no InferenceService fraud in the namespace ${world.namespace}`);
    await expect(serving.current()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("finds out what keeps a version from being served, and what a rollout would change, and changes nothing", async () => {
    const world = await kserve.world({ mode: "Standard", withoutGatewayApi: true });
    await inferenceService(cluster, world);
    const before = await readService(cluster, world.namespace);
    const serving = await servingOf(cluster, world, { uriOf: async () => "/home/runner/models/digits" });
    const problems = said(await serving.check(ONE));
    expect(problems).toContain("/home/runner/models/digits");
    expect(problems).toContain("there must be one that leads to the predictor");

    await ownRoute(cluster, world);
    const sound = await servingOf(cluster, world);
    expect(await sound.check(ONE)).toEqual([]);
    const { changes, notes } = await sound.preview(ONE);
    expect(changes.map(({ what }) => what)).toContain("HTTPRoute users, weights of its backendRefs");
    expect(changes.at(-1)).toMatchObject({ from: FIRST_URI, to: NEW });
    expect(notes.join("\n")).toContain("was not released by this action");
    expect((await readService(cluster, world.namespace)).spec).toEqual(before.spec);

    const split = await kserve.world({ mode: "Standard" });
    await inferenceService(cluster, split);
    const { changes: entries } = await (await servingOf(cluster, split)).preview(ONE);
    expect(entries[0]).toMatchObject({ what: "InferenceService fraud, spec.canary" });
    expect((await readService(cluster, split.namespace)).spec).not.toHaveProperty("canary");

    const knative = await kserve.world();
    await inferenceService(cluster, knative);
    const { changes: percents } = await (await servingOf(cluster, knative)).preview(ONE);
    expect(percents.map(({ what }) => what)).toContain("InferenceService fraud, spec.predictor.canaryTrafficPercent");
  });

  it("fails with the pod's own words and the end of its log", async () => {
    const crashes = { "kubelet.test/exit-code": "3", "kubelet.test/log": "loading\nno such model\n" };
    const world = await kserve.world({ plays: { [NEW]: crashes } });
    await inferenceService(cluster, world);
    const serving = await servingOf(cluster, world, { steadyMs: 2_000 });
    await expect(serving.apply("candidate", ONE)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringMatching(/CrashLoopBackOff[\s\S]*exit code 3[\s\S]*no such model/),
    });
    await serving.remove();
    expect(await serving.current()).not.toHaveProperty("candidate");
  });

  it("stops where somebody else sets the percent", async () => {
    const world = await kserve.world();
    await inferenceService(cluster, world);
    const serving = await servingOf(cluster, world);
    await serving.apply("candidate", ONE);
    await serving.split(0.1, 0);
    await patchService(cluster, world.namespace, { spec: { predictor: { canaryTrafficPercent: 40 } } });
    await expect(serving.split(0.2, 0)).rejects.toMatchObject({ code: "CONFLICT" });
    await serving.split(0, 0);
    await until("everything to be back", async () => world.answering("fraud")[FIRST_URI] === 100);
  });

  it("raises nothing after a signal, and lowers all the same", async () => {
    const world = await kserve.world();
    await inferenceService(cluster, world);
    const stop = new AbortController();
    const serving = await servingOf(cluster, world, { signal: stop.signal });
    await serving.apply("candidate", ONE);
    await serving.split(0.5, 0);
    stop.abort(new Error("cancelled"));
    await expect(serving.split(1, 0)).rejects.toThrow("cancelled");
    await serving.remove();
    await until("everything to be back", async () => world.answering("fraud")[FIRST_URI] === 100);
  });

  it("comes through answers that are lost, and an API server that is away for a moment", async () => {
    const world = await kserve.world();
    await inferenceService(cluster, world);
    const connection = await connectionTo(cluster, world.namespace);
    let asked = 0;
    const faulty: typeof connection = {
      ...connection,
      send: async (wanted) => {
        if (++asked % 13 === 0) throw new ReleaseError("UNAVAILABLE", { rule: "503" });
        // its answer is lost, and it is sent again
        if ((wanted.method ?? "GET") === "PATCH") await connection.send(wanted);
        return connection.send(wanted);
      },
    };
    const serving = await servingOf(cluster, world, { connection: faulty });
    const until503 = async (act: () => Promise<unknown>): Promise<void> => {
      await act().catch(async (error: unknown) => {
        if (!isReleaseError(error, "UNAVAILABLE")) throw error;
        await until503(act);
      });
    };
    world.allow("fraud", NEW, 0);
    await until503(() => serving.apply("candidate", ONE));
    world.allow("fraud", NEW, 30);
    await until503(() => serving.split(0.3, 0));
    await until("the share", async () => world.answering("fraud")[NEW] === 30);
    await until503(() => serving.remove());
    await until("everything to be back", async () => world.answering("fraud")[FIRST_URI] === 100);
    expect(world.breaches).toEqual([]);
  });

  it("makes a second InferenceService where the server leaves spec.canary out without a word", {
    concurrent: false,
  }, async ({ onTestFinished }) => {
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.serving.kserve.io";
    const definition = await cluster.api.get(path);
    await replaceSpec(path, withoutCanary(definition.spec));
    onTestFinished(() => replaceSpec(path, definition.spec));
    const world = await kserve.world({ mode: "Standard" });
    await inferenceService(cluster, world);
    await ownRoute(cluster, world);
    const serving = await servingOf(cluster, world);
    await until("the definition to be in force", async () => {
      const { notes } = await serving.preview(ONE);
      return notes.some((note) => note.includes("has no spec.canary"));
    });
    await serving.apply("candidate", ONE);
    await serving.split(0.25, 0);
    await until("the share", async () => Math.round(world.answering("users")[NEW] ?? 0) === 25);
    await serving.remove();
    expect(await serving.current()).not.toHaveProperty("candidate");
  });

  // biome-ignore lint/suspicious/noExplicitAny: a definition as it comes
  async function replaceSpec(path: string, spec: any): Promise<void> {
    const { metadata, ...rest } = await cluster.api.get(path);
    const { status } = await cluster.api.send(path, { method: "PUT", body: { ...rest, metadata, spec } });
    expect(status).toBe(200);
  }
});

// biome-ignore lint/suspicious/noExplicitAny: a definition as it comes
function withoutCanary(spec: any): any {
  const copy = structuredClone(spec);
  const schema = copy.versions[0].schema.openAPIV3Schema.properties.spec;
  delete schema.properties.canary;
  delete schema["x-kubernetes-validations"];
  return copy;
}

function said(problems: readonly { readonly rule: string; readonly saw?: string }[]): string {
  return problems.map(({ rule, saw = "" }) => `${rule} ${saw}`).join("\n");
}

/** Endpoints follow a moment after pods. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined;
  await until("an answer", async () => {
    answer = await ask();
    return true;
  });
  return answer as T;
}

/** Tells which version it is, and what it was asked. */
async function versionServer(name: string, atEnd: TestContext["onTestFinished"]): Promise<number> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    const status = Number(/^\/status\/(\d+)/.exec(request.url ?? "")?.[1] ?? 200);
    response.writeHead(status).end(`${name} ${request.method} ${request.url} ${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Somebody who may look at InferenceServices, and nothing else. */
function reader(namespace: string): string {
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "reader", namespace },
    rules: [{ apiGroups: ["serving.kserve.io"], resources: ["inferenceservices"], verbs: ["get"] }],
  };
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "reader", namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "limited" }],
  };
  return `${JSON.stringify(role)}\n---\n${JSON.stringify(binding)}`;
}
