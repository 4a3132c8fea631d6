import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, it as test } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { ADDER_ANSWERS } from "../support/adder-deployment.ts";
import { type AdderInference, adderInference, type Way } from "../support/adder-inference.ts";
import { adderModels } from "../support/adder-models.ts";
import { type AdderUsers, POD_METRICS, startUsers } from "../support/adder-users.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { type JobContext, type JobOptions, jobContext } from "../support/job-context.ts";
import { lacksPrometheus, untilCounted } from "../support/prometheus.ts";
import { type ReachableServer, startReachable } from "../support/reachable-server.ts";
import { type ActionRun, type Phase, type Result, runAction } from "../support/run-action.ts";
import { newBucket, type S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

// The step as a process of its own, as the account of the role that is shipped, on an InferenceService of a real API server, with a store in
// S3; KServe's controllers are small ones of ours, and its traffic is counted by Debian's Prometheus.

const program = await versitygw();
const WAYS = ["knative", "canary", "twin"] as const satisfies readonly Way[];
const VERSIONS = ["1.0.0", "1.1.0", "1.2.0"] as const;

describe.skipIf((await lacksCluster()) || lacksPrometheus() || program === undefined)(
  "deploy-model on an InferenceService",
  { timeout: 400_000 },
  () => {
    let cluster: Cluster;
    let kserve: FakeKServe;
    let users: AdderUsers;
    let s3: S3Server;
    let bucket: string;
    let pods: ReachableServer;
    const jobs: JobContext[] = [];
    const places: AdderInference[] = [];

    beforeAll(async () => {
      cluster = sharedCluster();
      kserve = startKServe(cluster);
      pods = await startReachable(answer);
      s3 = await startVersitygw({ program: program ?? "" });
      bucket = await newBucket(s3);
      users = await startUsers(cluster);
    });
    afterAll(async () => {
      await users?.stop();
      await s3?.stop();
      await pods?.stop();
      await kserve?.stop();
      await Promise.all(places.map((place) => place.stop()));
      for (const job of jobs) job.remove();
    });

    for (const way of WAYS) {
      test.concurrent(`${way}: plans, promotes one version and then the next, and takes none back`, async ({
        expect,
      }) => {
        const place = await newPlace(way);
        const planned = await place.deploy("1.1.0", { mode: "plan" });
        expect(said(planned.main, "error")).toBe("");
        expect(planned.main.summary).toContain("adder 1.1.0 would be compared with 1.0.0 in a canary");
        expect(planned.main.summary).toContain("InferenceService adder");
        expect(await place.stands("1.0.0")).toEqual({ ...AT_REST, holder: undefined });
        for (const version of ["1.1.0", "1.2.0"]) {
          const { main } = await place.deploy(version);
          expect(said(main, "error")).toBe("");
          expect(main.outputs).toMatchObject({ decision: "promoted", exposure: "1" });
          expect(await place.stands(version)).toEqual(AT_REST);
        }
        const again = await place.deploy("1.2.0");
        expect(again.main.outputs).toMatchObject({ decision: "promoted" });
        expect(again.main.summary).toContain("serves already");
        expect(await place.stands("1.2.0")).toEqual(AT_REST);
        const events = (await place.models.events()).map(({ event, version, alias }) => `${event} ${alias ?? version}`);
        expect(events.slice(-4)).toEqual([
          "alias-moved champion",
          "promoted 1.1.0",
          "alias-moved champion",
          "promoted 1.2.0",
        ]);
      });

      test.concurrent(`${way}: rolls a version back that fails`, async ({ expect }) => {
        const place = await newPlace(way, { "1.1.0": 0.4 });
        const { main } = await place.deploy("1.1.0");
        expect(main.code).toBe(1);
        expect(main.outputs).toMatchObject({ decision: "rolled-back", exposure: "0" });
        expect(main.summary).toMatch(/counted: 0 of \d+ requests went elsewhere/);
        expect(await place.stands("1.0.0")).toEqual(AT_REST);
        expect(await place.reasons()).toContain("CanaryRolledBack");
        // the same address as what was taken back, and another version beside it
        const next = await place.deploy("1.2.0");
        expect(said(next.main, "error")).toBe("");
        expect(next.main.outputs).toMatchObject({ decision: "promoted" });
        expect(await place.stands("1.2.0")).toEqual(AT_REST);
      });

      test.concurrent(`${way}: is cancelled, and everything goes to stable at once`, async ({ expect }) => {
        const place = await newPlace(way);
        const { main, post } = await place.deploy("1.1.0", SLOW, {
          cancelWhen: (stdout) => stdout.includes("look 1 at"),
        });
        expect([main.sent[0]?.name, post?.code]).toEqual(["SIGINT", 0]);
        expect(await place.stands("1.0.0")).toEqual(AT_REST);
      });

      test.concurrent(`${way}: is killed in the middle of its canary; ${MENDS[way].title}`, async ({ expect }) => {
        const place = await newPlace(way);
        const killed = await place.deploy("1.1.0", UNHURRIED, {
          killWhen: (stdout) => stdout.includes("look 1 at"),
          post: false,
        });
        expect(killed.main.signal).toBe("SIGKILL");
        expect(place.shares()["1.1.0"]).toBe(0.5);
        await place.letLeaseRunOut();
        const { by, serves, decision } = MENDS[way];
        const { main } = await (by === "deploy"
          ? place.deploy("1.1.0", {}, { job: otherJob({ tag: "v1.1.0" }) })
          : place.run({ mode: by, model: "adder" }, { job: otherJob({ branch: "main" }) }));
        expect(said(main, "error")).toBe("");
        expect(main.outputs.decision).toBe(decision);
        expect(await place.stands(serves)).toEqual(AT_REST);
      });
    }

    async function newPlace(way: Way, failing: Readonly<Record<string, number>> = {}) {
      const models = await adderModels(s3, { bucket, prefix: `models-${randomUUID()}`, versions: VERSIONS });
      const wish = { cluster, models, versions: VERSIONS, port: pods.port };
      const place = await adderInference(kserve, way, wish);
      places.push(place);
      const { namespace, world } = place;
      // before there were pods
      const early = world.errors.length;
      users.use({ ...place, failing });
      await untilCounted(users.prometheus, `http_requests_total{namespace="${namespace}"}`);
      const token = await applyRole(cluster, place.role, namespace);
      const kubeconfig = cluster.kubeconfig({ token }, namespace);
      const run = (wishes: Wishes, { job, ...more }: Partial<ActionRun> = {}): Promise<Result> => {
        const own = job ?? newJob({ tag: "v9.9.9" });
        const { store, env } = models;
        return runAction("deploy-model", {
          job: own,
          with: { target: place.target, store, kubeconfig, ...wishes },
          ...more,
          env: { ...env, ...more.env },
        });
      };
      const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/mlrelease-kserve-adder`;
      return {
        ...place,
        models,
        shares: () => place.shares(NOTHING),
        run,
        deploy: (version: string, wishes: Wishes = {}, { job, ...more }: Partial<ActionRun> = {}) =>
          run(
            { ...QUICK, prometheus: users.prometheus, release: models.release(version), ...wishes },
            { ...more, job: job ?? newJob({ tag: `v${version}` }) },
          ),
        /** As one finds it when a rollout is over. */
        stands: async (version: string) => {
          await until(`${version} to have everything`, async () => place.shares(NOTHING)[version] === 1, {
            seconds: 10,
          });
          return {
            isChampion: (await models.champion()) === version,
            leftovers: await place.leftovers(),
            holder: await holderOf(lease),
            errors: world.errors.slice(early),
          };
        },
        reasons: async (): Promise<readonly string[]> => {
          const { items } = await cluster.api.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
          return items.map(({ reason }: { readonly reason: string }) => reason);
        },
        /** As when nobody has come for a while. */
        letLeaseRunOut: async () => {
          const renewTime = new Date(Date.now() - 600_000).toISOString().replace("Z", "000Z");
          const contentType = "application/merge-patch+json";
          await cluster.api.send(lease, { method: "PATCH", contentType, body: { spec: { renewTime } } });
        },
      };
    }

    /** Undefined where nobody ever held it. */
    async function holderOf(lease: string): Promise<string | undefined> {
      const { status, body } = await cluster.api.send(lease);
      return status === 404 ? undefined : (body.spec.holderIdentity ?? "");
    }

    function newJob(options: JobOptions): JobContext {
      const job = jobContext({ ...options, files: { "rollout.yaml": POD_METRICS }, keep: true });
      jobs.push(job);
      return job;
    }

    /** Of another run of the workflow, on another machine. */
    function otherJob(options: JobOptions): JobContext {
      const job = newJob({ ...options, runId: 813 });
      return { ...job, env: { ...job.env, RUNNER_TRACKING_ID: "github_other" } };
    }
  },
);

type Wishes = Readonly<Record<string, string>>;

const NOTHING = { pods: [], slices: [], routes: [], ingresses: [] };
const AT_REST = { isChampion: true, leftovers: [], holder: "", errors: [] };

const QUICK = {
  rollout: "rollout.yaml",
  steps: "10%, 50%",
  look: "1s",
  "step-duration": "2s",
  "max-step-duration": "60s",
  bake: "1s",
  "min-requests": "50",
  "max-error-rate": "5%",
  drain: "200ms",
};

/** Nothing is decided as long as anybody looks. */
const SLOW = { steps: "50%", "step-duration": "2m", "max-step-duration": "5m", "max-error-rate": "0.01%" };

/** Decided some seconds after the first look, by whoever looks then. */
const UNHURRIED = { steps: "50%", "min-requests": "1500" };

/** What the next job does about a rollout that was killed. */
const MENDS = {
  knative: { by: "recover", title: "recover takes it back", serves: "1.0.0", decision: "aborted" },
  canary: { by: "deploy", title: "the next job promotes it", serves: "1.1.0", decision: "promoted" },
  twin: { by: "reconcile", title: "reconcile takes it back", serves: "1.0.0", decision: "aborted" },
} as const satisfies Readonly<Record<Way, object>>;

function answer(path: string) {
  const value = ADDER_ANSWERS[path];
  return { status: value === undefined ? 404 : 200, text: JSON.stringify(value ?? { error: "not found" }) };
}

function said({ commands }: Phase, level: "error" | "warning"): string {
  return commands
    .filter(({ name }) => name === level)
    .map(({ message }) => message)
    .join("\n");
}
