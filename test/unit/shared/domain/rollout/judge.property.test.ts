import { expect, test } from "vitest";
import {
  type ArmCounts,
  type JudgePolicy,
  newJudge,
  observe,
  type SeriesPolicy,
  verdictOf,
} from "../../../../../actions/shared/domain/rollout/judge.ts";
import { type Random, seededRandom } from "../../../../../actions/shared/domain/rollout/random.ts";

const RUNS = 2_000;
const REQUESTS = 600;

const errors: SeriesPolicy = { name: "errors", margin: 1, maxRatio: 2, ceiling: 0.01 };
const policy: JudgePolicy = {
  against: "stable",
  alpha: 0.05,
  series: [errors],
  breaker: { rate: 1, minRequests: 1_000_000 },
};

const arm = (n: number, bad: number): ArmCounts => ({
  started: n,
  requests: n,
  rejected: 0,
  series: { errors: { n, bad } },
});
const NONE = arm(0, 0);

type Rates = { readonly candidate: number; readonly stable: number; readonly share: number };

/** Looks at every request; whether the verdict was ever the one that is sought. */
function everSees(sought: "fail" | "pass", random: Random, { candidate, stable, share }: Rates): boolean {
  let judge = newJudge(policy);
  for (let request = 0; request < REQUESTS; request++) {
    const isCandidate = random() < share;
    const one = arm(1, random() < (isCandidate ? candidate : stable) ? 1 : 0);
    judge = observe(judge, isCandidate ? { candidate: one, stable: NONE } : { candidate: NONE, stable: one });
    // A single request is a look with no data on the other arm: what is asked is whether there was proof or an alarm.
    const verdict = verdictOf(judge);
    if (sought === "fail" ? verdict.state === "fail" : verdict.series[0]?.proof !== undefined) return true;
  }
  return false;
}

const shareOf = (sought: "fail" | "pass", rates: Rates) =>
  Array.from({ length: RUNS }, (_, run) => everSees(sought, seededRandom(run + 1), rates)).filter(Boolean).length /
  RUNS;

test.each([
  ["one in ten requests, rare errors", { candidate: 0.02, stable: 0.02, share: 0.1 }],
  ["half of the requests, frequent errors", { candidate: 0.2, stable: 0.2, share: 0.5 }],
])(
  "alarms falsely in at most 5 % of 2,000 runs with a look at every request: $0",
  (_, rates) => {
    expect(shareOf("fail", rates)).toBeLessThanOrEqual(0.05);
  },
  60_000,
);

test("promotes a candidate that is twice as bad, and at the ceiling, in at most 5 % of 2,000 runs with a look at every request", () => {
  expect(shareOf("pass", { candidate: 0.01, stable: 0.005, share: 0.5 })).toBeLessThanOrEqual(0.05);
}, 60_000);

test("finds ten times the errors in nearly every run", () => {
  expect(shareOf("fail", { candidate: 0.2, stable: 0.02, share: 0.25 })).toBeGreaterThan(0.99);
});
