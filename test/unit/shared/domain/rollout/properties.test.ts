import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { addCounts, countsSince, NO_COUNTS, tallyOf } from "../../../../../actions/shared/domain/rollout/counts.ts";
import type { Tally } from "../../../../../actions/shared/domain/rollout/e-process.ts";
import { evidenceOf, replay } from "../../../../../actions/shared/domain/rollout/evidence.ts";
import {
  type JournalEntry,
  JournalEntrySchema,
  type Look,
} from "../../../../../actions/shared/domain/rollout/journal-entry.ts";
import {
  type ArmCounts,
  type Counts,
  type JudgePolicy,
  newJudge,
  observe,
  type SeriesPolicy,
  verdictOf,
} from "../../../../../actions/shared/domain/rollout/judge.ts";
import {
  judgeAfter,
  judgeAgain,
  judgeLook,
  judgeOf,
  type Seen,
} from "../../../../../actions/shared/domain/rollout/judge-looks.ts";
import { binomial, poisson, seededRandom } from "../../../../../actions/shared/domain/rollout/random.ts";
import { planOf, type TrafficPlan } from "../../../../../actions/shared/domain/rollout/traffic-plan.ts";
import { hashText } from "../../../../../actions/shared/lib/hash.ts";

const count = fc.integer({ min: 0, max: 2_000 });

/** Nothing at all, no requests, or requests of which some are bad; rarely, and often, in the same run. */
const tally: fc.Arbitrary<Tally | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant({ n: 0, bad: 0 }),
  fc
    .tuple(count, fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.01, 0.1, 1))
    .map(([n, part, most]) => ({ n, bad: Math.round(n * part * most) })),
);

const arm: fc.Arbitrary<ArmCounts> = fc
  .tuple(count, fc.option(count, { nil: undefined }), tally, tally, tally)
  .map(([requests, rejected, errors, slow, wrong]) => ({
    started: requests,
    requests,
    ...(rejected === undefined ? {} : { rejected: Math.min(rejected, requests) }),
    series: {
      ...(errors === undefined ? {} : { errors }),
      ...(slow === undefined ? {} : { slow }),
      ...(wrong === undefined ? {} : { wrong }),
    },
  }));

const counts: fc.Arbitrary<Counts> = fc.record({ candidate: arm, stable: arm });

const plan: fc.Arbitrary<TrafficPlan> = fc
  .record({
    hasStable: fc.boolean(),
    hasExpectations: fc.boolean(),
    isSlowJudged: fc.boolean(),
    isRefusalJudged: fc.boolean(),
    maxFailed: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
    onDoubt: fc.constantFrom("hold" as const, "rollback" as const),
    shares: fc.constantFrom(["5%", "25%", "50%"], ["10%"], ["1%", "99%"]),
    minRequests: fc.constantFrom(1, 100, 1_000),
  })
  .map(({ hasStable, hasExpectations, isSlowJudged, isRefusalJudged, maxFailed, onDoubt, shares, minRequests }) => {
    const made = planOf(
      {
        steps: shares,
        minRequests,
        maxFailedRequests: maxFailed,
        onNoData: onDoubt,
        onInconclusive: onDoubt,
        ...(isSlowJudged ? { latencyBoundMs: 100 } : {}),
        ...(isRefusalJudged ? { series: { rejected: { margin: 1.5 } } } : {}),
      },
      { hasStable, hasExpectations },
      () => ({}),
    );
    if (made.state === "bad") throw new Error("no plan");
    return made.value;
  });

type Walk = { readonly plan: TrafficPlan; readonly looks: readonly Look[] };

/** What a look finds: a flawless thousand, or whatever may come; strays make the counted share another one than was declared. */
type Found = {
  readonly counts: Counts | undefined;
  readonly strays: number;
  readonly isRestarted: boolean;
  readonly isLong: boolean;
};

const found: fc.Arbitrary<Found> = fc.record({
  counts: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: counts }),
  strays: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: count }),
  isRestarted: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  isLong: fc.integer({ min: 0, max: 5 }).map((one) => one === 0),
});

const flawless = (n: number): ArmCounts => ({
  started: n,
  requests: n,
  rejected: 0,
  series: { errors: { n, bad: 0 }, slow: { n, bad: 0 }, wrong: { n, bad: 0 } },
});

/** A rollout as its driver walks it, to its end or for forty looks. */
const walk: fc.Arbitrary<Walk> = fc
  .tuple(plan, fc.array(found, { minLength: 1, maxLength: 40 }))
  .map(([walked, all]) => {
    const looks: Look[] = [];
    let at = { phase: "canary" as Look["phase"], step: 0, share: walked.rollout.shares[0] ?? 1, waitedMs: 0 };
    let sent = { candidate: 0, stable: 0 };
    let judge = judgeOf(walked, "canary");
    for (const { counts: seen, strays, isRestarted, isLong } of all) {
      const own = Math.round(1_000 * at.share);
      sent = { candidate: sent.candidate + own + strays, stable: sent.stable + 1_000 - own };
      at = { ...at, waitedMs: at.waitedMs + (isLong ? walked.rollout.stepMs : walked.rollout.lookMs) };
      const judged = judgeLook(
        judge,
        {
          atMs: 1_000 * (looks.length + 1),
          ...at,
          counts: addCounts(NO_COUNTS, seen ?? { candidate: flawless(own), stable: flawless(1_000 - own) }),
          exposure: sent,
          ...(isRestarted ? { restarted: true as const } : {}),
        } satisfies Seen,
        walked,
      );
      looks.push(judged.look);
      judge = judged.judge;
      const { step } = judged;
      if (step.do === "wait") continue;
      if (step.do !== "shift" && step.do !== "promote") break;
      sent = { candidate: 0, stable: 0 };
      if (step.do === "shift") at = { ...at, step: step.step, share: step.share, waitedMs: 0 };
      else {
        at = { ...at, phase: "baking", share: 1, waitedMs: 0 };
        judge = judgeOf(walked, "baking", judge);
      }
    }
    return { plan: walked, looks };
  });

const RAISING: readonly Look["next"][] = ["shift", "promote", "finish"];

describe("whatever is counted", () => {
  test("missing data on any gated series, in the last look, is never a pass", () => {
    fc.assert(
      fc.property(plan, fc.array(counts, { minLength: 1, maxLength: 30 }), ({ judge: policy }, looks) => {
        const { state } = verdictOf(looks.reduce(observe, newJudge(policy)));
        const last = looks.at(-1);
        const arms = policy.against === "stable" ? (["candidate", "stable"] as const) : (["candidate"] as const);
        const isMissing = arms.some((name) => {
          const seen = last?.[name];
          return (
            seen === undefined ||
            seen.requests === 0 ||
            policy.series.some((series) => (tallyOf(seen, series.name)?.n ?? 0) === 0)
          );
        });
        if (isMissing) expect(state).not.toBe("pass");
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  test("a pass has its proof on every gated series", () => {
    const good = fc.constant<Counts>({ candidate: flawless(900), stable: flawless(900) });
    let passes = 0;
    fc.assert(
      fc.property(
        plan,
        fc.array(fc.oneof(good, counts), { minLength: 1, maxLength: 10 }),
        ({ judge: policy }, looks) => {
          const verdict = verdictOf(looks.reduce(observe, newJudge(policy)));
          if (verdict.state !== "pass") return;
          passes += 1;
          expect(verdict.series).toHaveLength(policy.series.length);
          expect(verdict.series.every(({ proof }) => proof !== undefined)).toBe(true);
        },
      ),
      { numRuns: 500, seed: 2 },
    );
    expect(passes).toBeGreaterThan(20);
  });

  test("a share is raised only after a pass, or after a whole step in which nothing spoke against it; promoted only after a pass", () => {
    const raised = new Set<Look["next"]>();
    fc.assert(
      fc.property(walk, ({ plan: { rollout }, looks }) => {
        for (const look of looks) {
          if (!RAISING.includes(look.next)) continue;
          raised.add(look.next);
          expect(["pass", "continue"]).toContain(look.verdict);
          if (look.next === "promote") expect(look.verdict).toBe("pass");
          if (look.next === "shift") expect(look.verdict === "pass" || look.waitedMs >= rollout.stepMs).toBe(true);
          if (look.phase === "canary") expect(look.exposure.candidate).toBeGreaterThanOrEqual(rollout.minRequests);
        }
        const shares = looks.map(({ share }) => share);
        expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      }),
      { numRuns: 500, seed: 3 },
    );
    expect([...raised].sort()).toEqual(RAISING.toSorted());
  });
});

const DIGEST = `sha256:${"a".repeat(64)}` as const;

const entryOf = ({ plan: walked, looks }: Walk): JournalEntry => ({
  schema: 1,
  rollout: "local/digits@1.2.0",
  target: "local",
  release: "v1.2.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: { name: "digits", version: "1.2.0", digest: DIGEST },
  plan: walked,
  phase: "ended",
  step: 0,
  share: 0,
  sinceMs: 0,
  looks,
});

describe("any evidence", () => {
  test("that was written and read again comes to the same verdicts", () => {
    fc.assert(
      fc.property(walk, (walked) => {
        const written = JSON.parse(JSON.stringify(evidenceOf(entryOf(walked), hashText))) as unknown;
        const replayed = replay(written, hashText, "evidence.json");
        expect(replayed.state === "ok" ? replayed.value.differing : replayed).toEqual([]);
      }),
      { numRuns: 300, seed: 4 },
    );
  });

  test("of a journal keeps all that the judge goes by", () => {
    fc.assert(
      fc.property(walk, (walked) => {
        const entry = entryOf(walked);
        expect(v.parse(JournalEntrySchema, JSON.parse(JSON.stringify(entry)))).toEqual(entry);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  test("goes on from any look as if nobody had been away", () => {
    fc.assert(
      fc.property(walk, fc.nat(), ({ plan: walked, looks }, cut) => {
        const at = cut % looks.length;
        const next = looks[at];
        if (next === undefined) return;
        const resumed = judgeAfter(walked, next.phase, looks.slice(0, at));
        expect(judgeLook(resumed, next, walked).look).toEqual(judgeAgain(walked, looks)[at]?.look);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});

test("counters add up to what they were read apart", () => {
  fc.assert(
    fc.property(counts, counts, (before, more) => {
      const after = addCounts(before, more);
      const apart = countsSince(before, after);
      for (const name of ["candidate", "stable"] as const) {
        expect(apart[name].requests).toBe(more[name].requests);
        if (before[name].rejected !== undefined || more[name].rejected !== undefined)
          expect(apart[name].rejected).toBe(more[name].rejected ?? 0);
        for (const series of ["errors", "slow", "wrong"] as const)
          if (more[name].series[series] !== undefined)
            expect(apart[name].series[series]).toEqual(more[name].series[series]);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});

describe("three series", () => {
  const NAMES = ["errors", "slow", "wrong"] as const;
  const series = NAMES.map((name): SeriesPolicy => ({ name, margin: 1, maxRatio: 2, ceiling: 0.02 }));
  const policy: JudgePolicy = { against: "stable", alpha: 0.05, series, breaker: { rate: 0.5, minRequests: 50 } };
  const BASE = { errors: 0.01, slow: 0.05, wrong: 0.03 };

  /** 30 looks of 150 and 850 requests, each series on its own. */
  function play(run: number, ratios: Readonly<Record<(typeof NAMES)[number], number>>): readonly Counts[] {
    const random = seededRandom(run * 7_919);
    const armOf = (mean: number, worse: (name: (typeof NAMES)[number]) => number): ArmCounts => {
      const n = poisson(random, mean);
      const tallies = NAMES.map((name) => [name, { n, bad: binomial(random, n, BASE[name] * worse(name)) }] as const);
      return { started: n, requests: n, series: Object.fromEntries(tallies) };
    };
    return Array.from({ length: 30 }, () => ({
      candidate: armOf(150, (name) => ratios[name]),
      stable: armOf(850, () => 1),
    }));
  }

  const partOf = (
    ends: "pass" | "fail",
    ratios: Readonly<Record<(typeof NAMES)[number], number>>,
    rules: JudgePolicy = policy,
  ) => {
    const RUNS = 200;
    const hits = Array.from({ length: RUNS }, (_, run) => {
      let judge = newJudge(rules);
      return play(run, ratios).some((look) => {
        judge = observe(judge, look);
        return verdictOf(judge).state === ends;
      });
    });
    return hits.filter(Boolean).length / RUNS;
  };

  test("together alarm falsely in at most alpha of the runs", () => {
    expect(partOf("fail", { errors: 1, slow: 1, wrong: 1 })).toBeLessThanOrEqual(0.05);
  });

  test.each(NAMES)("promote a candidate that is twice as bad in %s alone in at most alpha of the runs", (name) => {
    expect(partOf("pass", { errors: 1, slow: 1, wrong: 1, [name]: 2 })).toBeLessThanOrEqual(0.05);
  });
});
