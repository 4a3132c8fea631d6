import { join } from "node:path";
import { beforeAll, describe, expect, type TestContext, test } from "vitest";
import type { Digest } from "../../actions/shared/domain/digest.ts";
import { moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { registerAdder } from "../support/adder-release.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { ownAddress } from "../support/cluster/exposed-service.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { jobContext } from "../support/job-context.ts";
import { startPodTraffic } from "../support/pod-traffic.ts";
import { lacksPrometheus, startPrometheus, untilCounted } from "../support/prometheus.ts";
import { startReachable } from "../support/reachable-server.ts";
import { digitsRollout, ROUTED, type RolloutOptions, routedObjects } from "../support/rollout-target.ts";
import { type Phase, runAction } from "../support/run-action.ts";

// The step as a process of its own, as the account of the role that is shipped, on a Rollout that the controller of Argo Rollouts looks after.

describe.skipIf((await lacksCluster()) || lacksPrometheus())(
  "deploy-model on a Rollout",
  { concurrent: true, timeout: 240_000 },
  () => {
    let cluster: Cluster;

    beforeAll(() => {
      cluster = sharedCluster();
    });

    type Opening = {
      readonly failing?: Readonly<Record<string, number>>;
      /** The same once no other version is up. */
      readonly failingAlone?: Readonly<Record<string, number>>;
      /** What the server answers when it is asked directly. */
      readonly status?: number;
      readonly rollout?: RolloutOptions;
    };
    const it = test.extend<{ readonly newPlace: (opening?: Opening) => ReturnType<typeof openPlace> }>({
      newPlace: async ({ onTestFinished }, use) => {
        await use((opening) => openPlace(onTestFinished, opening));
      },
    });

    it("is found by its name, and its own pauses are the steps of the plan", async ({ newPlace }) => {
      const place = await newPlace();
      const found = await place.run({ mode: "status", model: "adder", target: "auto", kubeconfig: place.admin });
      expect(said(found, "error")).toBe("");
      expect(found.summary).toContain("1.0.0");
      const planned = await place.release("1.1.0", { mode: "plan", strategy: "canary" });
      expect(planned.summary).toContain("25 % → 50 % → all");
      expect(planned.summary).toContain("the judge decides where it pauses: 25 %, 50 %");
      expect(planned.summary).toContain("users meet the candidate's first pod while it is smoke-tested");
      expect(await place.versionOf()).toBe("1.0.0");
    });

    it("has no other steps: those of the rollout file are its own, or refused with their line", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const differing = await place.release("1.1.0", { mode: "plan" }, `${METRICS}steps: [5%, 25%]\n`);
      expect(said(differing, "error")).toMatch(
        /rollout\.yaml:6.*steps must be those that the target stops at by itself.*saw 5 %, 25 %.*allowed: 25 %, 50 %/,
      );
      const alike = await place.release("1.1.0", { mode: "plan" }, `${METRICS}steps: [25%, 0.5]\n`);
      expect(said(alike, "error")).toBe("");
      expect(alike.summary).toContain("25 % → 50 % → all");
    });

    it("goes from pause to pause on the counters of its pods, to the promotion of a version that is as good", async ({
      newPlace,
    }) => {
      const place = await newPlace({ rollout: { steps: WITH_BAKE, canary: ROUTED } });
      const main = await place.release("1.1.0", {});
      expect(said(main, "error")).toBe("");
      expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
      expect(main.stdout).toContain("Rollout adder: told it to go on from steps[1]");
      expect(main.stdout).toContain("smoke test of 1.1.0 passed");
      expect(main.stdout).toMatch(/look 1 at 50 %: .*pass/);
      const { metadata, status } = await place.rollout();
      expect(await place.versionOf()).toBe("1.1.0");
      expect(status.phase).toBe("Healthy");
      expect(metadata.annotations).toMatchObject({ "ml-release.dev/release": "v1.1.0" });
    });

    it("is promoted without a traffic router, where nothing of stable is left to be counted in the bake", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const main = await place.release("1.1.0", {});
      expect(said(main, "error")).toBe("");
      expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
      expect(main.stdout).toMatch(/smoke test of 1\.1\.0 passed[\s\S]*look 1 at 25 %[\s\S]*look \d+ at 100 % \(bake\)/);
      expect(main.stdout).not.toContain("no newer samples");
      expect(await place.versionOf()).toBe("1.1.0");
      expect((await place.rollout()).status.phase).toBe("Healthy");
    });

    it("takes back one that fails in the bake, although no pod of stable is left", async ({ newPlace }) => {
      const place = await newPlace({ failingAlone: { "1.1.0": 0.6 } });
      const main = await place.release("1.1.0", { bake: "10s" });
      expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
      expect(main.stdout).toMatch(/look \d+ at 100 % \(bake\): .*: fail/);
      expect(main.stdout).toContain("Rollout adder: told it to promote fully");
      expect(main.summary).toMatch(/[56]\d(\.\d)? % of its answers were errors .*over the limit of 25 %/);
      await place.expectFirst();
    });

    it("aborts one that does not pass its smoke test as soon as its first pod is ready, without a look", async ({
      newPlace,
    }) => {
      const place = await newPlace({ status: 500 });
      const main = await place.release("1.1.0", {});
      expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
      expect(main.outputs.reason).toMatch(/its smoke test failed: .*GET \/healthz was answered with 500/);
      expect(main.stdout).toContain("Rollout adder: told it to abort");
      expect(main.stdout).not.toContain("look 1");
      await place.expectFirst();
    });

    it("aborts one that fails, and the template before is in the spec again", async ({ newPlace }) => {
      const place = await newPlace({ failing: { "1.1.0": 0.4 } });
      const main = await place.release("1.1.0", {});
      expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
      expect(main.stdout).toContain("Rollout adder: told it to abort");
      await place.expectFirst();
    });

    /** The candidate's share at the router. */
    async function weightAt(namespace: string): Promise<number> {
      const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/adder-edge-canary`;
      const { status, body } = await cluster.api.send(path);
      const said = body.metadata?.annotations?.["nginx.ingress.kubernetes.io/canary-weight"];
      return status === 200 ? Number(said ?? 0) / 100 : 0;
    }

    async function openPlace(
      atEnd: TestContext["onTestFinished"],
      { failing = {}, failingAlone = {}, status: answered = 200, rollout: options = {} }: Opening = {},
    ) {
      const machine = jobContext({ tag: "v1.0.0", atEnd });
      const first = JSON.parse(await registerAdder(machine.home, { version: "1.0.0" })) as Release;
      const { digest } = first.model;
      const act = { by: "octocat", at: "2026-11-01T09:00:00Z" };
      const to = { version: "1.0.0", digest };
      await moveAlias(folderStore(join(machine.home, "models")), {
        name: "adder",
        alias: "champion",
        to,
        expected: undefined,
        act,
      });
      const namespace = await cluster.namespace();
      const marks = { "ml-release.dev/model": "adder@1.0.0", "ml-release.dev/digest": digest };
      const server = await startReachable(() => ({ status: answered, text: "{}" }));
      atEnd(server.stop);
      const play = { port: server.port, pods: { "pod-ip": ownAddress() ?? "" } };
      const object = JSON.parse(digitsRollout({ name: "adder", version: "", ...play, ...options }));
      Object.assign(object.spec.template.metadata.annotations, marks);
      for (const beside of routedObjects("adder")) await cluster.apply(beside, namespace);
      await cluster.apply(JSON.stringify(object), namespace);
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/adder`;
      const rollout = () => cluster.api.get(path);
      await until("the Rollout to be Healthy", async () => (await rollout()).status?.phase === "Healthy");
      const rates: Record<string, number> = { ...failing };
      const pods = async () => {
        const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`);
        const ready = (items as readonly Pod[])
          .filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"))
          .map(({ metadata: { name, annotations } }) => ({
            name,
            version: annotations["ml-release.dev/model"]?.split("@")[1] ?? "",
          }));
        const isAlone = new Set(ready.map(({ version }) => version)).size === 1;
        for (const [version, part] of Object.entries(failingAlone))
          rates[version] = isAlone ? part : (failing[version] ?? 0);
        const weight = options.canary === undefined ? undefined : await weightAt(namespace);
        return ready.map((pod) => {
          const alike = ready.filter(({ version }) => version === pod.version).length;
          if (weight === undefined || alike === ready.length) return { ...pod, share: 1 / ready.length };
          return { ...pod, share: (pod.version === "1.0.0" ? 1 - weight : weight) / alike };
        });
      };
      const traffic = await startPodTraffic({ pods, rate: 400, failing: rates });
      atEnd(traffic.stop);
      const prometheus = await startPrometheus({ everyMs: 500, targets: [{ port: traffic.port, labels: {} }] });
      atEnd(prometheus.stop);
      await untilCounted(prometheus.url, "http_requests_total");
      const token = await applyRole(cluster, "deploy-model-rollout.yaml", namespace);
      const kubeconfig = cluster.kubeconfig({ token }, namespace);
      const run = async (wishes: Wishes, job = jobContext({ tag: "v9.9.9", machine, atEnd })) =>
        (await runAction("deploy-model", { job, with: { target: "rollout/adder", kubeconfig, ...wishes } })).main;
      const versionOf = async () =>
        (await rollout()).spec.template.metadata.annotations["ml-release.dev/model"].split("@")[1];
      return {
        rollout,
        run,
        admin: cluster.kubeconfig("admin", namespace),
        versionOf,
        /** The version before is in the spec and up, and nothing else is remembered. */
        expectFirst: async () => {
          expect(await versionOf()).toBe("1.0.0");
          const { metadata, status } = await rollout();
          expect(status.phase).toBe("Healthy");
          expect(metadata.annotations).not.toHaveProperty("ml-release.dev/former");
        },
        release: async (version: string, wishes: Wishes, file = METRICS) => {
          const job = jobContext({ tag: `v${version}`, machine, atEnd, files: { "rollout.yaml": file } });
          const release = await registerAdder(job.home, { version });
          return run({ release, ...QUICK, prometheus: prometheus.url, ...wishes }, job);
        },
      };
    }
  },
);

const METRICS = `metrics:
  requests: 'http_requests_total{pod=~"{{pods}}"}'
  errors: 'http_requests_total{pod=~"{{pods}}", code="500"}'
  offset: 100ms
  patience: 10s
`;

const QUICK = {
  rollout: "rollout.yaml",
  look: "1s",
  "step-duration": "10s",
  "max-step-duration": "40s",
  bake: "2s",
  "min-requests": "50",
  "max-error-rate": "5%",
  drain: "500ms",
  smoke: "/healthz",
};

/** Begins without a share, and ends with all of the traffic while the pods of stable are still there. */
const WITH_BAKE = [
  { setCanaryScale: { replicas: 1 } },
  { pause: {} },
  { setCanaryScale: { matchTrafficWeight: true } },
  { setWeight: 50 },
  { pause: {} },
  { setWeight: 100 },
  { pause: {} },
];

type Pod = {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
};
type Wishes = Readonly<Record<string, string>>;
type Release = { readonly model: { readonly digest: Digest } };

function said({ commands }: Phase, level: "error" | "warning"): string {
  return commands
    .filter(({ name }) => name === level)
    .map(({ message }) => message)
    .join("\n");
}
