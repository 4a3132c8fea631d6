import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import {
  FIRST_URI,
  inferenceService,
  ownRoute,
  readService,
  servingOf,
  uriOf,
  version,
} from "../support/kserve-target.ts";

const ONE = version("1.0.0");
const TWO = version("1.1.0");

describe.skipIf(await lacksCluster())("a rollout of an InferenceService", { concurrent: true }, () => {
  let cluster: Cluster;
  let kserve: FakeKServe;

  beforeAll(() => {
    cluster = sharedCluster();
    kserve = startKServe(cluster);
  });
  afterAll(() => kserve?.stop());

  it("gives a revision its share step by step and makes it stable; the next one is taken back", async () => {
    const world = await kserve.world();
    await inferenceService(cluster, world);
    const serving = await servingOf(cluster, world);
    expect(await serving.current()).toMatchObject({ share: 0, isKept: true });
    world.allow("fraud", uriOf(ONE), 0);
    const served = await serving.apply("candidate", ONE);
    expect(served).toMatchObject({
      model: ONE,
      runs: { as: "pods", kind: "Revision fraud-predictor-00002", ready: 1 },
    });
    expect(world.answering("fraud")).toEqual({ [FIRST_URI]: 100, [uriOf(ONE)]: 0 });
    for (const percent of [5, 50, 100]) {
      world.allow("fraud", uriOf(ONE), percent);
      await serving.split(percent / 100, 0);
      expect((await serving.current()).share).toBe(percent / 100);
    }
    await serving.promote();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect(await serving.current()).not.toHaveProperty("candidate");
    await until("the counts", async () => world.answering("fraud")[uriOf(ONE)] === 100);
    expect(world.breaches).toEqual([]);
    const { spec } = await readService(cluster, world.namespace);
    expect(spec.predictor).not.toHaveProperty("canaryTrafficPercent");
    expect(spec.predictor.annotations).toMatchObject({ "ml-release.dev/model": "digits@1.0.0" });

    await serving.apply("candidate", TWO);
    await serving.split(0.2, 0);
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, candidate: { model: TWO }, share: 0.2 });
    expect(await serving.arms()).toMatchObject({
      stable: { revision: "fraud-predictor-00002" },
      candidate: { revision: "fraud-predictor-00003" },
    });
    await serving.remove();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect(await serving.current()).not.toHaveProperty("candidate");
    await until("the counts", async () => world.answering("fraud")[uriOf(ONE)] === 100);
  });

  it("splits by spec.canary where the server does, and makes the canary stable without a restart", async () => {
    const world = await kserve.world({ mode: "Standard" });
    await inferenceService(cluster, world, { minReplicas: 2 });
    const serving = await servingOf(cluster, world);
    world.allow("fraud", uriOf(ONE), 0);
    expect(await serving.apply("candidate", ONE)).toMatchObject({ model: ONE, runs: { as: "pods", ready: 1 } });
    for (const percent of [10, 100]) {
      world.allow("fraud", uriOf(ONE), percent);
      await serving.split(percent / 100, 0);
      expect((await serving.current()).share).toBe(percent / 100);
      expect(world.answering("fraud")[uriOf(ONE)]).toBe(percent);
    }
    const before = await podsOf(world.namespace, uriOf(ONE));
    await serving.promote();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect(before).toHaveLength(2);
    expect(await podsOf(world.namespace, uriOf(ONE))).toEqual(before);
    await until("the former pods to be gone", async () => (await podsOf(world.namespace, FIRST_URI)).length === 0);
    expect(world.breaches).toEqual([]);
    expect(world.errors).toEqual([]);

    await serving.apply("candidate", TWO);
    await serving.split(0.5, 0);
    await serving.remove();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect((await readService(cluster, world.namespace)).spec).not.toHaveProperty("canary");
    expect(world.answering("fraud")).toEqual({ [uriOf(ONE)]: 100 });
  });

  it("makes a second InferenceService where spec.canary splits nothing, and a route of the user's does", async () => {
    const world = await kserve.world({ mode: "Standard", switches: ["canary-without-route"] });
    await inferenceService(cluster, world);
    await ownRoute(cluster, world);
    const serving = await servingOf(cluster, world);
    world.allow("users", uriOf(ONE), 0);
    expect(await serving.apply("candidate", ONE)).toMatchObject({ model: ONE });
    expect((await readService(cluster, world.namespace)).spec).not.toHaveProperty("canary");
    for (const percent of [0.5, 25, 100]) {
      world.allow("users", uriOf(ONE), percent);
      await serving.split(percent / 100, 0);
      expect((await serving.current()).share).toBeCloseTo(percent / 100, 9);
    }
    await serving.promote();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect(world.answering("users")).toEqual({ [uriOf(ONE)]: 100 });
    expect(world.breaches).toEqual([]);
    expect(world.errors).toEqual([]);
    const { items } = await cluster.api.get(
      `/apis/serving.kserve.io/v1beta1/namespaces/${world.namespace}/inferenceservices`,
    );
    expect(items).toHaveLength(1);

    await serving.apply("candidate", TWO);
    await serving.split(0.3, 0);
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, candidate: { model: TWO }, share: 0.3 });
    await serving.remove();
    expect(await serving.current()).toMatchObject({ stable: { model: ONE }, share: 0 });
    expect(world.answering("users")).toEqual({ [uriOf(ONE)]: 100 });
  });

  async function podsOf(namespace: string, uri: string): Promise<readonly string[]> {
    const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`);
    return items
      .filter(({ metadata }: { metadata: { annotations: Record<string, string>; deletionTimestamp?: string } }) => {
        const source = metadata.annotations["internal.serving.kserve.io/storage-initializer-sourceuri"];
        return source === uri && metadata.deletionTimestamp === undefined;
      })
      .map(({ metadata }: { metadata: { uid: string } }) => metadata.uid)
      .sort();
  }
});
