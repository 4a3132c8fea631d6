import { afterAll, beforeAll, describe, test } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { KILLS, killAndRecover } from "../support/kserve-kills.ts";

describe.skipIf(await lacksCluster())("rollouts of an InferenceService, killed at every write", () => {
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

  for (const kill of KILLS) {
    const { way, ends, at, when } = kill;
    test.concurrent(`${way}, to be ${ends}: dies ${when} write ${at}`, async ({ expect }) => {
      const { gets, ...killed } = await killAndRecover(cluster, kserve, kill);
      expect(killed).toEqual({ died: true, breaches: [], errors: [], left: 0 });
      expect(Object.values(gets)).toEqual([100]);
    });
  }
});
