import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { mergeOptions, type PlanOptions } from "../../../../../actions/shared/domain/rollout/plan-options.ts";
import { optionsOfFile, RolloutFileSchema } from "../../../../../actions/shared/domain/rollout/rollout-file.ts";
import { formatPlan, planOf } from "../../../../../actions/shared/domain/rollout/traffic-plan.ts";

const both = { hasStable: true, hasExpectations: true };
const place = (input: string) => ({ input });

const planWith = (options: PlanOptions, subject = both) => {
  const plan = planOf(options, subject, place);
  if (plan.state === "bad") throw new Error(JSON.stringify(plan.problems));
  return plan.value;
};

describe("a plan", () => {
  test("needs nothing said", () => {
    const { rollout, judge, rate } = planWith({});
    expect(rollout.shares).toEqual([0.05, 0.25, 0.5]);
    expect(judge.series.map(({ name }) => name)).toEqual(["errors", "wrong"]);
    expect(judge).toMatchObject({ against: "stable", alpha: 0.05, breaker: { rate: 0.25, minRequests: 50 } });
    expect(rate).toBe(50);
  });

  test("without a stable version has one step and no comparison", () => {
    const { rollout, judge } = planWith({ steps: ["5%", "50%"] }, { hasStable: false, hasExpectations: false });
    expect(rollout.shares).toEqual([1]);
    expect(judge.against).toBe("ceiling");
    expect(judge.series.map(({ name }) => name)).toEqual(["errors"]);
  });

  test("judges `slow` where there is a bound", () => {
    expect(planWith({ latencyBoundMs: 50 }).judge.series.map(({ name }) => name)).toEqual(["errors", "slow", "wrong"]);
  });

  test("has rules of their own for a series", () => {
    const { judge } = planWith({ maxErrorRate: 0.02, series: { wrong: { maxRate: 0.1, maxRatio: 1.5 } } });
    expect(judge.series).toEqual([
      { name: "errors", margin: 1.25, maxRatio: 2, ceiling: 0.02 },
      { name: "wrong", margin: 1.25, maxRatio: 1.5, ceiling: 0.1 },
    ]);
  });

  test("watches refused requests, and has them in the gate where rules for them are written", () => {
    const { judge } = planWith({ maxErrorRate: 0.02 });
    expect(judge.watched).toEqual([{ name: "rejected", margin: 1.25, maxRatio: 2, ceiling: 0.02 }]);
    const gated = planWith(optionsOfFile(v.parse(RolloutFileSchema, { series: { rejected: { margin: 1.5 } } }))).judge;
    expect(gated.watched).toBeUndefined();
    expect(gated.series.map(({ name, margin }) => [name, margin])).toEqual([
      ["errors", 1.25],
      ["wrong", 1.25],
      ["rejected", 1.5],
    ]);
    expect(planWith({}, { hasStable: false, hasExpectations: false }).judge.watched).toBeUndefined();
  });

  test("says what a rollout may cost", () => {
    const options = optionsOfFile(v.parse(RolloutFileSchema, { "max-failed-requests": 30 }));
    expect(planWith(options).judge.maxFailed).toBe(30);
    expect(planWith({}).judge.maxFailed).toBeUndefined();
  });

  test("draws a step out for at least as long as it lasts", () => {
    expect(planWith({ stepMs: 3_600_000 }).rollout.maxStepMs).toBe(3_600_000);
  });

  test("reads as a sentence", () => {
    expect(formatPlan(planWith({ steps: ["10%", "50%"], lookMs: 1_000 }))).toBe(
      "10 % → 50 % → all, a look each 1s, 2m a step at most, 10m where proof is missing, then 1m of bake",
    );
  });
});

describe("what is wrong with a plan", () => {
  type Row = readonly [PlanOptions, string];
  test.each<Row>([
    [{ steps: [] }, "steps must name at least one share"],
    [{ steps: ["25%", "5%"] }, "steps[1] must be larger than steps[0]"],
    [{ steps: ["5%", "5%"] }, "steps[1] must be larger than steps[0]"],
    [{ steps: ["0%"] }, "steps[0] must be a part of the traffic"],
    [{ steps: ["100%"] }, "steps[0] must be a part of the traffic"],
    [{ steps: ["half"] }, "steps[0] must be a part of the traffic"],
    [{ alpha: 0 }, "alpha is out of range"],
    [{ margin: 0.9 }, "margin is out of range"],
    [{ maxRatio: 1 }, "max-ratio is out of range"],
    [{ margin: 3, maxRatio: 2 }, "margin must be smaller than max-ratio"],
    [{ maxErrorRate: 0 }, "max-error-rate is out of range"],
    [{ breaker: { rate: 1 } }, "breaker.rate is out of range"],
    [{ rate: 0 }, "rate is out of range"],
    [{ lookMs: 99 }, "look is out of range"],
    [{ lookMs: 10_000, stepMs: 5_000 }, "step-duration must not be shorter than look"],
    [{ series: { wrong: { margin: 0.5 } } }, "series.wrong.margin is out of range"],
    [{ series: { wrong: { maxRate: 1 } } }, "series.wrong.max-rate is out of range"],
    [{ series: { slow: { margin: 2 } } }, "series.slow has rules, and nothing counts it"],
    [{ series: { errors: { maxRatio: 1.1 } } }, "margin must be smaller than series.errors.max-ratio"],
  ])("%j: %s", (options, rule) => {
    const plan = planOf(options, both, place);
    expect(plan.state === "bad" ? plan.problems.map((problem) => problem.rule) : []).toContain(rule);
  });

  test("is told all at once", () => {
    const plan = planOf({ steps: ["25%", "5%"], alpha: 0, rate: -1 }, both, place);
    expect(plan.state === "bad" && plan.problems.map(({ where }) => where?.input)).toEqual(["steps", "alpha", "rate"]);
  });

  test("is told once, and by the name that it was written with", () => {
    const plan = planOf({ margin: 0.5, latencyBoundMs: 50, series: { slow: { maxRate: 2 } } }, both, place);
    expect(plan.state === "bad" && plan.problems.map(({ where }) => where?.input)).toEqual([
      "margin",
      "series.slow.max-rate",
    ]);
  });
});

describe("the rollout file", () => {
  const options = (file: v.InferInput<typeof RolloutFileSchema>) => optionsOfFile(v.parse(RolloutFileSchema, file));

  test("says the same as the inputs", () => {
    const plan = planWith(
      options({
        strategy: "canary",
        steps: "10%, 25%",
        look: "1s",
        "step-duration": "60s",
        bake: "5s",
        "max-error-rate": "8%",
        breaker: { rate: "30%" },
        series: { wrong: { "max-rate": 0.1 } },
      }),
    );
    expect(plan.rollout).toMatchObject({ shares: [0.1, 0.25], lookMs: 1_000, stepMs: 60_000, bakeMs: 5_000 });
    expect(plan.judge.breaker).toEqual({ rate: 0.3, minRequests: 50 });
    expect(plan.judge.series.map(({ ceiling }) => ceiling)).toEqual([0.08, 0.1]);
  });

  test("takes shares as a list too", () => {
    expect(planWith(options({ steps: [0.1, "25%"] })).rollout.shares).toEqual([0.1, 0.25]);
  });

  test("is overruled by what an input says, member by member", () => {
    const merged = mergeOptions({ rate: 5, steps: undefined }, options({ rate: 7, steps: "1%" }));
    expect(merged).toMatchObject({ rate: 5, steps: ["1%"] });
  });

  test.each([[{ stepps: "5%" }], [{ look: "soon" }], [{ "max-error-rate": "lots" }], [{ strategy: "blue-green" }]])(
    "refuses %j",
    (file) => {
      expect(v.is(RolloutFileSchema, file)).toBe(false);
    },
  );
});
