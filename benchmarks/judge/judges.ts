import {
  type ArmCounts,
  type JudgePolicy,
  newJudge,
  observe,
  verdictOf,
} from "../../actions/shared/domain/rollout/judge.ts";
import type { Seen } from "./scenarios.ts";

/** What a judge makes of a run, and after how many looks. Undecided: nothing is promoted, somebody has to look. */
export type Decision = { readonly do: "rollback" | "promote" | "undecided"; readonly looks: number };

export type JudgeUnderTest = { readonly name: string; decide(looks: readonly Seen[]): Decision };

/** The judge of deploy-model itself, with one series. */
const ours = (name: string, margin: number): JudgeUnderTest => {
  const policy: JudgePolicy = {
    against: "stable",
    alpha: 0.05,
    series: [{ name: "errors", margin, maxRatio: 2, ceiling: 0.01 }],
    breaker: { rate: 0.25, minRequests: 50 },
  };
  const arm = (tally: Seen["stable"]): ArmCounts => ({
    started: tally.n,
    requests: tally.n,
    rejected: 0,
    series: { errors: tally },
  });
  return {
    name,
    decide(looks) {
      let judge = newJudge(policy);
      for (const [i, { candidate, stable }] of looks.entries()) {
        judge = observe(judge, { candidate: arm(candidate), stable: arm(stable) });
        const { state } = verdictOf(judge);
        if (state === "fail") return { do: "rollback", looks: i + 1 };
        if (state === "pass") return { do: "promote", looks: i + 1 };
      }
      return { do: "undecided", looks: looks.length };
    },
  };
};

const MIN_SUCCESS = 0.99;

/** Rolls back when `failed` says so of the looks so far; promotes at the end. */
function untilFailed(looks: readonly Seen[], failed: (soFar: readonly Seen[]) => boolean): Decision {
  for (let i = 1; i <= looks.length; i++) if (failed(looks.slice(0, i))) return { do: "rollback", looks: i };
  return { do: "promote", looks: looks.length };
}

function success(looks: readonly Seen[]): number {
  const [n, bad] = [sum(looks, ({ candidate }) => candidate.n), sum(looks, ({ candidate }) => candidate.bad)];
  return n === 0 ? Number.NaN : 1 - bad / n;
}

/** Success rate of each look against 99 %; failed checks add up and never expire; no data is a failed check. */
const flaggerLike: JudgeUnderTest = {
  name: "Flagger-like: 99 %, threshold 5",
  decide: (looks) =>
    untilFailed(looks, (soFar) => soFar.filter((look) => !(success([look]) >= MIN_SUCCESS)).length >= 5),
};

/** Success rate of five looks against 99 %, measured every five looks; more failures than the limit abort. */
const argoLike = (limit: number): JudgeUnderTest => ({
  name: `Argo-like: 99 %, failureLimit ${limit}`,
  decide: (looks) =>
    untilFailed(looks, (soFar) => {
      const measured = Math.floor(soFar.length / 5);
      const failures = Array.from({ length: measured }, (_, i) => success(soFar.slice(5 * i, 5 * i + 5))).filter(
        (rate) => !(rate >= MIN_SUCCESS),
      );
      return failures.length > limit;
    }),
});

/** One-sided test of two proportions at 5 % on all counts so far, looked at after every look. */
const peekedZ: JudgeUnderTest = {
  name: "z-test at 5 %, peeked at",
  decide: (looks) =>
    untilFailed(looks, (soFar) => {
      const [n, m] = [sum(soFar, ({ candidate }) => candidate.n), sum(soFar, ({ stable }) => stable.n)];
      const [bad, worse] = [sum(soFar, ({ stable }) => stable.bad), sum(soFar, ({ candidate }) => candidate.bad)];
      const pooled = (bad + worse) / (n + m);
      const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
      return (worse / n - bad / m) / deviation > 1.6449;
    }),
};

export const JUDGES: readonly JudgeUnderTest[] = [
  ours("**ours**, margin 1.25 (default)", 1.25),
  ours("**ours**, margin 1", 1),
  flaggerLike,
  argoLike(0),
  argoLike(3),
  peekedZ,
];

function sum(looks: readonly Seen[], value: (look: Seen) => number): number {
  return looks.reduce((total, look) => total + value(look), 0);
}
