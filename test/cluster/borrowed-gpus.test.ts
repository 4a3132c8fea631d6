import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatProblem } from "../../actions/shared/domain/problem.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { type FraudPlace, fraudPlace } from "../support/deployment-place.ts";
import { fraud } from "../support/deployment-target.ts";
import { type DeploymentKill, killDeployment } from "../support/kill-deployment.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";

/** Stable has them all. */
const GPUS = 3;

/** Of the writes of a whole rollout. */
const KILLS = sample(20, 2, seedOfDay()).map(
  (write, i): DeploymentKill =>
    i === 0 ? { write, when: "before", mend: "again" } : { write, when: "after", mend: "recover" },
);

describe.skipIf(await lacksCluster())("a Deployment whose pods hold every GPU", { concurrent: true }, () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  const it = test.extend<{ readonly pool: string; readonly place: FraudPlace }>({
    /** Nodes with as many GPUs as stable has pods, for one test. */
    pool: async ({ task }, use) => {
      const pool = `pool-${task.id.replaceAll("_", "-")}`;
      for (let i = 0; i < GPUS; i++) await cluster.addNode({ gpus: 1, labels: { pool } });
      await use(pool);
    },
    place: async ({ pool }, use) => {
      const place = await fraudPlace(cluster, { deployment: { replicas: GPUS, gpus: 1 }, pool });
      await use(place);
      await place.stop();
    },
  });

  it("has no room for a candidate beside it, but for one in the place of a pod, and says so before", async ({
    place,
  }) => {
    const found = async (capacity: "extra" | "borrow" | "assume-autoscaler") =>
      (await place.fresh({ capacity }).check(fraud("2"))).map(formatProblem).join("\n");
    expect(await found("extra")).toMatch(/room for 3 pods more of fraud.*set capacity: borrow/);
    expect(await found("borrow")).toBe("");
    expect(await found("assume-autoscaler")).toBe("");
    const { capacity, notes } = await place.fresh({ capacity: "borrow" }).preview(fraud("2"));
    expect(capacity?.plans.map(({ plan, state }) => `${plan} ${state}`)).toEqual([
      "extra short",
      "borrow fits",
      "recreate fits",
    ]);
    expect(notes.join("\n")).toContain("2 of the 3 are there at any time");
  });

  it("is promoted pod by pod, and has all of its own in the end", async ({ place }) => {
    const { serving } = place;
    await serving.apply("candidate", fraud("2"), "borrow");
    expect(await sizes(place)).toEqual([2, 1]);
    await serving.split(0.25, 0);
    expect(await sizes(place)).toEqual([2, 1]);
    await serving.split(0.5, 0);
    expect(await sizes(place)).toEqual([1, 2]);
    expect((await serving.current()).share).toBe(0.5);
    await serving.split(1, 0);
    await serving.promote();
    expect(await serving.current()).toMatchObject({
      share: 0,
      stable: { model: fraud("2"), runs: { ready: GPUS, wanted: GPUS } },
    });
    expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
    expect(await place.leftovers()).toEqual([]);
    expect(await kept(place)).not.toContain("replicas");
  });

  it("has the pods back that it gave up for a candidate that is taken back", async ({ place }) => {
    const { serving } = place;
    await serving.apply("candidate", fraud("2"), "borrow");
    await serving.split(0.5, 0);
    const next = place.fresh();
    await next.split(0, 0);
    await next.remove();
    expect((await place.get("deployments", "fraud")).spec.replicas).toBe(GPUS);
    await until("all pods of stable", async () => (await ready(place)) === GPUS);
    expect((await serving.current()).stable?.model).toEqual(fraud("1"));
    expect(await place.leftovers()).toEqual([]);
    expect(await kept(place)).toBe("");
  });

  it("has them back where the candidate does not come up", async ({ place }) => {
    const broken = place.fresh({ marks: { "kubelet.test/waiting": "ErrImagePull" } });
    await expect(broken.apply("candidate", fraud("2"), "borrow")).rejects.toThrow(/ErrImagePull/);
    await broken.remove();
    await until("all pods of stable", async () => (await ready(place)) === GPUS);
    expect(await place.leftovers()).toEqual([]);
  });

  it.for(KILLS)("comes to a safe end where its process is killed $when write $write", async (kill, { pool }) => {
    await killDeployment(cluster, { deployment: { replicas: GPUS, gpus: 1 }, pool, room: "borrow" }, kill);
  });

  it("keeps its autoscaler from taking the room back, and leaves it as it was", async () => {
    const options = { deployment: { replicas: 3 }, autoscaler: { min: 2, max: 5 }, room: "borrow" } as const;
    const [write = 1] = sample(24, 1, seedOfDay());
    expect(await killDeployment(cluster, options, { write, when: "after", mend: "recover" })).toBe("killed");
  });
});

/** Of stable, and of the candidate. */
async function sizes(place: FraudPlace): Promise<readonly number[]> {
  const found = await Promise.all(["fraud", "fraud-candidate"].map((name) => place.get("deployments", name)));
  return found.map(({ spec }) => spec.replicas);
}

async function ready(place: FraudPlace): Promise<number> {
  return (await place.get("deployments", "fraud")).status.readyReplicas ?? 0;
}

/** What stable keeps of how it was. */
async function kept(place: FraudPlace): Promise<string> {
  return (await place.get("deployments", "fraud")).metadata.annotations?.["ml-release.dev/former"] ?? "";
}
