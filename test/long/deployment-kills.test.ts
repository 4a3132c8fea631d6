import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { type DeploymentKill, type KilledOptions, killDeployment } from "../support/kill-deployment.ts";

const KINDS: readonly (readonly [string, number, KilledOptions])[] = [
  ["by HTTPRoutes", 20, { routes: ["fraud", "legacy"] }],
  ["by HTTPRoutes, with an autoscaler", 20, { deployment: { replicas: 3 }, autoscaler: { min: 1, max: 4 } }],
  ["by pods", 20, { routes: [] }],
  ["in the room of pods of stable", 30, { deployment: { replicas: 3 }, room: "borrow" }],
];

const AT_ONCE = 4;

describe.skipIf(await lacksCluster())("a rollout of a Deployment that is killed at any of its writes", () => {
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  it.each(KINDS)("comes to a safe end, %s", async (_, least, options) => {
    let points = 0;
    for (let write = 1; ; write += AT_ONCE / 2) {
      const kills = Array.from({ length: AT_ONCE }, (_kill, i): DeploymentKill => {
        const at = write + Math.floor(i / 2);
        const when = i % 2 === 0 ? "before" : "after";
        return { write: at, when, mend: (at + i) % 2 === 0 ? "recover" : "again" };
      });
      const ends = await Promise.all(kills.map((kill) => killDeployment(cluster, options, kill)));
      points += ends.filter((end) => end === "killed").length;
      if (ends.includes("over")) break;
    }
    console.log(`${points} kill points`);
    expect(points).toBeGreaterThanOrEqual(least);
  });
});
