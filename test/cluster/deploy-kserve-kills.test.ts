import { afterAll, beforeAll, describe, test } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { KILLS, killAndRecover } from "../support/kserve-kills.ts";

const SEED = seedOfDay();

describe.skipIf(await lacksCluster())(`rollouts of an InferenceService that are killed (seed ${SEED})`, () => {
  let cluster: Cluster;
  let kserve: FakeKServe;

  beforeAll(() => {
    cluster = sharedCluster();
    kserve = startKServe(cluster);
  });
  afterAll(() => kserve?.stop());

  for (const number of sample(KILLS.length, 8, SEED)) {
    const kill = KILLS[number - 1];
    if (kill === undefined) continue;
    const { way, ends, at, when } = kill;
    test.concurrent(`${way}, to be ${ends}: dies ${when} write ${at}`, async ({ expect }) => {
      const { gets, ...killed } = await killAndRecover(cluster, kserve, kill);
      expect(killed).toEqual({ died: true, breaches: [], errors: [], left: 0 });
      expect(Object.values(gets)).toEqual([100]);
    });
  }
});
