import { beforeAll, describe, expect, it } from "vitest";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { MEETINGS, meetFault, meetFaults, meetOutages } from "../support/rollout-faults.ts";

const SEED = seedOfDay();

describe.skipIf(await lacksCluster())(
  `a rollout of Argo Rollouts on a cluster that answers badly (seed ${SEED})`,
  { concurrent: true },
  () => {
    let cluster: Cluster;

    beforeAll(() => {
      cluster = sharedCluster();
    });

    for (const number of sample(MEETINGS.length, 4, SEED)) {
      const meeting = MEETINGS[number - 1];
      if (meeting === undefined) continue;
      const { story, fault } = meeting;
      it(`is ${story} where every write meets: ${fault}`, async () => {
        const serves = story === "promoted" ? "2" : "1";
        expect(await meetFault(cluster, meeting)).toEqual({ serves, isClean: true, breaches: [], isMet: true });
      });
    }

    it.for([
      ["promoted", "2"],
      ["taken back", "1"],
    ] as const)("is %s where the API server goes away at every write", async ([story, serves]) => {
      expect(await meetOutages(cluster, story)).toEqual({ serves, isClean: true, breaches: [], isMet: true });
    });

    it("is promoted where one of ten answers is bad, of reads too", async () => {
      expect(await meetFaults(cluster, SEED)).toEqual({ serves: "2", isClean: true, breaches: [], isMet: true });
    });
  },
);
