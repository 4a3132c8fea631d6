import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { MEETINGS, meetFault } from "../support/rollout-faults.ts";

describe.skipIf(await lacksCluster())(
  "a rollout of Argo Rollouts, every write of which meets a fault",
  { concurrent: true },
  () => {
    let cluster: OwnCluster;

    beforeAll(async () => {
      cluster = await startCluster({ rollouts: true });
      await cluster.addNode({ cpu: "64" });
    });
    afterAll(() => cluster?.stop());

    for (const meeting of MEETINGS) {
      const { story, fault } = meeting;
      it(`is ${story} through: ${fault}`, async () => {
        const serves = story === "promoted" ? "2" : "1";
        expect(await meetFault(cluster, meeting)).toEqual({ serves, isClean: true, breaches: [], isMet: true });
      });
    }
  },
);
