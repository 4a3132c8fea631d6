import { describe, expect, test } from "vitest";
import { addCounts, countsSince } from "../../../../../actions/shared/domain/rollout/counts.ts";
import {
  type ArmCounts,
  type Counts,
  forgetProof,
  type Judge,
  type JudgePolicy,
  type LookState,
  newJudge,
  observe,
  type SeriesName,
  type SeriesPolicy,
  verdictOf,
} from "../../../../../actions/shared/domain/rollout/judge.ts";

const seriesOf = (name: SeriesName, rules: Partial<SeriesPolicy> = {}): SeriesPolicy => ({
  name,
  margin: 1.25,
  maxRatio: 2,
  ceiling: 0.01,
  ...rules,
});

const policyOf = (rules: Partial<JudgePolicy> = {}): JudgePolicy => ({
  against: "stable",
  alpha: 0.05,
  series: [seriesOf("errors")],
  breaker: { rate: 0.25, minRequests: 50 },
  ...rules,
});

const arm = (n: number, bad: { readonly [name in SeriesName]?: number } = {}): ArmCounts => ({
  started: n,
  requests: n,
  rejected: 0,
  series: Object.fromEntries(Object.entries({ errors: 0, ...bad }).map(([name, count]) => [name, { n, bad: count }])),
});

const refused = (n: number, rejected: number): ArmCounts => ({ ...arm(n), rejected });
const uncounted = (n: number): ArmCounts => {
  const { rejected: _, ...rest } = arm(n);
  return rest;
};

const look = (candidate: ArmCounts, stable: ArmCounts): Counts => ({ candidate, stable });

const judged = (policy: JudgePolicy, looks: readonly Counts[]): Judge => looks.reduce(observe, newJudge(policy));

const stateAfter = (policy: JudgePolicy, ...looks: readonly Counts[]) => verdictOf(judged(policy, looks)).state;

describe("a look", () => {
  const quiet = arm(0);
  type Row = readonly [string, JudgePolicy, readonly Counts[], LookState];
  test.each<Row>([
    ["no look at all", policyOf(), [], "no-data"],
    ["no request on the candidate", policyOf(), [look(quiet, arm(100))], "no-data"],
    ["no request on stable", policyOf(), [look(arm(100), quiet)], "no-data"],
    ["a first release needs no stable", policyOf({ against: "ceiling" }), [look(arm(100), quiet)], "continue"],
    ["too little evidence", policyOf(), [look(arm(100), arm(100))], "continue"],
    ["flawless under the ceiling", policyOf(), [look(arm(500), arm(500))], "pass"],
    ["three errors, none on stable", policyOf(), [look(arm(150, { errors: 4 }), arm(1350))], "fail"],
    ["over the breaker, far from stable", policyOf(), [look(arm(60, { errors: 20 }), arm(600))], "fail"],
    [
      "over the breaker, as stable is",
      policyOf(),
      [look(arm(60, { errors: 20 }), arm(600, { errors: 200 }))],
      "inconclusive",
    ],
    [
      "over the breaker with too few requests",
      policyOf({ against: "ceiling" }),
      [look(arm(40, { errors: 30 }), quiet)],
      "continue",
    ],
    [
      "a first release over the breaker",
      policyOf({ against: "ceiling" }),
      [look(arm(50, { errors: 13 }), quiet)],
      "fail",
    ],
    [
      "one of two series without any data",
      policyOf({ series: [seriesOf("errors"), seriesOf("wrong")] }),
      [look(arm(5_000), arm(5_000))],
      "no-data",
    ],
    [
      "one of two series without any data in the last look",
      policyOf({ series: [seriesOf("errors"), seriesOf("wrong")] }),
      [look(arm(5_000, { wrong: 0 }), arm(5_000, { wrong: 0 })), look(arm(100), arm(100))],
      "no-data",
    ],
    [
      "refusals that nobody counts, and that are part of the gate",
      policyOf({ series: [seriesOf("errors"), seriesOf("rejected")] }),
      [look(uncounted(5_000), uncounted(5_000))],
      "no-data",
    ],
    [
      "refusals that are part of the gate",
      policyOf({ series: [seriesOf("errors"), seriesOf("rejected")] }),
      [look(refused(500, 60), refused(500, 10))],
      "fail",
    ],
    [
      "refusals that are only watched",
      policyOf({ watched: [seriesOf("rejected")] }),
      [look(refused(500, 60), refused(500, 10))],
      "pass",
    ],
    [
      "refusals that nobody counts, only watched",
      policyOf({ watched: [seriesOf("rejected")] }),
      [look(uncounted(500), uncounted(500))],
      "pass",
    ],
    [
      "one of two series fails",
      policyOf({ series: [seriesOf("errors"), seriesOf("wrong")] }),
      [look(arm(500, { wrong: 100 }), arm(500, { wrong: 20 }))],
      "fail",
    ],
  ])("%s", (_, ...[policy, looks, state]) => {
    expect(stateAfter(policy, ...looks)).toBe(state);
  });

  test("an incident that is over does not stand in the way of proof", () => {
    const incident = look(arm(60, { errors: 20 }), arm(600, { errors: 200 }));
    const calm = Array.from({ length: 60 }, () => look(arm(200), arm(1_800)));
    expect(stateAfter(policyOf(), incident, ...calm)).toBe("pass");
  });
});

describe("an incident of the platform", () => {
  const calm = look(arm(100, { errors: 1 }), arm(900, { errors: 5 }));
  const outage = look(arm(100, { errors: 9 }), arm(900, { errors: 80 }));
  const tide = look(arm(100, { errors: 2 }), arm(900, { errors: 12 }));
  const reasonsAfter = (...looks: readonly Counts[]) => verdictOf(judged(policyOf(), looks)).reasons;

  test("is told by stable that was never as bad before, long before the breaker", () => {
    expect(reasonsAfter(calm, calm, outage)).toEqual([
      {
        why: "incident",
        series: "errors",
        counts: { candidate: { n: 100, bad: 9 }, stable: { n: 900, bad: 80 } },
        before: { n: 1_800, bad: 10 },
      },
    ]);
  });

  test("is not what always was so, what grew a little, or what only one arm has", () => {
    const alone = look(arm(100, { errors: 1 }), arm(900, { errors: 80 }));
    expect(stateAfter(policyOf(), outage, outage, outage)).not.toBe("inconclusive");
    expect(stateAfter(policyOf(), calm, calm, tide)).toBe("continue");
    expect(stateAfter(policyOf(), calm, calm, alone)).not.toBe("inconclusive");
  });

  test("lasts as long as it lasts, and is no part of what it is compared with", () => {
    expect(stateAfter(policyOf(), calm, calm, ...Array.from({ length: 50 }, () => outage))).toBe("inconclusive");
    expect(stateAfter(policyOf(), calm, calm, outage, outage, calm)).toBe("continue");
  });

  test("does not hide a candidate that is worse than stable in the middle of it", () => {
    const worse = look(arm(100, { errors: 40 }), arm(900, { errors: 80 }));
    expect(reasonsAfter(calm, calm, worse)).toMatchObject([{ why: "alarm", series: "errors" }]);
  });
});

describe("what a candidate may cost", () => {
  const policy = policyOf({ maxFailed: 20, series: [seriesOf("errors"), seriesOf("slow"), seriesOf("wrong")] });
  const costing = (errors: number, wrong: number) => {
    const arms = arm(100, { errors, wrong, slow: 50 });
    return look(arms, arms);
  };

  test("is counted in bad answers, whatever stable's are, and slow ones are none", () => {
    expect(stateAfter(policy, costing(9, 10))).not.toBe("fail");
    expect(verdictOf(judged(policy, [costing(9, 5), costing(3, 3)])).reasons).toEqual([
      { why: "budget", failed: 20, allowed: 20 },
    ]);
  });

  test("goes on into the bake", () => {
    expect(verdictOf(observe(newJudge({ ...policy, against: "ceiling" }, 19), costing(1, 0))).state).toBe("fail");
  });
});

test("refusals that are only watched are warned of, and share no alpha with the gate", () => {
  const policy = policyOf({ watched: [seriesOf("rejected")] });
  const verdict = verdictOf(judged(policy, [look(refused(500, 60), refused(500, 10))]));
  expect(verdict.warnings).toMatchObject([{ why: "alarm", series: "rejected" }]);
  expect(verdict.series[0]?.neededToFail).toBeCloseTo(Math.log(20), 12);
});

describe("evidence", () => {
  const equal = look(arm(1_000, { wrong: 40, errors: 0 }), arm(1_000, { wrong: 40 }));

  test("is found by the ratio where bad events are frequent, by the ceiling where they are rare", () => {
    const policy = policyOf({ series: [seriesOf("errors"), seriesOf("wrong")] });
    const verdict = verdictOf(judged(policy, [equal, equal, equal]));
    expect(verdict.state).toBe("pass");
    expect(verdict.series.map(({ name, proof }) => [name, proof])).toEqual([
      ["errors", "ceiling"],
      ["wrong", "ratio"],
    ]);
  });

  test("of a ratio is not asked of a first release", () => {
    const policy = policyOf({ against: "ceiling", series: [seriesOf("wrong")] });
    expect(stateAfter(policy, equal, equal, equal)).toBe("continue");
  });

  test("shares alpha over the series for alarms, and over the two roads for promotion", () => {
    const policy = policyOf({ series: [seriesOf("errors"), seriesOf("slow"), seriesOf("wrong")] });
    const [first] = verdictOf(newJudge(policy)).series;
    expect(first?.neededToFail).toBeCloseTo(Math.log(60), 12);
    expect(first?.neededToPass).toBeCloseTo(Math.log(40), 12);
    const [alone] = verdictOf(newJudge(policyOf({ against: "ceiling" }))).series;
    expect(alone?.neededToPass).toBeCloseTo(Math.log(20), 12);
  });

  test("of short looks that see one arm each is not lost", () => {
    const once = stateAfter(policyOf(), look(arm(150, { errors: 4 }), arm(1_350)));
    const apart = stateAfter(
      policyOf(),
      look(arm(150, { errors: 4 }), arm(0)),
      look(arm(0), arm(1_350)),
      look(arm(1), arm(1)),
    );
    expect([once, apart]).toEqual(["fail", "fail"]);
  });

  test("for promotion is void after the candidate was started again, evidence against it is not", () => {
    const proved = judged(policyOf(), [look(arm(500), arm(500))]);
    const doubtful = judged(policyOf(), [look(arm(150, { errors: 2 }), arm(1_350))]);
    expect(verdictOf(forgetProof(proved)).state).toBe("continue");
    expect(verdictOf(observe(forgetProof(doubtful), look(arm(150, { errors: 3 }), arm(1_350)))).state).toBe("fail");
  });
});

test("counts add up and are told apart", () => {
  const before = look(arm(10, { wrong: 1 }), arm(90, { wrong: 2 }));
  const more = look(arm(5, { wrong: 1 }), arm(45));
  const all = addCounts(before, more);
  expect(all.candidate.series.wrong).toEqual({ n: 15, bad: 2 });
  expect(countsSince(before, all).stable).toEqual({
    started: 45,
    requests: 45,
    rejected: 0,
    series: { errors: { n: 45, bad: 0 }, wrong: { n: 0, bad: 0 } },
  });
});
