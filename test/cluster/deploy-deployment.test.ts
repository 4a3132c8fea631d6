import { beforeAll, describe, expect, test } from "vitest";
import { formatProblem, type Problem } from "../../actions/shared/domain/problem.ts";
import { isReleaseError } from "../../actions/shared/lib/error.ts";
import type { KubeObject } from "../support/cluster/api.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { type FraudPlace, type FraudPlaceOptions, fraudPlace } from "../support/deployment-place.ts";
import { fraud, fraudAutoscaler, fraudDeployment, fraudServing } from "../support/deployment-target.ts";
import { killDeployment } from "../support/kill-deployment.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { KUBE_FAULTS, type KubeFault, kubeProxy } from "../support/kube-proxy.ts";
import { seeded } from "../support/random.ts";

describe.skipIf(await lacksCluster())("a rollout of a Deployment on a real Kubernetes", { concurrent: true }, () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  const it = test.extend<{ readonly newPlace: (options?: FraudPlaceOptions) => Promise<FraudPlace> }>({
    newPlace: async ({ onTestFinished }, use) => {
      await use(async (options) => {
        const place = await fraudPlace(cluster, options);
        onTestFinished(place.stop);
        return place;
      });
    },
  });

  describe("split by HTTPRoutes", () => {
    it("gives the candidate its share of every rule, to a hundredth of a percent, and no pod of it to the stable service", async ({
      newPlace,
    }) => {
      const place = await newPlace({ routes: ["fraud", "legacy"] });
      const { serving } = place;
      const candidate = await serving.apply("candidate", fraud("2"));
      expect(candidate).toMatchObject({ model: fraud("2"), runs: { as: "pods", kind: "Deployment fraud-candidate" } });
      expect(await serving.current()).toMatchObject({ share: 0, stable: { model: fraud("1") } });
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
      expect(await place.endpoints("fraud")).toEqual(await place.podNames("app=fraud"));

      await serving.split(0.0125, 0);
      const split = ["fraud 9875", "fraud-candidate 125"];
      expect(await place.backends("fraud")).toEqual([split, split]);
      expect(await place.backends("legacy")).toEqual([split, split]);
      expect((await serving.current()).share).toBe(0.0125);

      await serving.remove();
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
      expect(await place.leftovers()).toEqual([]);
    });

    it("promotes: stable takes the candidate's version while the candidate carries everything", async ({
      newPlace,
    }) => {
      const place = await newPlace({ deployment: { replicas: 3 } });
      const { serving } = place;
      await serving.apply("candidate", fraud("2"));
      await serving.split(0.5, 0);
      expect((await place.get("deployments", "fraud-candidate")).spec.replicas).toBe(2);
      await serving.split(1, 0);
      expect((await place.get("deployments", "fraud-candidate")).spec.replicas).toBe(3);
      await serving.promote();
      const { spec } = await place.get("deployments", "fraud");
      expect(spec.template.spec.containers).toMatchObject([
        {
          name: "server",
          image: expect.stringMatching(/^registry\.test\/server@sha256:/),
          env: [
            { name: "MODEL_URI", value: "s3://models/fraud/2" },
            { name: "WORKERS", value: "4" },
            { name: "MODEL_NAME", value: "fraud" },
            { name: "MODEL_VERSION", value: "2" },
          ],
        },
      ]);
      expect(spec.template.metadata).toMatchObject({
        labels: { app: "fraud", team: "risk" },
        annotations: { "ml-release.dev/model": "fraud@2", "ml-release.dev/commit": "c0ffee" },
      });
      expect(await serving.current()).toMatchObject({ share: 0, stable: { model: fraud("2") } });
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
      expect(await place.leftovers()).toEqual([]);
    });

    it("does one canary after the other", async ({ newPlace }) => {
      const place = await newPlace();
      for (const version of ["2", "3"]) {
        await place.serving.apply("candidate", fraud(version));
        await place.serving.split(1, 0);
        await place.serving.promote();
        expect((await place.serving.current()).stable?.model).toEqual(fraud(version));
      }
      await place.serving.apply("candidate", fraud("4"));
      await place.serving.split(0.1, 0);
      await place.serving.remove();
      expect((await place.serving.current()).stable?.model).toEqual(fraud("3"));
      expect(await place.leftovers()).toEqual([]);
    });

    it("takes the candidate of another version away before it makes its own", async ({ newPlace }) => {
      const place = await newPlace();
      await place.serving.apply("candidate", fraud("2"));
      await place.serving.split(0.5, 0);
      await place.fresh().apply("candidate", fraud("3"));
      expect(await place.serving.current()).toMatchObject({ share: 0, candidate: { model: fraud("3") } });
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
    });

    it("keeps the autoscaler from taking pods of stable meanwhile, and gives it its floor back", async ({
      newPlace,
    }) => {
      const place = await newPlace({ deployment: { replicas: 3 } });
      await cluster.apply(fraudAutoscaler({ min: 1, max: 5 }), place.namespace);
      await place.serving.apply("candidate", fraud("2"));
      await place.serving.split(0.2, 0);
      expect((await place.get("autoscalers", "fraud")).spec).toMatchObject({ minReplicas: 3, maxReplicas: 5 });
      await place.fresh().remove();
      const { spec, metadata } = await place.get("autoscalers", "fraud");
      expect([spec.minReplicas, metadata.annotations]).toEqual([1, undefined]);
    });

    it("does not say that a share is in force before the gateway has taken it", async ({ newPlace }) => {
      const place = await newPlace();
      await place.serving.apply("candidate", fraud("2"));
      place.gateway.pause();
      const hurried = place.fresh({ readyTimeoutMs: 500 });
      await expect(hurried.split(0.1, 0)).rejects.toThrow(/the gateway edge has not taken its last change/);
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
    });

    it("changes nothing where somebody else changed the stable template meanwhile", async ({ newPlace }) => {
      const place = await newPlace();
      await place.serving.apply("candidate", fraud("2"));
      await place.serving.split(0.1, 0);
      await place.patch("deployments", "fraud", { spec: { template: { metadata: { annotations: { by: "hand" } } } } });
      await expect(place.serving.split(0.5, 0)).rejects.toThrow(/\[CONFLICT\] the stable version must stay as it was/);
      await expect(place.serving.promote()).rejects.toThrow(/\[CONFLICT\]/);
      await place.serving.remove();
      expect(await place.leftovers()).toEqual([]);
    });

    it("tells the share that somebody else set", async ({ newPlace }) => {
      const place = await newPlace();
      await place.serving.apply("candidate", fraud("2"));
      await place.serving.split(0.1, 0);
      const route = await place.get("httproutes", "fraud");
      const rules = route.spec.rules.map((rule: KubeObject) => ({
        ...rule,
        backendRefs: rule.backendRefs.map((ref: KubeObject) => ({ ...ref, weight: 1 })),
      }));
      await place.patch("httproutes", "fraud", { spec: { rules } });
      expect((await place.serving.current()).share).toBe(0.5);
      await place.serving.split(0, 0);
      expect(await place.backends("fraud")).toEqual([["fraud 1"], ["fraud 1"]]);
    });

    it("does not split a rule that another backend has a part of", async ({ newPlace }) => {
      const place = await newPlace();
      await place.serving.apply("candidate", fraud("2"));
      const backendRefs = [
        { name: "fraud", port: 80, weight: 9 },
        { name: "old", port: 80, weight: 1 },
      ];
      await place.patch("httproutes", "fraud", { spec: { rules: [{ backendRefs }] } });
      await expect(place.serving.split(0.1, 0)).rejects.toThrow(
        /\[CONFLICT\] rule 1 of HTTPRoute fraud must send to fraud alone/,
      );
      expect(await place.backends("fraud")).toEqual([["fraud 9", "old 1"]]);
    });
  });

  describe("a candidate that does not come up", () => {
    it.for<readonly [string, Readonly<Record<string, string>>, RegExp]>([
      ["an image that cannot be pulled", { waiting: "ErrImagePull" }, /ErrImagePull.*not found/s],
      [
        "a crash loop behind Ready=True",
        { "exit-code": "1", log: "CUDA out of memory\n" },
        /CrashLoopBackOff.*CUDA out of memory/s,
      ],
      ["too much memory", { killed: "OOMKilled" }, /OOMKilled/],
    ])("fails at once for %s", async ([_, pods, message], { newPlace }) => {
      const place = await newPlace();
      const serving = place.fresh({ marks: played(pods) });
      await expect(serving.apply("candidate", fraud("2"))).rejects.toThrow(message);
      await serving.remove();
      expect(await place.leftovers()).toEqual([]);
    });
  });

  it.each(sample(9, 2, seedOfDay()))("comes to a safe end where its process is killed at write %i", async (write) => {
    const ends = await Promise.all([
      killDeployment(cluster, {}, { write, when: "before", mend: "again" }),
      killDeployment(cluster, {}, { write, when: "after", mend: "recover" }),
    ]);
    expect(ends).toEqual(["killed", "killed"]);
  });

  it("comes to its end on a cluster that answers badly, and never gives the candidate more than was asked for", {
    // a request is given up after 0.7 s
    concurrent: false,
  }, async ({ newPlace, onTestFinished }) => {
    const seed = seedOfDay();
    const random = seeded(seed);
    const place = await newPlace();
    const proxy = await kubeProxy(cluster, place.namespace);
    onTestFinished(proxy.close);
    // What goes on from an old list may be gone; nothing here does.
    const faults: readonly KubeFault[] = KUBE_FAULTS.filter((fault) => fault !== "410");
    proxy.befall = () => (random.chance(0.1) ? faults[random.int(0, faults.length - 1)] : undefined);
    const serving = fraudServing(proxy.connection);
    await again(() => serving.apply("candidate", fraud("2")));
    for (const share of [0.25, 1]) {
      await again(() => serving.split(share, 0));
      expect((await place.serving.current()).share, `seed ${seed}`).toBe(share);
    }
    await again(() => serving.promote());
    expect(await place.serving.current(), `seed ${seed}`).toMatchObject({ share: 0, stable: { model: fraud("2") } });
    expect(await place.leftovers()).toEqual([]);
    expect(proxy.requests.length).toBeGreaterThan(50);
  });

  describe("split by pods", () => {
    it("lets the service send to as many candidate pods as the share allows, and to none of them at 0", async ({
      newPlace,
    }) => {
      const place = await newPlace({ deployment: { replicas: 3 }, routes: [] });
      const { serving } = place;
      await serving.apply("candidate", fraud("2"));
      expect(await place.endpoints("fraud")).toEqual(await place.podNames("app=fraud"));
      await serving.split(0.3, 0);
      expect(await place.endpoints("fraud")).toHaveLength(4);
      expect((await serving.current()).share).toBe(0.3);
      expect((await place.fresh().current()).share).toBe(0.25);
      await serving.split(0.5, 0);
      expect(await place.endpoints("fraud")).toHaveLength(6);
      await serving.split(0, 0);
      expect(await place.endpoints("fraud")).toHaveLength(3);
      await serving.remove();
      expect(await place.leftovers()).toEqual([]);
      expect((await place.get("deployments", "fraud")).status.readyReplicas).toBe(3);
    });

    it("sends everything to the candidate by one write, and back by one", async ({ newPlace }) => {
      const place = await newPlace({ deployment: { replicas: 2 }, routes: [] });
      const { serving } = place;
      await serving.apply("candidate", fraud("2"));
      await serving.split(0.5, 0);
      await serving.split(1, 0);
      expect(await place.endpoints("fraud")).toEqual(await place.podNames("ml-release.dev/arm=candidate"));
      expect((await serving.current()).share).toBe(1);
      await serving.promote();
      expect((await place.get("services", "fraud")).spec.selector).toEqual({ app: "fraud" });
      expect(await serving.current()).toMatchObject({ share: 0, stable: { model: fraud("2") } });
      expect(await place.leftovers()).toEqual([]);
    });

    it("refuses a share of less than one pod", async ({ newPlace }) => {
      const place = await newPlace({ deployment: { replicas: 2 }, routes: [] });
      await place.serving.apply("candidate", fraud("2"));
      await expect(place.serving.split(0.1, 0)).rejects.toThrow(/\[REFUSED\] a share is made of whole parts/);
    });
  });

  describe("before anything is started", () => {
    it("names each rule that the account lacks, and does everything as an account that has them", async ({
      newPlace,
    }) => {
      const place = await newPlace();
      const token = await cluster.accountToken(place.namespace, "ml-release");
      const serving = fraudServing(await connectionTo(cluster, place.namespace, { token }));
      const denied = await serving.check(fraud("2"));
      expect(denied.map(({ hint }) => hint)).toContain(
        `add to a Role in ${place.namespace} of this account: - { apiGroups: ["gateway.networking.k8s.io"], resources: [httproutes], verbs: [list, patch] }`,
      );
      await applyRole(cluster, "deploy-model-deployment.yaml", place.namespace);
      await until("the role to be known", async () => (await serving.check(fraud("2"))).length === 0);
      await serving.apply("candidate", fraud("2"));
      await serving.split(0.5, 0);
      await serving.split(1, 0);
      await serving.promote();
      expect(await place.fresh().current()).toMatchObject({ share: 0, stable: { model: fraud("2") } });
      expect(await place.leftovers()).toEqual([]);
    });

    it("does everything by pods, too, as an account that has no other rules", async ({ newPlace }) => {
      const place = await newPlace({ routes: [] });
      await cluster.apply(fraudAutoscaler({ min: 1, max: 4 }), place.namespace);
      const token = await cluster.accountToken(place.namespace, "ml-release");
      await applyRole(cluster, "deploy-model-deployment.yaml", place.namespace);
      const serving = fraudServing(await connectionTo(cluster, place.namespace, { token }));
      await until("the role to be known", async () => (await serving.check(fraud("2"))).length === 0);
      await serving.apply("candidate", fraud("2"));
      for (const share of [0.5, 1]) await serving.split(share, 0);
      await serving.promote();
      expect(await place.fresh().current()).toMatchObject({ share: 0, stable: { model: fraud("2") } });
    });

    it("finds what is wrong with the target, and changes nothing", async ({ newPlace }) => {
      const place = await newPlace();
      expect(await place.serving.check(fraud("2"))).toEqual([]);
      expect(rulesOf(await place.fresh({ name: "froud" }).check(fraud("2")))).toContain(
        "no Deployment froud in the namespace",
      );
      expect(rulesOf(await place.fresh({ service: "edge" }).check(fraud("2")))).toContain(
        "no Service edge in the namespace",
      );
      expect(rulesOf(await place.fresh({ container: "main" }).check(fraud("2")))).toContain(
        "main, which is none of server",
      );
      const backendRefs = [
        { name: "fraud", port: 80, weight: 0 },
        { name: "old", port: 80, weight: 0 },
      ];
      await place.patch("httproutes", "fraud", { spec: { rules: [{ backendRefs }] } });
      expect(rulesOf(await place.serving.check(fraud("2")))).toContain("must add up to more than 0");
      await cluster.apply(fraudDeployment().replaceAll('"fraud"', '"fraud-candidate"'), place.namespace);
      expect(rulesOf(await place.serving.check(fraud("2")))).toContain("fraud-candidate must be free");
      await expect(place.serving.apply("candidate", fraud("2"))).rejects.toThrow(/\[CONFLICT\]/);
    });

    it("says what it would change, and what it stands on", async ({ newPlace }) => {
      const place = await newPlace({ routes: [], deployment: { replicas: 3 } });
      const { changes, notes } = await place.serving.preview(fraud("2"));
      expect(changes).toContainEqual({
        what: "Deployment fraud, container server, MODEL_URI",
        from: "s3://models/fraud/1",
        to: "s3://models/fraud/2",
      });
      expect(notes.join()).toContain("at least 25 %");
      expect(await place.leftovers()).toEqual([]);
    });
  });

  describe("in place", () => {
    it("rolls, and rolls back to the former template where the new pods do not come up", async ({ newPlace }) => {
      const place = await newPlace();
      const serving = place.fresh({ strategy: "rolling" });
      await serving.apply("stable", fraud("2"));
      expect((await serving.current()).stable?.model).toEqual(fraud("2"));
      const before = (await place.get("deployments", "fraud")).spec.template;
      const missing = place.fresh({ strategy: "rolling", marks: played({ waiting: "ErrImagePull" }) });
      await expect(missing.apply("stable", fraud("3"))).rejects.toThrow(/3 was taken back/);
      expect((await place.get("deployments", "fraud")).spec.template).toEqual(before);
      expect(await serving.current()).toMatchObject({ stable: { model: fraud("2"), runs: { ready: 2, wanted: 2 } } });
    });
  });
});

/** What the kubelet plays with the pods of a version. */
function played(pods: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(pods).map(([key, value]) => [`kubelet.test/${key}`, value]));
}

/** As a step that is run again. */
async function again(act: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE", "CONFLICT") || tries > 5) throw error;
    }
  }
}

function rulesOf(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}
