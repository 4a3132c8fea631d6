import { describe, expect, test } from "vitest";
import { checkExposure } from "../../../../../actions/shared/domain/rollout/exposure.ts";
import type { LookState, Verdict } from "../../../../../actions/shared/domain/rollout/judge.ts";
import {
  nextStep,
  type Rollout,
  type RolloutPolicy,
  type Step,
} from "../../../../../actions/shared/domain/rollout/rollout.ts";

const policyOf = (rules: Partial<RolloutPolicy> = {}): RolloutPolicy => ({
  shares: [0.05, 0.25, 0.5],
  lookMs: 5_000,
  stepMs: 60_000,
  maxStepMs: 300_000,
  bakeMs: 30_000,
  minRequests: 100,
  onNoData: "hold",
  onInconclusive: "hold",
  ...rules,
});

const rolloutAt = (at: Partial<Rollout> = {}): Rollout => ({
  phase: "canary",
  step: 0,
  waitedMs: 10_000,
  requests: 500,
  exposure: checkExposure(0.05, { candidate: 50, stable: 950 }),
  ...at,
});

const series: Verdict["series"] = [
  {
    name: "errors",
    counts: { candidate: { n: 500, bad: 0 }, stable: { n: 500, bad: 0 } },
    fail: 0,
    pass: 0,
    ceiling: 0,
    neededToFail: 3,
    neededToPass: 3,
  },
];
const verdictOf = (state: LookState): Verdict => ({ state, reasons: [], series, watched: [], warnings: [] });

const breached = checkExposure(0.05, { candidate: 500, stable: 500 });

type Row = readonly [string, Partial<Rollout>, LookState, Partial<RolloutPolicy>, Partial<Step>];

describe("what comes next", () => {
  test.each<Row>([
    ["an alarm rolls back at once", { requests: 0, waitedMs: 1 }, "fail", {}, { do: "rollback" }],
    ["an alarm is stronger than a breach of exposure", { exposure: breached }, "fail", {}, { do: "rollback" }],
    ["traffic that does not follow holds", { exposure: breached }, "pass", {}, { do: "hold" }],
    ["proof goes on before the step is over", {}, "pass", {}, { do: "shift", step: 1, share: 0.25 }],
    ["proof alone is not enough requests", { requests: 99 }, "pass", {}, { do: "wait", ms: 5_000 }],
    ["proof in the last step promotes", { step: 2 }, "pass", {}, { do: "promote" }],
    ["no proof waits", {}, "continue", {}, { do: "wait", ms: 5_000 }],
    [
      "no alarm for the whole step goes on",
      { waitedMs: 60_000 },
      "continue",
      {},
      { do: "shift", step: 1, share: 0.25 },
    ],
    ["no alarm is no proof: the last step is drawn out", { step: 2, waitedMs: 60_000 }, "continue", {}, { do: "wait" }],
    ["no proof in the end holds", { step: 2, waitedMs: 300_000 }, "continue", {}, { do: "hold" }],
    [
      "no proof in the end rolls back where that is declared",
      { step: 2, waitedMs: 300_000 },
      "continue",
      { onInconclusive: "rollback" },
      { do: "rollback" },
    ],
    ["too few requests wait", { waitedMs: 60_000, requests: 99 }, "continue", {}, { do: "wait" }],
    ["too few requests hold in the end", { waitedMs: 300_000, requests: 99 }, "continue", {}, { do: "hold" }],
    [
      "too few requests roll back where that is declared",
      { waitedMs: 300_000, requests: 99 },
      "continue",
      { onNoData: "rollback" },
      { do: "rollback" },
    ],
    ["a look without data never goes on", { waitedMs: 60_000 }, "no-data", {}, { do: "wait" }],
    ["no data in the end holds", { waitedMs: 300_000 }, "no-data", {}, { do: "hold" }],
    ["an incident waits", { waitedMs: 60_000 }, "inconclusive", {}, { do: "wait" }],
    ["an incident with few requests waits", { waitedMs: 60_000, requests: 9 }, "inconclusive", {}, { do: "wait" }],
    [
      "an incident that stays with few requests is still one",
      { waitedMs: 300_000, requests: 9 },
      "inconclusive",
      { onNoData: "rollback" },
      { do: "hold" },
    ],
    [
      "an incident that stays holds, whatever is declared",
      { waitedMs: 300_000 },
      "inconclusive",
      { onInconclusive: "rollback", onNoData: "rollback" },
      { do: "hold" },
    ],
    ["the bake goes on", { phase: "baking", waitedMs: 29_999 }, "continue", {}, { do: "wait" }],
    ["the bake ends", { phase: "baking", waitedMs: 30_000 }, "continue", {}, { do: "finish" }],
    ["a bake without traffic is drawn out", { phase: "baking", waitedMs: 30_000 }, "no-data", {}, { do: "wait" }],
    ["a bake without traffic holds in the end", { phase: "baking", waitedMs: 300_000 }, "no-data", {}, { do: "hold" }],
    [
      "a bake without traffic rolls back where that is declared",
      { phase: "baking", waitedMs: 300_000 },
      "no-data",
      { onNoData: "rollback" },
      { do: "rollback" },
    ],
    ["an alarm while baking rolls back", { phase: "baking" }, "fail", {}, { do: "rollback" }],
    ["without a stable version there is one step", {}, "pass", { shares: [1] }, { do: "promote" }],
  ])("%s", (_, ...[at, state, rules, step]) => {
    expect(nextStep(rolloutAt(at), verdictOf(state), policyOf(rules))).toMatchObject(step);
  });

  test("says what was not proved", () => {
    const step = nextStep(rolloutAt({ step: 2, waitedMs: 300_000 }), verdictOf("continue"), policyOf());
    expect(step).toEqual({ do: "hold", reasons: [{ why: "undecided", series: ["errors"], waitedMs: 300_000 }] });
  });
});

describe("exposure", () => {
  test.each([
    [0.05, 0, 0, "unknown"],
    [0, 0, 200, "holds"],
    [0, 1, 199, "breached"],
    [1, 200, 0, "holds"],
    [1, 199, 1, "breached"],
    [0.1, 0, 50, "holds"],
    [0.1, 0, 200, "breached"],
    [0.1, 130, 870, "holds"],
    [0.1, 200, 800, "breached"],
    [0.5, 450, 550, "holds"],
    [0.5, 400, 600, "breached"],
  ] as const)("%d declared, %d on the candidate, %d on stable: %s", (...[declared, candidate, stable, state]) => {
    expect(checkExposure(declared, { candidate, stable }).state).toBe(state);
  });

  test("says where the share may lie", () => {
    const { low, high } = checkExposure(0.1, { candidate: 100, stable: 900 });
    expect(low).toBeGreaterThan(0.05);
    expect(low).toBeLessThan(0.1);
    expect(high).toBeGreaterThan(0.1);
    expect(high).toBeLessThan(0.16);
  });
});
