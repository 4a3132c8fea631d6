import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatProblem } from "../../actions/shared/domain/problem.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { type FraudPlace, fraudPlace } from "../support/deployment-place.ts";
import { fraud } from "../support/deployment-target.ts";

describe.skipIf(await lacksCluster())("a Deployment whose GPU exists once", { concurrent: true }, () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  const it = test.extend<{ readonly newPlace: (strategy?: object) => Promise<FraudPlace> }>({
    /** Its one pod holds the one GPU of its pool of nodes. */
    newPlace: async ({ task, onTestFinished }, use) => {
      await use(async (strategy = {}) => {
        const pool = `pool-${task.id.replaceAll("_", "-")}`;
        await cluster.addNode({ gpus: 1, labels: { pool } });
        const place = await fraudPlace(cluster, { deployment: { replicas: 1, gpus: 1, ...strategy }, pool });
        onTestFinished(place.stop);
        return place;
      });
    },
  });

  it("fails with the scheduler's words where no node has a GPU left for a candidate", async ({ newPlace }) => {
    const place = await newPlace();
    const serving = place.fresh({ unschedulableMs: 300 });
    await expect(serving.apply("candidate", fraud("2"))).rejects.toThrow(/Insufficient nvidia.com\/gpu/);
    await serving.remove();
    expect(await place.leftovers()).toEqual([]);
  });

  it("has no room for a canary and none for a surge, but for a recreation, and says so before", async ({
    newPlace,
  }) => {
    const place = await newPlace();
    const found = async (strategy: "canary" | "rolling" | "recreate") =>
      (await place.fresh({ strategy }).check(fraud("2"))).map(formatProblem).join("\n");
    expect(await found("canary")).toContain("the cluster must have room for 1 pod more of fraud (strategy: canary)");
    expect(await found("rolling")).toMatch(
      /room for 1 pod more of fraud \(strategy: rolling\).*set strategy: recreate/,
    );
    expect(await found("recreate")).toBe("");
  });

  it("is recreated, and its own strategy is left as it was", async ({ newPlace }) => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    const place = await newPlace({ strategy });
    const serving = place.fresh({ strategy: "recreate" });
    await serving.apply("stable", fraud("2"));
    expect(await serving.current()).toMatchObject({ stable: { model: fraud("2"), runs: { ready: 1 } } });
    expect((await place.get("deployments", "fraud")).spec.strategy).toEqual(strategy);
  });
});
