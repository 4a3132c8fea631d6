import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatProblem, type Problem } from "../../actions/shared/domain/problem.ts";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";
import { inferenceService, ownRoute, servingOf, version } from "../support/kserve-target.ts";
import { digits, digitsRollout, digitsServing } from "../support/rollout-target.ts";

const ONE = version("1.0.0");

// What controllers of others make of a candidate is checked before they are told of it, as it is for a Deployment.
describe.skipIf(await lacksCluster())(
  "before a controller of others is told of a candidate",
  { concurrent: true },
  () => {
    let cluster: OwnCluster;
    let kserve: FakeKServe;

    beforeAll(async () => {
      cluster = await startCluster({ rollouts: true });
      await cluster.addNode({ cpu: "64" });
      kserve = startKServe(cluster);
    });
    afterAll(async () => {
      await kserve?.stop();
      await cluster?.stop();
    });

    it.for(["Knative", "Standard"] as const)(
      "an InferenceService in %s mode has room for it, or is refused",
      async (mode) => {
        const world = await kserve.world({ mode });
        await inferenceService(cluster, world);
        const serving = await servingOf(cluster, world);
        expect(said(await serving.check(ONE))).toBe("");
        const { capacity } = await serving.preview(ONE);
        expect(capacity?.plans).toMatchObject([{ plan: "extra", state: "fits" }]);

        await fewPods(world.namespace);
        await until("the quota", async () => (await serving.check(ONE)).length > 0);
        expect(said(await serving.check(ONE))).toMatch(
          /input capacity: .*room for 1 pod more of fraud.*the quota few has 0/,
        );
      },
    );

    it("an InferenceService takes whole percents where KServe splits, and any share behind a route of its own", async () => {
      const shares = [0.005, 0.05, 0.125];
      const knative = await kserve.world();
      await inferenceService(cluster, knative);
      const serving = await servingOf(cluster, knative);
      expect((await serving.shareProblems?.(shares, ONE))?.map(({ rule, saw }) => `${rule}: ${saw}`)).toEqual([
        "KServe in Knative mode splits traffic by whole percents: 0.5%",
        "KServe in Knative mode splits traffic by whole percents: 12.5%",
      ]);
      const names = await serving.armsToBe();
      expect(names.stable.revision).toMatch(/^fraud-predictor-\d+$/);
      expect(names.candidate.revision).not.toBe(names.stable.revision);

      const entries = await kserve.world({ mode: "Standard" });
      await inferenceService(cluster, entries);
      expect(await (await servingOf(cluster, entries)).shareProblems?.(shares, ONE)).toHaveLength(2);

      const beside = await kserve.world({ mode: "Standard", withoutGatewayApi: true });
      await inferenceService(cluster, beside);
      await ownRoute(cluster, beside);
      expect(await (await servingOf(cluster, beside)).shareProblems?.(shares, ONE)).toEqual([]);
    });

    it("a Rollout has room for the pods that may surge, or is refused", async () => {
      const namespace = await cluster.namespace();
      const canary = { maxSurge: 1, maxUnavailable: 0 };
      await cluster.apply(digitsRollout({ canary }), namespace);
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/digits`;
      await until("the Rollout", async () => (await cluster.api.get(path)).status?.phase === "Healthy");
      const serving = digitsServing(await connectionTo(cluster, namespace));
      expect(said(await serving.check(digits("2")))).toBe("");
      expect((await serving.preview(digits("2"))).capacity).toMatchObject({ replicas: 1, plans: [{ state: "fits" }] });
      const names = await serving.armsToBe();
      expect(names.stable.pods).toMatch(/^digits-[a-z0-9]+-\[a-z0-9\]\{5\}$/);
      expect(names.candidate.pods).not.toBe(names.stable.pods);

      await fewPods(namespace);
      await until("the quota", async () => (await serving.check(digits("2"))).length > 0);
      expect(said(await serving.check(digits("2")))).toMatch(/room for 1 pod more of digits.*the quota few has 0/);
    });

    /** As many pods as there are. */
    async function fewPods(namespace: string): Promise<void> {
      const { items } = await cluster.api.get(`/api/v1/namespaces/${namespace}/pods`);
      const spec = { hard: { pods: String(items.length) } };
      const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "few" }, spec };
      await cluster.apply(JSON.stringify(quota), namespace);
    }
  },
);

function said(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}
