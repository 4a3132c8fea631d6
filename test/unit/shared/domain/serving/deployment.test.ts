import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import type { DeploymentGoal } from "../../../../../actions/shared/domain/serving/deployment.ts";
import { fraud } from "../../../../support/deployment-target.ts";
import { type SimulatedOptions, simulatedDeployment } from "../../../../support/simulated-deployment.ts";

const STAGE: DeploymentGoal = { goal: "stage", model: fraud("2") };
const share = (part: number): DeploymentGoal => ({ goal: "share", share: part });
const PROMOTE: DeploymentGoal = { goal: "promote" };
const REMOVE: DeploymentGoal = { goal: "remove" };

const BORROW: DeploymentGoal = { ...STAGE, room: "borrow" };

const KINDS: readonly (readonly [string, SimulatedOptions, DeploymentGoal])[] = [
  ["by one HTTPRoute", {}, STAGE],
  ["by two HTTPRoutes", { routes: ["fraud", "legacy"] }, STAGE],
  ["with an autoscaler", { replicas: 3, autoscaler: { min: 1, max: 6 } }, STAGE],
  ["with GPUs", { gpus: 1 }, STAGE],
  ["by pods", { routes: [], replicas: 3 }, STAGE],
  ["by pods, with an autoscaler", { routes: [], replicas: 3, autoscaler: { min: 2, max: 6 } }, STAGE],
  ["in the room of one of two pods", { gpus: 1, replicas: 2 }, BORROW],
  ["in the room of pods of stable", { gpus: 1, replicas: 5 }, BORROW],
  ["in the room of pods of stable, with an autoscaler", { replicas: 4, autoscaler: { min: 2, max: 6 } }, BORROW],
];

describe("a rollout of a Deployment", () => {
  it("makes a candidate that gets nothing, then gives it what was asked for, and no write gives it more", () => {
    const world = simulatedDeployment({ replicas: 4 });
    world.run(STAGE);
    expect(world.shares.every((one) => one === 0)).toBe(true);
    world.run(share(0.25));
    world.run(share(0.5));
    expect(Math.max(...world.shares)).toBe(0.5);
    expect(world.state().candidate?.replicas).toBe(2);
  });

  it("does nothing where everything is as it should be", () => {
    const world = simulatedDeployment();
    world.run(STAGE);
    world.run(share(0.1));
    expect([world.run(share(0.1)), simulatedDeployment().run(REMOVE)].map((acts) => acts.map((act) => act.do))).toEqual(
      [["done"], ["done"]],
    );
  });

  it.each([
    ["by routes", {}],
    ["by pods", { routes: [] }],
  ] as const)(
    "waits for no pod that is away while the share is in force, %s, but does before it promotes",
    (_, options) => {
      const world = simulatedDeployment(options);
      for (const goal of [STAGE, share(0.5), share(1)]) world.run(goal);
      world.edit((objects) => {
        objects.candidate = { ...objects.candidate, status: { observedGeneration: 1, replicas: 0 } };
      });
      expect(world.run(share(1))).toEqual([{ do: "done" }]);
      expect(world.run(PROMOTE)[0]).toEqual({ do: "wait-rollout", arm: "candidate" });
    },
  );

  it("changes the version while the candidate has everything, sends everything back, and only then takes the candidate away", () => {
    const world = simulatedDeployment({ replicas: 2 });
    for (const goal of [STAGE, share(1)]) world.run(goal);
    const writes = world.run(PROMOTE).map((act) => act.do);
    expect(writes.filter((one) => !one.startsWith("wait-"))).toEqual([
      "promote-template",
      "patch-route",
      "drain",
      "delete-candidate",
      "delete-service",
      "done",
    ]);
  });

  it("lowers by one write for each object that splits, before anything else", () => {
    const routed = simulatedDeployment();
    for (const goal of [STAGE, share(0.5)]) routed.run(goal);
    expect(routed.run(REMOVE)[0]).toMatchObject({ do: "patch-route", route: "fraud" });
    const pods = simulatedDeployment({ routes: [], replicas: 2 });
    for (const goal of [STAGE, share(0.5)]) pods.run(goal);
    expect(pods.run(REMOVE)[0]).toEqual({ do: "scale-candidate", replicas: 0 });
  });

  it("lets pods that hold GPUs go before their successors come, and gives the strategy back", () => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    const world = simulatedDeployment({ gpus: 1, strategy });
    for (const goal of [STAGE, share(1)]) world.run(goal);
    world.run(PROMOTE, { writes: 1 });
    expect((world.objects().stable.spec as KubeObject).strategy).toEqual({ type: "Recreate" });
    world.run(PROMOTE);
    expect((world.objects().stable.spec as KubeObject).strategy).toEqual(strategy);
  });

  it("holds where the stable template is not the one that the candidate was made from", () => {
    const world = simulatedDeployment();
    world.run(STAGE);
    world.edit((objects) => {
      const { template, ...spec } = objects.stable.spec as { readonly template: KubeObject };
      const changed = { ...template, spec: { ...(template.spec as KubeObject), hostNetwork: true } };
      objects.stable = { ...objects.stable, spec: { ...spec, template: changed } };
    });
    for (const goal of [share(0.1), PROMOTE])
      expect(world.run(goal)).toMatchObject([{ do: "refuse", code: "CONFLICT" }]);
    expect(world.run(REMOVE).at(-1)).toEqual({ do: "done" });
  });

  it("puts a version with the bytes of the one that serves in its place too: its image may be another", () => {
    const again = { ...fraud("1"), version: "2" };
    const world = simulatedDeployment();
    for (const goal of [{ goal: "stage", model: again } as const, share(0.5), share(1), PROMOTE]) world.run(goal);
    expect(world.state()).toMatchObject({ stable: { model: again }, candidate: undefined });
  });

  it("puts the version into the Deployment itself, where that is the strategy, and its own way to update back", () => {
    const strategy = { type: "RollingUpdate" };
    const world = simulatedDeployment({ strategy });
    const acts = world.run({ goal: "roll", model: fraud("2") }).map((act) => act.do);
    expect(acts).toEqual(["roll-template", "wait-rollout", "restore-strategy", "wait-rollout", "done"]);
    expect(world.state().stable.model).toEqual(fraud("2"));
    expect((world.objects().stable.spec as KubeObject).strategy).toEqual(strategy);
  });

  describe("in the room of pods of stable", () => {
    it("asks for as many pods as stable had, and never for more, until stable has its own back", () => {
      const world = simulatedDeployment({ replicas: 4, gpus: 1 });
      for (const goal of [BORROW, share(0.25), share(0.5), share(1)]) world.run(goal);
      const { stable, candidate } = world.state();
      expect([stable.replicas, candidate?.replicas]).toEqual([1, 3]);
      world.run(PROMOTE);
      expect(world.sizes.every((size) => size === 3 || size === 4)).toBe(true);
      expect(world.state().stable).toMatchObject({ replicas: 4, loan: undefined, model: fraud("2") });
    });

    it("takes a pod of stable before the candidate comes, and gives it back when the candidate has gone", () => {
      const world = simulatedDeployment({ replicas: 2 });
      const before = world.run(BORROW).map((act) => act.do);
      expect(before.slice(0, 2)).toEqual(["lend", "create-candidate"]);
      world.run(share(0.5));
      const after = world.run(REMOVE).map((act) => act.do);
      expect(after.filter((one) => !one.startsWith("wait-"))).toEqual([
        "patch-route",
        "drain",
        "delete-candidate",
        "return-loan",
        "delete-service",
        "done",
      ]);
    });

    it("shifts traffic before each pod, so that no pod has more than the one that is missing adds", () => {
      const world = simulatedDeployment({ replicas: 4 });
      for (const goal of [BORROW, share(0.25)]) world.run(goal);
      const before = world.shares.length;
      world.run(share(1));
      const raised = [...new Set(world.shares.slice(before))].map((one) => Number(one.toFixed(3)));
      expect(raised).toEqual([0.333, 0.667, 1]);
    });

    it("keeps the size that stable had before its autoscaler is told another", () => {
      const world = simulatedDeployment({ replicas: 3, autoscaler: { min: 1, max: 5 } });
      expect(world.run(BORROW).map((act) => act.do)).toEqual(
        expect.arrayContaining(["note-loan", "hold-size", "lend", "create-candidate"]),
      );
      expect(world.state().autoscaler).toEqual({ min: 2, max: 2, isHeld: true });
      world.run(REMOVE);
      expect(world.state().autoscaler).toEqual({ min: 1, max: 5, isHeld: false });
      expect(world.state().stable).toMatchObject({ replicas: 3, loan: undefined });
    });

    it("holds where somebody else scaled stable meanwhile, and leaves it so", () => {
      const world = simulatedDeployment({ replicas: 4 });
      for (const goal of [BORROW, share(0.25)]) world.run(goal);
      world.edit((objects) => {
        objects.stable = { ...objects.stable, spec: { ...(objects.stable.spec as KubeObject), replicas: 6 } };
      });
      expect(world.run(share(0.25))).toEqual([{ do: "done" }]);
      expect(world.run(share(1)).at(-1)).toMatchObject({ do: "refuse", code: "CONFLICT" });
      world.run(REMOVE);
      expect(world.state().stable).toMatchObject({ replicas: 6, loan: undefined });
    });

    it.each([
      ["the only pod", { replicas: 1 }, "1 pod of stable"],
      ["pods that make the share themselves", { routes: [], replicas: 3 }, "no HTTPRoute"],
    ])("does not take %s", (_, options, saw) => {
      const world = simulatedDeployment(options);
      expect(world.run(BORROW)).toMatchObject([{ do: "refuse", code: "REFUSED", saw }]);
      expect(world.shares).toEqual([]);
    });
  });

  describe.each(KINDS)("killed after any write, %s", (_, options, stage) => {
    const course = [stage, share(0.5), share(1), PROMOTE];
    const writes = simulatedDeployment(options);
    for (const goal of course) writes.run(goal);
    const points = Array.from({ length: writes.shares.length + 1 }, (_point, point) => point);

    it.each(points)("%i: everything goes back to stable, or the promotion is finished", (point) => {
      const { world, last } = killedAt(options, course, point);
      const asked = last.goal === "share" ? last.share : last.goal === "promote" ? 1 : 0;
      const before = world.shares.length;
      expect(world.shares.at(-1) ?? 0).toBeLessThanOrEqual(Math.max(asked, 0));
      const isDecided = last.goal === "promote";
      world.run(isDecided ? PROMOTE : REMOVE);
      if (!isDecided) expect(world.shares.slice(before)).toEqual(world.shares.slice(before).toSorted((a, b) => b - a));
      expect(ending(world)).toEqual({
        ...cleared(options),
        version: isDecided ? "2" : "1",
      });
      if (stage === BORROW) expect(Math.max(...world.sizes, 0)).toBeLessThanOrEqual(options.replicas ?? 0);
    });

    it("goes on to the end where it is run again", () => {
      for (const point of points) {
        const { world } = killedAt(options, course, point);
        for (const goal of course) world.run(goal);
        expect(ending(world)).toEqual({ ...cleared(options), version: "2" });
      }
    });
  });
});

/** A rollout that was ended before its n-th write, and what it was about to reach. */
function killedAt(options: SimulatedOptions, course: readonly DeploymentGoal[], point: number) {
  const world = simulatedDeployment(options);
  let last: DeploymentGoal = STAGE;
  for (const goal of course) {
    last = goal;
    const acts = world.run(goal, { writes: point - world.shares.length });
    if (acts.at(-1)?.do !== "done") break;
  }
  return { world, last };
}

function ending(world: ReturnType<typeof simulatedDeployment>) {
  const { candidate, candidateService, isPinned, autoscaler, routes, stable, pods } = world.state();
  return {
    share: world.shares.at(-1) ?? 0,
    version: stable.model?.version,
    left: [candidate, candidateService, ...pods].filter((one) => one !== undefined).length,
    isPinned,
    floor: autoscaler,
    isStrategyHeld: stable.isStrategyHeld,
    size: [stable.replicas, stable.loan],
    routes: routes.map(({ rules, former }) => [former, rules.map(({ refs }) => refs.map((ref) => ref.name))]),
  };
}

function cleared({ routes = ["fraud"], autoscaler, replicas = 2 }: SimulatedOptions) {
  return {
    share: 0,
    left: 0,
    isPinned: false,
    floor: autoscaler === undefined ? undefined : { ...autoscaler, isHeld: false },
    isStrategyHeld: false,
    size: [replicas, undefined],
    routes: routes.map(() => [undefined, [["fraud"], ["fraud"]]]),
  };
}
