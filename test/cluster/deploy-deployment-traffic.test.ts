import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { startDataPlane } from "../support/data-plane/data-plane.ts";
import { lacksDataPlane } from "../support/data-plane/network.ts";
import { type Answer, startRequests } from "../support/data-plane/request-stream.ts";
import { fraud, fraudDeployment, fraudRoute, fraudService, fraudServing } from "../support/deployment-target.ts";

describe.skipIf((await lacksCluster()) || lacksDataPlane())(
  "requests of users during a rollout of a Deployment",
  () => {
    let cluster: Cluster;

    beforeAll(() => {
      cluster = sharedCluster();
    });

    it("are split as was asked for, and none fails through all transitions of a promotion", async () => {
      const { serving, requests } = await newPlace();
      await serving.apply("candidate", fraud("2"));
      for (const share of [0.1, 0.5]) {
        await serving.split(share, 0);
        const answers = await requests.next(400);
        expect(answers.filter(({ version }) => version === "2").length).toSatisfy(isWithin(400, share));
      }
      await serving.split(1, 0);
      expect(versionsOf(await requests.next(50))).toEqual(["2"]);
      await serving.promote();
      expect(versionsOf(await requests.next(50))).toEqual(["2"]);
      expect((await serving.current()).stable?.model).toEqual(fraud("2"));
      await requests.stop();
      expect(requests.answers.filter(({ status }) => status !== 200)).toEqual([]);
    });

    it("meet no errors but the candidate's own, and none once it is rolled back", async () => {
      const { serving, requests } = await newPlace({ broken: "2" });
      await serving.apply("candidate", fraud("2"));
      await serving.split(0.2, 0);
      await until("the candidate to fail", async () => requests.answers.some(({ status }) => status === 500));
      await serving.split(0, 0);
      expect(versionsOf(await requests.next(50))).toEqual(["1"]);
      await serving.remove();
      await requests.next(20);
      await requests.stop();
      const failed = requests.answers.filter(({ status }) => status !== 200);
      expect(failed.every(({ status, version }) => status === 500 && version === "2")).toBe(true);
    });

    it("are spread over the pods of both, where no route splits, and none fails", async () => {
      const { serving, requests } = await newPlace({ routes: [] });
      await serving.apply("candidate", fraud("2"));
      expect(versionsOf(await requests.next(50))).toEqual(["1"]);
      await serving.split(0.5, 0);
      const answers = await requests.next(300);
      // in turn, not by chance
      expect(answers.filter(({ version }) => version === "2").length).toSatisfy(isWithin(300, 0.5));
      await serving.split(1, 0);
      await until("the service to send to the candidate only", async () =>
        versionsOf(await requests.next(30)).every((version) => version === "2"),
      );
      await serving.promote();
      expect(versionsOf(await requests.next(50))).toEqual(["2"]);
      await requests.stop();
      expect(requests.answers.filter(({ status }) => status !== 200)).toEqual([]);
    });

    type PlaceOptions = {
      readonly routes?: readonly string[];
      /** The version that answers every other request with 500. */
      readonly broken?: string;
    };

    async function newPlace({ routes = ["fraud"], broken }: PlaceOptions = {}) {
      const namespace = await cluster.namespace();
      const plane = await startDataPlane({ api: cluster.api, namespace, services: ["fraud", "fraud-candidate"] });
      onTestFinished(plane.stop);
      const stable = JSON.parse(fraudDeployment({ pods: { ready: "false" } }));
      stable.spec.template.spec.containers[0].env.push({ name: "MODEL_VERSION", value: "1" });
      for (const text of [JSON.stringify(stable), fraudService(), ...routes.map(fraudRoute)])
        await cluster.apply(text, namespace);
      await until("the Deployment to serve", async () => {
        const { status } = await cluster.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/fraud`);
        return status.readyReplicas === 2;
      });
      const requests = startRequests(plane.url, { perSecond: 40 });
      onTestFinished(requests.stop);
      await until("the gateway to send to it", async () => versionsOf(await requests.next(5)).join() === "1");
      // What the gateway did not know yet is none of the rollout's.
      (requests.answers as Answer[]).length = 0;
      const uriOf = async ({ version }: ServedModel) =>
        version === broken ? "s3://broken" : `s3://models/fraud/${version}`;
      return { requests, serving: fraudServing(await connectionTo(cluster, namespace), { uriOf, drainMs: 5_000 }) };
    }
  },
);

function versionsOf(answers: readonly Answer[]): readonly string[] {
  return [...new Set(answers.map(({ version }) => version))].sort();
}

/** Four standard deviations of a binomial count: one run in 16,000 lies outside. */
function isWithin(count: number, share: number): (seen: number) => boolean {
  const spread = 4 * Math.sqrt(count * share * (1 - share));
  return (seen) => Math.abs(seen - count * share) <= spread;
}
