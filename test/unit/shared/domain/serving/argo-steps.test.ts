import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import {
  formatStop,
  hasDarkStart,
  podsBeside,
  ratioShare,
  sharesOf,
  stepProblems,
  stepsOf,
} from "../../../../../actions/shared/domain/serving/argo-steps.ts";
import { digitsRollout, type RolloutOptions } from "../../../../support/rollout-target.ts";

const rollout = (options: RolloutOptions = {}) => JSON.parse(digitsRollout(options)) as KubeObject;
const stop = { pause: {} };
const weight = (setWeight: number) => ({ setWeight });
const ROUTED = { trafficRouting: { plugins: {} } };

it.each([
  ["all of them again, where a router splits", { canary: ROUTED }, 4],
  ["what a step adds, where stable shrinks meanwhile", { canary: { ...ROUTED, dynamicStableScale: true } }, 2],
  ["what may surge, where pods make the share", { canary: { maxSurge: "50%", maxUnavailable: 0 } }, 2],
  ["none, where one of stable may go first", { canary: { maxSurge: 1, maxUnavailable: 1 } }, 0],
])("the pods beside those of stable are %s", (_, options, pods) => {
  expect(podsBeside(rollout({ replicas: 4, ...options }))).toBe(pods);
});

describe("the steps of a Rollout", () => {
  it("give the shares at which it waits for us, once each, without nothing and everything", () => {
    const steps = [weight(0), stop, weight(10), stop, stop, weight(50), { analysis: {} }, stop, weight(100), stop];
    const read = stepsOf(rollout({ steps, canary: ROUTED }));
    expect(read.stops.map(({ step, share }) => [step, share])).toEqual([
      [1, 0],
      [3, 0.1],
      [4, 0.1],
      [7, 0.5],
      [9, 1],
    ]);
    expect(sharesOf(read)).toEqual([0.1, 0.5]);
    expect(read.own).toEqual(["analysis"]);
    expect(hasDarkStart(read)).toBe(true);
    expect(stepProblems(rollout({ steps, canary: ROUTED }))).toEqual([]);
  });

  it("are parts of another whole where the router has one", () => {
    const canary = { trafficRouting: { maxTrafficWeight: 1_000 } };
    expect(sharesOf(stepsOf(rollout({ steps: [weight(5), stop], canary })))).toEqual([0.005]);
  });

  it("begin dark only where the first pause comes before any weight", () => {
    expect(hasDarkStart(stepsOf(rollout()))).toBe(false);
    expect(hasDarkStart(stepsOf(rollout({ steps: [stop, weight(25), stop] })))).toBe(true);
  });

  it.each([
    [{ replicas: 10, maxSurge: 0 }, 10, 0.1],
    // never none of either
    [{ replicas: 10, maxSurge: 0 }, 1, 0.1],
    [{ replicas: 4, maxSurge: 0 }, 99, 0.75],
    [{ replicas: 4, maxSurge: 1 }, 99, 0.8],
    // the nearer of two
    [{ replicas: 4, maxSurge: 1 }, 10, 0.2],
    [{ replicas: 5, maxSurge: 2 }, 30, 1 / 3],
    // a tie goes up
    [{ replicas: 3, maxSurge: 0 }, 50, 2 / 3],
    [{ replicas: 3, maxSurge: 1 }, 50, 0.5],
    // one pod is all or nothing, unless it may surge
    [{ replicas: 1, maxSurge: 1 }, 10, 0.5],
    [{ replicas: 1, maxSurge: 0 }, 10, 0],
    [{ replicas: 1, maxSurge: 0 }, 90, 1],
    [{ replicas: 0, maxSurge: 1 }, 50, 0],
    [{ replicas: 4, maxSurge: 1 }, 0, 0],
    [{ replicas: 4, maxSurge: 1 }, 100, 1],
  ])("of %j make of a weight of %d a share of %d", (counts, asked, share) => {
    expect(ratioShare(asked, counts)).toBeCloseTo(share, 12);
  });

  it("take the pods that there were when the rollout began, however many there are now", () => {
    expect(sharesOf(stepsOf(rollout({ replicas: 20, steps: [weight(10), stop] })))).toEqual([0.1]);
    expect(sharesOf(stepsOf(rollout({ replicas: 20, steps: [weight(10), stop] }), 4))).toEqual([0.2]);
    expect(sharesOf(stepsOf(rollout({ replicas: 4, steps: [weight(10), stop], canary: { maxSurge: 0 } })))).toEqual([
      0.25,
    ]);
  });

  it("say where whole pods make something else of a weight", () => {
    const read = stepsOf(rollout({ steps: [weight(10), stop, weight(25), stop] }));
    expect(read.stops.map((one) => formatStop(one, read))).toEqual([
      "20 % (setWeight: 10, rounded to whole pods)",
      "25 %",
    ]);
  });

  it.each<readonly [string, RolloutOptions, readonly [string, string]]>([
    ["it has another strategy", { strategy: { blueGreen: {} } }, ["must have the strategy canary", "blueGreen"]],
    [
      "its template is somewhere else",
      { workloadRef: { kind: "Deployment", name: "digits" } },
      ["must hold its own pod template", "spec.workloadRef to Deployment digits"],
    ],
    ["it has no steps", { steps: [] }, ["must stop at a part of the traffic", "no steps"]],
    [
      "it never stops between nothing and everything",
      { steps: [weight(0), stop, weight(100)] },
      ["must stop at a part", "no setWeight between"],
    ],
    [
      "a weight has no pause",
      { steps: [weight(20), weight(50), stop] },
      ["steps[0] (setWeight: 20) must be followed", "setWeight: 50"],
    ],
    [
      "the last weight has no pause",
      { steps: [weight(20), stop, weight(50)] },
      ["steps[2] (setWeight: 50) must", "the end of the steps"],
    ],
    [
      "a pause ends by itself",
      { steps: [weight(20), { pause: { duration: "10m" } }] },
      ["without a duration", "pause: 10m"],
    ],
    [
      "its weights fall",
      { steps: [weight(50), stop, weight(20), stop], canary: ROUTED },
      ["the weights of Rollout digits must rise", "setWeight: 20"],
    ],
    [
      "it has too few pods",
      { replicas: 1, canary: { maxSurge: 0 } },
      ["must have enough pods to be split", "1 replicas and no traffic router"],
    ],
  ])("are refused where %s", (_, options, [rule, saw]) => {
    const [problem, ...more] = stepProblems(rollout(options));
    expect(problem).toMatchObject({
      rule: expect.stringContaining(rule),
      saw: expect.stringContaining(saw),
      where: { input: "target" },
    });
    expect(problem?.hint).toBeTruthy();
    expect(more).toEqual([]);
  });

  it("may pause for a while before they wait for us", () => {
    const steps = [weight(25), { pause: { duration: 60 } }, { setHeaderRoute: {} }, stop];
    expect(stepProblems(rollout({ steps }))).toEqual([]);
    expect(stepsOf(rollout({ steps })).own).toEqual(["pause: 60", "setHeaderRoute"]);
  });
});
