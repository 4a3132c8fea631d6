import { beforeAll, describe, expect, it } from "vitest";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { ownAddress } from "../support/cluster/exposed-service.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { logInto } from "../support/logs.ts";
import { startReachable } from "../support/reachable-server.ts";
import {
  digits,
  digitsRollout,
  digitsServing,
  ROUTED,
  type RolloutOptions,
  routedObjects,
} from "../support/rollout-target.ts";

describe.skipIf(await lacksCluster())("a rollout by the controller of Argo Rollouts", { concurrent: true }, () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

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

  it.each([
    ["before any share", []],
    ["at its first pause", [0.25]],
    ["at its last pause", [0.25, 0.5]],
    ["with all of the traffic, where nothing is left to abort", [0.25, 0.5, 1]],
  ])("goes back %s", async (_, shares) => {
    const place = await newPlace();
    const { serving } = place;
    const before = (await place.rollout()).spec.template;
    await serving.apply("candidate", digits("2"));
    for (const share of shares) await serving.split(share, 0);
    await serving.split(0, 0);
    expect(await serving.current()).toMatchObject({ share: 0, stable: { model: digits("1") } });
    expect(Object.keys(await place.podsOf())).toEqual(["1"]);
    await serving.remove();
    await serving.remove();
    await place.expectFormer(before);
  });

  it("waits with all of the traffic where its steps end with a pause, and is aborted from there", async () => {
    const place = await newPlace({ steps: [{ setWeight: 50 }, { pause: {} }, { setWeight: 100 }, { pause: {} }] });
    const { serving } = place;
    const before = (await place.rollout()).spec.template;
    expect(await serving.shares?.()).toEqual([0.5]);
    await serving.apply("candidate", digits("2"));
    await serving.split(0.5, 0);
    await serving.split(1, 0);
    expect((await place.rollout()).status).toMatchObject({ phase: "Paused", currentStepIndex: 3 });
    expect(await serving.current()).toMatchObject({ share: 1, candidate: { runs: { ready: 4 } } });
    await serving.split(0, 0);
    expect((await place.rollout()).status).toMatchObject({ abort: true });
    await serving.remove();
    await place.expectFormer(before);
  });

  it("does one canary after the other, and promotes one that still has pauses before it", async () => {
    const place = await newPlace();
    const { serving } = place;
    for (const version of ["2", "3"]) {
      await serving.apply("candidate", digits(version));
      await serving.split(0.25, 0);
      await serving.promote();
      expect(await serving.current()).toMatchObject({ share: 0, stable: { model: digits(version) } });
      expect(await place.podsOf()).toEqual({ [version]: 4 });
    }
    const before = (await place.rollout()).spec.template;
    await serving.apply("candidate", digits("4"));
    await serving.split(0.25, 0);
    await serving.remove();
    await place.expectFormer(before);
    expect(await place.podsOf()).toEqual({ "3": 4 });
  });

  it("has the candidate up and asked by itself before its first share, where a traffic router splits", async ({
    onTestFinished,
  }) => {
    const server = await startReachable((path) => ({ status: path === "/v2/health/ready" ? 200 : 404, text: path }));
    onTestFinished(server.stop);
    const place = await newPlace(
      {
        pods: { "pod-ip": ownAddress() ?? "" },
        port: server.port,
        steps: [
          { setCanaryScale: { replicas: 1 } },
          { pause: {} },
          { setWeight: 5 },
          { pause: {} },
          { setWeight: 40 },
          { pause: {} },
        ],
        canary: ROUTED,
      },
      routedObjects(),
    );
    const { serving } = place;
    const before = (await place.rollout()).spec.template;
    expect(await serving.check(digits("2"))).toEqual([]);
    expect(await serving.shares?.()).toEqual([0.05, 0.4]);
    const candidate = await serving.apply("candidate", digits("2"));
    expect(candidate).toMatchObject({ runs: { ready: 1, wanted: 1 } });
    expect(await serving.current()).toMatchObject({ share: 0, candidate: { model: digits("2") } });
    expect(await candidate.ask("/v2/health/ready")).toMatchObject({ status: 200, text: "/v2/health/ready" });
    expect(await candidate.ask("/v2/nothing", "{}")).toMatchObject({ status: 404 });
    await expect(candidate.ask("/../../secrets")).rejects.toThrow("REFUSED");

    await serving.split(0.05, 0);
    expect(await place.weight()).toBe("5");
    expect(await serving.arms()).toMatchObject({
      candidate: { service: "candidate" },
      stable: { service: "stable" },
    });
    await serving.split(0.4, 0);
    expect(await place.weight()).toBe("40");
    expect(await serving.current()).toMatchObject({ share: 0.4 });
    await serving.split(0, 0);
    expect(await place.weight()).toBe("0");
    await serving.remove();
    await place.expectFormer(before);

    await serving.apply("candidate", digits("3"));
    await serving.split(0.4, 0);
    await serving.split(1, 0);
    expect(await serving.current()).toMatchObject({ share: 1 });
    await serving.promote();
    expect(await serving.current()).toMatchObject({ share: 0, stable: { model: digits("3") } });
  });

  it("says what a person's abort is, and what an analysis found", async ({ onTestFinished }) => {
    const metric = await startReachable(() => ({ status: 200, text: JSON.stringify({ rate: 0.4 }) }));
    onTestFinished(metric.stop);
    const [byHand, byAnalysis] = await Promise.all([
      newPlace(),
      newPlace(
        {
          steps: [
            { setWeight: 25 },
            { pause: {} },
            { analysis: { templates: [{ templateName: "errors" }] } },
            { setWeight: 50 },
            { pause: {} },
          ],
        },
        [analysisTemplate(`http://127.0.0.1:${metric.port}/`)],
      ),
    ]);
    await byHand.serving.apply("candidate", digits("2"));
    await byHand.serving.split(0.25, 0);
    await byHand.patch({ status: { abort: true } }, "/status");
    await until("the abort", async () => (await byHand.serving.current()).share === 0);
    expect((await byHand.serving.current()).candidate?.ended).toContain("RolloutAborted");
    await expect(byHand.serving.split(0.5, 0)).rejects.toThrow(/CONFLICT.*was aborted by somebody else/);
    await byHand.serving.remove();
    expect(await byHand.podsOf()).toEqual({ "1": 4 });

    await byAnalysis.serving.apply("candidate", digits("2"));
    await byAnalysis.serving.split(0.25, 0);
    await expect(byAnalysis.serving.split(0.5, 0)).rejects.toThrow(
      /COMMAND.*aborted the candidate.*AnalysisRun digits-\S+ Failed: .*metric rate Failed with 0\.4/,
    );
    expect((await byAnalysis.serving.current()).candidate?.ended).toContain("with 0.4");
    expect(byAnalysis.told.join("\n")).toMatch(/AnalysisRun digits-\S+: (Running|Failed)/);
    await byAnalysis.serving.remove();
  });

  it("holds at what somebody else did to it", async () => {
    const [goneOn, changed, promoted] = await Promise.all([newPlace(), newPlace(), newPlace()]);
    for (const { serving } of [goneOn, changed, promoted]) {
      await serving.apply("candidate", digits("2"));
      await serving.split(0.25, 0);
    }
    await goneOn.patch({ status: { pauseConditions: null } }, "/status");
    await until("the next pause", async () => (await goneOn.serving.current()).share === 0.5);
    await expect(goneOn.serving.split(0.25, 0)).rejects.toThrow(/CONFLICT.*gives the candidate 50 %/);

    await changed.patch({ spec: { template: { metadata: { annotations: { "example.test/by": "hand" } } } } });
    await expect(changed.serving.split(0.5, 0)).rejects.toThrow(/CONFLICT.*another pod template than the candidate's/);
    await changed.serving.remove();
    expect(await changed.podsOf()).toEqual({ "1": 4 });

    await promoted.patch({ status: { promoteFull: true } }, "/status");
    await until("its promotion", async () => (await promoted.rollout()).status.phase === "Healthy");
    await expect(promoted.serving.split(0.25, 0)).rejects.toThrow(/CONFLICT.*promoted by somebody else/);
    await promoted.serving.remove();
    expect(await promoted.podsOf()).toEqual({ "1": 4 });
  });

  it("takes back what was told to be promoted fully, which an abort alone does not", async () => {
    // Pods that never become ready keep it from being over.
    const place = await newPlace();
    await place.playCanary({ "ready-after": "10m" });
    const before = (await place.rollout()).spec.template;
    await expect(digitsServing(place.connection, { readyTimeoutMs: 1_500 }).split(0.25, 0)).rejects.toThrow("REFUSED");
    const hasty = digitsServing(place.connection, { readyTimeoutMs: 1_500 });
    await hasty.apply("candidate", digits("2"));
    await expect(hasty.split(0.25, 0)).rejects.toThrow(/TIMEOUT.*must move on within.*pod digits-/);
    await place.patch({ status: { promoteFull: true } }, "/status");
    await place.serving.remove();
    await place.expectFormer(before);
  });

  it("ends a candidate at once whose pods cannot live, with the end of their log", async () => {
    const [crashing, unpulled, late] = await Promise.all([newPlace(), newPlace(), newPlace()]);
    await crashing.playCanary({ "exit-code": "3", log: "loading\nno such model\n" });
    await unpulled.playCanary({ waiting: "ErrImagePull" });
    await late.playCanary({ "exit-code": "3", "run-time": "8s" });
    for (const { serving } of [crashing, unpulled, late]) await serving.apply("candidate", digits("2"));
    await expect(crashing.serving.split(0.25, 0)).rejects.toThrow(
      /COMMAND.*CrashLoopBackOff.*exit code 3[\s\S]*no such model/,
    );
    await expect(unpulled.serving.split(0.25, 0)).rejects.toThrow(/COMMAND.*ErrImagePull.*not found/);
    // Ready, paused, and then it crashes: Argo does not look any more.
    await late.serving.split(0.25, 0);
    await until("the crash", async () => (await late.serving.current()).candidate?.ended !== undefined);
    expect((await late.rollout()).status.phase).toBe("Paused");
    for (const { serving, podsOf } of [crashing, unpulled, late]) {
      await serving.remove();
      expect(await podsOf()).toEqual({ "1": 4 });
    }
  });

  it("finds its way back where somebody paused it by hand, took its annotation away, or scaled it meanwhile", async () => {
    const [paused, unmarked, scaled] = await Promise.all([newPlace(), newPlace(), newPlace()]);
    for (const { serving } of [paused, unmarked, scaled]) {
      await serving.apply("candidate", digits("2"));
      await serving.split(0.25, 0);
    }
    await paused.patch({ spec: { paused: true } });
    await expect(paused.serving.split(0.5, 0)).rejects.toThrow(/CONFLICT.*waits for somebody else/);
    await unmarked.patch({ metadata: { annotations: { "ml-release.dev/former": null } } });
    await scaled.patch({ spec: { replicas: 8 } });
    await until("the new pods", async () => (await scaled.podsOf())["2"] === 2);
    expect(await scaled.serving.current()).toMatchObject({ share: 0.25 });
    await scaled.serving.split(0.5, 0);
    expect(await scaled.podsOf()).toEqual({ "1": 4, "2": 4 });
    for (const { serving, podsOf, rollout } of [paused, unmarked, scaled]) {
      await serving.remove();
      expect((await rollout()).status.phase).toBe("Healthy");
      expect(Object.keys(await podsOf())).toEqual(["1"]);
    }
  });

  it("serves a first version of ours, and replaces what is stable, without its steps", async () => {
    const place = await newPlace({ version: "" });
    expect((await place.serving.current()).stable).toBeUndefined();
    expect((await place.serving.preview(digits("1"))).notes.join()).toContain("does not say which version it serves");
    const served = await place.serving.apply("stable", digits("1"));
    expect(served).toMatchObject({ model: digits("1"), runs: { ready: 4 } });
    expect(await place.serving.current()).toMatchObject({ share: 0, stable: { model: digits("1") } });
    await place.serving.apply("stable", digits("1"));
    await place.serving.apply("stable", digits("2"));
    expect(await place.podsOf()).toEqual({ "2": 4 });
  });

  it("gives weights as pods exactly as the controller does", async () => {
    const cases = [
      { replicas: 1, weight: 10, surge: "25%" },
      { replicas: 2, weight: 10, surge: "25%" },
      { replicas: 3, weight: 50, surge: 0 },
      { replicas: 5, weight: 30, surge: 1 },
      { replicas: 7, weight: 33, surge: "25%" },
      { replicas: 10, weight: 5, surge: 0 },
    ];
    await Promise.all(
      cases.map(async ({ replicas, weight, surge }) => {
        const place = await newPlace({
          replicas,
          steps: [{ setWeight: weight }, { pause: {} }],
          canary: { maxSurge: surge, maxUnavailable: 1 },
        });
        const [share = 0] = (await place.serving.shares?.()) ?? [];
        await place.serving.apply("candidate", digits("2"));
        await place.serving.split(share, 0);
        const { "1": stable = 0, "2": candidate = 0 } = await place.podsOf();
        expect({ replicas, weight, surge, share: candidate / (candidate + stable) }).toEqual({
          replicas,
          weight,
          surge,
          share,
        });
      }),
    );
  });

  it("finds before anything is changed what would keep it from being rolled out", async () => {
    const place = await newPlace();
    const missing = digitsServing(place.connection, { name: "nothing" });
    expect(await missing.check(digits("2"))).toMatchObject([
      { saw: `no Rollout nothing in the namespace ${place.namespace}` },
    ]);
    const limited = digitsServing(await connectionTo(cluster, place.namespace, "limited"));
    expect(await limited.check(digits("2"))).toContainEqual(
      expect.objectContaining({
        rule: expect.stringContaining("may not patch rollouts/status.argoproj.io"),
        hint: expect.stringContaining('- { apiGroups: ["argoproj.io"], resources: [rollouts/status], verbs: [patch] }'),
      }),
    );
    const wrong = digitsServing(place.connection, { container: "model" });
    expect(await wrong.check(digits("2"))).toMatchObject([{ where: { input: "container" } }]);
    await place.patch({ spec: { template: { metadata: { annotations: { "example.test/by": "hand" } } } } });
    await until("an update that is not of ours", async () => (await place.rollout()).status.phase === "Paused");
    expect(await place.serving.check(digits("2"))).toMatchObject([
      { rule: "Rollout digits must be Healthy before a candidate begins" },
    ]);
    await expect(place.serving.apply("candidate", digits("2"))).rejects.toThrow("CONFLICT");
    await place.patch({
      spec: { strategy: { canary: { steps: [{ setWeight: 20 }, { pause: { duration: "1m" } }] } } },
    });
    expect(await place.serving.check(digits("2"))).toContainEqual(
      expect.objectContaining({
        rule: expect.stringContaining("must be followed by a pause without a duration"),
        saw: "pause: 1m",
      }),
    );
  });

  describe("killed at any write", () => {
    const half = { replicas: 2, steps: [{ setWeight: 50 }, { pause: {} }] };
    type Serving = ReturnType<typeof digitsServing>;
    const canary = async (serving: Serving) => {
      await serving.apply("candidate", digits("2"));
      await serving.split(0.5, 0);
    };

    it.each<readonly [string, number, (serving: Serving) => Promise<void>]>([
      [
        "a promotion",
        3,
        async (serving) => {
          await canary(serving);
          await serving.split(1, 0);
          await serving.promote();
        },
      ],
      [
        "a rollback",
        4,
        async (serving) => {
          await canary(serving);
          await serving.split(0, 0);
          await serving.remove();
        },
      ],
      [
        "a rollback with all of the traffic",
        5,
        async (serving) => {
          await canary(serving);
          await serving.split(1, 0);
          await serving.remove();
        },
      ],
    ])("of %s, is brought back by whoever comes next", async (_, writes, story) => {
      const points = Array.from({ length: writes }, (_one, done) => [`before ${done}`, `after ${done}`]).flat();
      const ends = await Promise.all(
        points.map(async (point) => {
          const place = await newPlace(half);
          const before = (await place.rollout()).spec.template;
          let asked = 0;
          const serving = digitsServing(mortal(place.connection, point));
          const split: Serving["split"] = (share, ms) => {
            asked = Math.max(asked, share);
            return serving.split(share, ms);
          };
          await expect(story({ ...serving, split }), point).rejects.toThrow("killed");
          const left = await place.serving.current();
          await place.serving.remove();
          const now = await place.serving.current();
          if (now.stable?.model.version === "1") await place.expectFormer(before);
          return {
            point,
            isWithinAsked: left.share <= asked,
            share: now.share,
            candidate: now.candidate?.model.version,
            kinds: Object.values(await place.podsOf()),
          };
        }),
      );
      expect(ends).toEqual(
        points.map((point) => ({ point, isWithinAsked: true, share: 0, candidate: undefined, kinds: [2] })),
      );
    });
  });

  /** A namespace with a Rollout that is Healthy, beside what it needs. */
  async function newPlace(options: RolloutOptions = {}, beside: readonly string[] = []) {
    const namespace = await cluster.namespace();
    for (const object of beside) await cluster.apply(object, namespace);
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
      serving: digitsServing(connection, { log: logInto(told) }),
      /** What the kubelet does with the pods of a candidate. */
      playCanary: (play: Readonly<Record<string, string>>) => {
        const annotations = Object.entries(play).map(([key, value]) => [`kubelet.test/${key}`, value]);
        const canaryMetadata = { annotations: Object.fromEntries(annotations) };
        return patch({ spec: { strategy: { canary: { canaryMetadata } } } });
      },
      /** The weight at the router. */
      weight: async () => {
        const ingress = await cluster.api.get(
          `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/digits-edge-canary`,
        );
        return ingress.metadata.annotations?.["nginx.ingress.kubernetes.io/canary-weight"];
      },
      /** As it was: the template, the pods, nothing of ours. */
      expectFormer: async (template: object) => {
        const { spec, status, metadata } = await rollout();
        expect(spec.template).toEqual(template);
        expect(status).toMatchObject({ phase: "Healthy", currentPodHash: status.stableRS });
        expect(metadata.annotations).not.toHaveProperty("ml-release.dev/former");
      },
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

function analysisTemplate(url: string): string {
  return JSON.stringify({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisTemplate",
    metadata: { name: "errors" },
    spec: {
      metrics: [{ name: "rate", successCondition: "result < 0.1", provider: { web: { url, jsonPath: "{$.rate}" } } }],
    },
  });
}

/** A way to the cluster of a process that dies `before` the write that follows so many, or `after` it, when its answer has not been seen. */
function mortal(connection: KubeConnection, point: string): KubeConnection {
  const [when, count] = point.split(" ");
  let done = 0;
  let isDead = false;
  const send: KubeConnection["send"] = async (wanted) => {
    const isWrite = (wanted.method ?? "GET") !== "GET";
    isDead ||= isWrite && when === "before" && done === Number(count);
    if (isDead) throw new Error("killed");
    const answer = await connection.send(wanted);
    if (!isWrite || answer.status >= 300) return answer;
    isDead = when === "after" && done === Number(count);
    done++;
    if (isDead) throw new Error("killed");
    return answer;
  };
  return { ...connection, send };
}
