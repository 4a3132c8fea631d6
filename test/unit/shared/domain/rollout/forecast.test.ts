import { expect, test } from "vitest";
import { forecast, type Trial } from "../../../../../actions/shared/domain/rollout/forecast.ts";

const trialOf = (rate: number, shares: readonly number[]): Trial => ({
  judge: {
    against: "stable",
    alpha: 0.05,
    series: [{ name: "errors", margin: 1.25, maxRatio: 2, ceiling: 0.02 }],
    breaker: { rate: 0.25, minRequests: 50 },
  },
  rollout: {
    shares,
    lookMs: 5_000,
    stepMs: 60_000,
    maxStepMs: 300_000,
    bakeMs: 0,
    minRequests: 50,
    onNoData: "hold",
    onInconclusive: "hold",
  },
  traffic: { rate, bad: { errors: 0.005 } },
  seed: 7,
  runs: 200,
});

test("says the same for the same seed", () => {
  expect(forecast(trialOf(50, [0.1, 0.5]))).toEqual(forecast(trialOf(50, [0.1, 0.5])));
});

test("finds smaller ratios, and decides sooner, with more traffic", () => {
  const little = forecast(trialOf(5, [0.1, 0.5]));
  const much = forecast(trialOf(200, [0.1, 0.5]));
  expect(much.promoted).toBeGreaterThan(0.9);
  expect(much.promotedMs).toBeLessThan(little.promotedMs ?? Number.POSITIVE_INFINITY);
  expect(much.smallestRatio).toBeLessThan(little.smallestRatio ?? Number.POSITIVE_INFINITY);
});

test("says that nothing can be decided with next to no traffic", () => {
  expect(forecast(trialOf(0.05, [0.05]))).toEqual({ promoted: 0 });
});

test("compares with nothing where there is no stable version", () => {
  const { rollout, judge, ...rest } = trialOf(50, [1]);
  const first = forecast({ ...rest, rollout, judge: { ...judge, against: "ceiling" } });
  expect(first.promoted).toBeGreaterThan(0.9);
  expect(first).not.toHaveProperty("smallestRatio");
});
