import { join } from "node:path";
import { beforeAll, describe, expect, type TestContext, test } from "vitest";
import type { Digest } from "../../actions/shared/domain/digest.ts";
import { moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type AdderFaults, type AdderPlace, adderPlace, EDGE_METRICS } from "../support/adder-deployment.ts";
import { registerAdder } from "../support/adder-release.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { lacksPrometheus } from "../support/prometheus.ts";
import { type ActionRun, type Phase, type Result, runAction } from "../support/run-action.ts";

// The step as a process of its own, as the account of the role that is shipped, on a Deployment of a real Kubernetes; its traffic is counted
// by Debian's Prometheus.

/** A rollout takes many requests, and the machine may be busy. */
const LONG_MS = 400_000;

const QUICK = {
  target: "deployment/adder",
  rollout: "rollout.yaml",
  steps: "50%",
  look: "1s",
  "step-duration": "10s",
  "max-step-duration": "40s",
  bake: "2s",
  "min-requests": "50",
  "max-error-rate": "5%",
  drain: "500ms",
};

describe.skipIf((await lacksCluster()) || lacksPrometheus())(
  "deploy-model on a Deployment of a real Kubernetes",
  { concurrent: true, timeout: LONG_MS },
  () => {
    let cluster: Cluster;

    beforeAll(() => {
      cluster = sharedCluster();
    });

    const it = test.extend<{ readonly newPlace: (faults?: AdderFaults) => ReturnType<typeof openPlace> }>({
      newPlace: async ({ onTestFinished }, use) => {
        await use((faults) => openPlace(onTestFinished, faults));
      },
    });

    it("plans: what would change, whether the metrics answer, how long it takes; and changes nothing", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const { main } = await place.deploy("1.1.0", { mode: "plan" });
      expect(said(main, "error")).toBe("");
      expect(main.summary).toContain("adder 1.1.0 would be compared with 1.0.0 in a canary");
      expect(main.summary).toContain("Deployment adder, version");
      expect(main.summary).toMatch(/at the \d+(\.\d+)? requests\/s of now/);
      expect(await place.versionOf()).toBe("1.0.0");
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
    });

    it("promotes a version that is as good, and says so wherever one would look", async ({ newPlace }) => {
      const place = await newPlace();
      const { main } = await place.deploy("1.1.0");
      expect(said(main, "error")).toBe("");
      expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
      expect(await place.versionOf()).toBe("1.1.0");
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
      expect(await place.backends()).toEqual(["adder 1"]);
      const { metadata } = (await place.deployment()).spec.template;
      expect(metadata.annotations).toMatchObject({ "ml-release.dev/release": "v1.1.0" });
      expect(await eventsOf(place)).toEqual(expect.arrayContaining(["CanaryStep", "Promoted"]));
      expect(await holderOf(place)).toBe("");
    });

    it("rolls a version back that fails, and stable has everything again", async ({ newPlace }) => {
      const place = await newPlace({ "1.1.0": 0.3 });
      const { main } = await place.deploy("1.1.0");
      expect(main.code).toBe(1);
      expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
      expect(main.summary).toMatch(/counted: 0 of \d+ requests went elsewhere/);
      expect(await place.versionOf()).toBe("1.0.0");
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
      expect(await eventsOf(place)).toContain("CanaryRolledBack");
    });

    it("is killed in the middle of its canary, and what it left is taken back by hand", async ({ newPlace }) => {
      const place = await newPlace();
      const killed = await place.deploy(
        "1.1.0",
        { "step-duration": "2m", "max-error-rate": "0.01%" },
        {
          killWhen: (stdout) => stdout.includes("look 1 at"),
          post: false,
        },
      );
      expect(killed.main.signal).toBe("SIGKILL");
      expect(await place.backends()).toHaveLength(2);
      const { main } = await place.run({ mode: "abort", model: "adder" });
      expect(said(main, "error")).toBe("");
      expect(main.outputs).toMatchObject({ decision: "aborted", exposure: "0" });
      expect(await place.backends()).toEqual(["adder 1"]);
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
    });

    it("is cancelled: the share goes to 0 before anything else, and the next job finds nothing of it", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const { main, post } = await place.deploy(
        "1.1.0",
        { "step-duration": "2m", "max-error-rate": "0.01%" },
        { cancelWhen: (stdout) => stdout.includes("look 1 at") },
      );
      expect([main.sent[0]?.name, post?.code]).toEqual(["SIGINT", 0]);
      expect(await place.backends()).toEqual(["adder 1"]);
      expect(await place.versionOf()).toBe("1.0.0");
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
      expect(await holderOf(place)).toBe("");
    });

    it("replaces the version pod by pod, and the next job puts the one before back", async ({ newPlace }) => {
      const place = await newPlace();
      const rolled = await place.roll("1.1.0");
      expect(said(rolled.main, "error")).toBe("");
      expect(rolled.main.outputs).toMatchObject({ decision: "promoted" });
      expect(await place.versionOf()).toBe("1.1.0");
      const back = await place.roll("1.0.0", { "allow-downgrade": "true" });
      expect(said(back.main, "error")).toBe("");
      expect(await place.versionOf()).toBe("1.0.0");
    });

    it("starts nothing for an account that may not, and names each rule that it lacks", async ({ newPlace }) => {
      const place = await newPlace();
      const stranger = cluster.kubeconfig(
        { token: await cluster.accountToken(place.namespace, "stranger") },
        place.namespace,
      );
      const { main } = await place.deploy("1.1.0", { kubeconfig: stranger });
      expect(main.code).toBe(1);
      expect(said(main, "error")).toMatch(/add to a Role in .*apiGroups/);
      expect(await place.versionOf("adder-candidate")).toBeUndefined();
    });

    it("says which object is meant where there is none of that name, or a namespace that does not exist", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const admin = cluster.kubeconfig("admin", place.namespace);
      const nobody = await place.run({
        mode: "status",
        model: "adder",
        target: "deployment/nobody",
        kubeconfig: admin,
      });
      expect(said(nobody.main, "error")).toContain("nobody");
      const found = await place.run({ mode: "status", model: "adder", target: "auto", kubeconfig: admin });
      expect(said(found.main, "error")).toBe("");
      expect(found.main.summary).toContain("1.0.0");
      const none = await place.run({ mode: "status", model: "other", target: "auto", kubeconfig: admin });
      expect(said(none.main, "error")).toContain("target: auto needs exactly one object named other");
    });

    async function openPlace(atEnd: TestContext["onTestFinished"], faults: AdderFaults = {}) {
      const machine = jobContext({ tag: "v1.0.0", atEnd });
      const first = JSON.parse(await registerAdder(machine.home, { version: "1.0.0" })) as Release;
      const store = folderStore(join(machine.home, "models"));
      const act = { by: "octocat", at: "2026-11-01T09:00:00Z" };
      const to = { version: "1.0.0", digest: first.model.digest };
      await moveAlias(store, { name: "adder", alias: "champion", to, expected: undefined, act });
      const place = await adderPlace({ cluster, digest: first.model.digest, faults });
      atEnd(place.stop);
      const token = await applyRole(cluster, "deploy-model-deployment.yaml", place.namespace);
      const kubeconfig = cluster.kubeconfig({ token }, place.namespace);
      const run = (wishes: Wishes, more: Partial<ActionRun> = {}, job = newJob("9.9.9")): Promise<Result> =>
        runAction("deploy-model", { job, with: { target: QUICK.target, kubeconfig, ...wishes }, ...more });
      const newJob = (version: string): JobContext =>
        jobContext({ tag: `v${version}`, machine, atEnd, files: { "rollout.yaml": EDGE_METRICS } });
      const release = async (version: string, wishes: Wishes, more: Partial<ActionRun> = {}) => {
        const job = newJob(version);
        return run({ ...wishes, release: await registerAdder(job.home, { version }) }, more, job);
      };
      return {
        ...place,
        run,
        deploy: (version: string, wishes: Wishes = {}, more: Partial<ActionRun> = {}) =>
          release(version, { ...QUICK, prometheus: place.prometheus.url, ...wishes }, more),
        roll: (version: string, wishes: Wishes = {}) => release(version, { ...ROLLING, ...wishes }),
      };
    }

    async function eventsOf({ namespace }: AdderPlace): Promise<readonly string[]> {
      const { items } = await cluster.api.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
      return items.map(({ reason }: { readonly reason: string }) => reason);
    }

    async function holderOf({ namespace }: AdderPlace): Promise<string> {
      const lease = await cluster.api.get(
        `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/mlrelease-deployment-adder`,
      );
      return lease.spec.holderIdentity ?? "";
    }
  },
);

type Wishes = Readonly<Record<string, string>>;
type Release = { readonly model: { readonly digest: Digest } };

const ROLLING = { strategy: "rolling", target: QUICK.target, bake: "1s", look: "500ms", drain: "500ms" };

function said({ commands }: Phase, level: "error" | "warning"): string {
  return commands
    .filter(({ name }) => name === level)
    .map(({ message }) => message)
    .join("\n");
}
