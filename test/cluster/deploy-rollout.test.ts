import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutPlace } from "../../actions/shared/clients/argo-rollouts/place.ts";
import { type Cluster, lacksCluster, startCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";
import { logInto } from "../support/logs.ts";
import { digits, digitsRollout, digitsServing, type RolloutOptions } from "../support/rollout-target.ts";

describe.skipIf(await lacksCluster())("a rollout by the controller of Argo Rollouts", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ rollouts: true });
    await cluster.addNode();
  });
  afterAll(() => cluster?.stop());

  it("takes the candidate from pause to pause to its promotion, and leaves nothing of itself behind", async () => {
    const place = await newPlace();
    const { serving } = place;
    expect(await serving.check(digits("2"))).toEqual([]);
    expect(await serving.shares?.()).toEqual([0.25, 0.5]);
    await serving.apply("stable", digits("1"));
    // Its steps begin with a share: the first split puts the template in.
    expect(await serving.apply("candidate", digits("2"))).toMatchObject({ runs: { ready: 0, wanted: 0 } });
    expect(await place.podsOf()).toEqual({ "1": 4 });

    await serving.split(0.25, 0);
    expect(await place.podsOf()).toEqual({ "1": 3, "2": 1 });
    expect(await serving.current()).toMatchObject({
      share: 0.25,
      stable: { model: digits("1"), runs: { ready: 3 } },
      candidate: {
        model: digits("2"),
        runs: { ready: 1, image: expect.stringMatching(/^registry\.test\/server@sha256:/) },
      },
    });
    const { candidate, stable } = await serving.arms();
    expect(candidate.pods).not.toBe(stable.pods);
    expect(await place.podNames()).toSatisfy(
      (names: readonly string[]) => names.filter((name) => new RegExp(`^${candidate.pods}$`).test(name)).length === 1,
    );

    await serving.split(0.5, 0);
    await serving.split(0.5, 0);
    expect(await serving.current()).toMatchObject({ share: 0.5 });
    expect(await place.podsOf()).toEqual({ "1": 2, "2": 2 });
    await serving.split(1, 0);
    expect(await serving.current()).toMatchObject({
      share: 1,
      candidate: { model: digits("2") },
      stable: { model: digits("1") },
    });
    expect(await place.podsOf()).toEqual({ "2": 4 });

    await serving.promote();
    await serving.promote();
    expect(await serving.current()).toMatchObject({ share: 0, stable: { model: digits("2") } });
    const { metadata, spec, status } = await place.rollout();
    expect(status.phase).toBe("Healthy");
    expect(Object.keys(metadata.annotations ?? {}).sort()).toEqual([
      "ml-release.dev/commit",
      "ml-release.dev/digest",
      "ml-release.dev/model",
      "ml-release.dev/release",
      "rollout.argoproj.io/revision",
    ]);
    expect(spec.template.spec.containers[0].env).toEqual([
      { name: "MODEL_URI", value: "s3://models/digits/2" },
      { name: "WORKERS", value: "4" },
      { name: "MODEL_NAME", value: "digits" },
      { name: "MODEL_VERSION", value: "2" },
    ]);
  });

  async function newPlace(options: RolloutOptions = {}, more: Partial<RolloutPlace> = {}) {
    const namespace = await cluster.namespace();
    await cluster.apply(digitsRollout(options), namespace);
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/digits`;
    const rollout = () => cluster.api.get(path);
    if (options.replicas !== 0)
      await until("the Rollout to be Healthy", async () => (await rollout()).status?.phase === "Healthy");
    const connection = await connectionTo(cluster, namespace);
    const told: string[] = [];
    const patch = async (body: object, subresource = "") => {
      const contentType = "application/merge-patch+json";
      const { status, body: said } = await cluster.api.send(`${path}${subresource}`, {
        method: "PATCH",
        body,
        contentType,
      });
      expect(said).toBeDefined();
      expect(status).toBe(200);
    };
    const pods = async () => {
      const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`);
      return items.filter(
        (pod: { metadata: { deletionTimestamp?: string } }) => pod.metadata.deletionTimestamp === undefined,
      );
    };
    return {
      namespace,
      connection,
      told,
      rollout,
      patch,
      serving: digitsServing(connection, { log: logInto(told), ...more }),
      podNames: async () => (await pods()).map((pod: { metadata: { name: string } }) => pod.metadata.name),
      /** How many pods there are of each version. */
      podsOf: async () => {
        const counts: Record<string, number> = {};
        for (const { metadata } of await pods()) {
          const version = metadata.annotations?.["ml-release.dev/model"]?.split("@")[1] ?? "";
          counts[version] = (counts[version] ?? 0) + 1;
        }
        return counts;
      },
    };
  }
});
