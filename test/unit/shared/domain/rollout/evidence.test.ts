import { describe, expect, test } from "vitest";
import { evidenceOf, replay } from "../../../../../actions/shared/domain/rollout/evidence.ts";
import type { JournalEntry, Look } from "../../../../../actions/shared/domain/rollout/journal-entry.ts";
import type { ArmCounts } from "../../../../../actions/shared/domain/rollout/judge.ts";
import {
  judgeAfter,
  judgeAgain,
  judgeLook,
  judgeOf,
  type Seen,
} from "../../../../../actions/shared/domain/rollout/judge-looks.ts";
import { planOf, type TrafficPlan } from "../../../../../actions/shared/domain/rollout/traffic-plan.ts";
import { hashText } from "../../../../../actions/shared/lib/hash.ts";

const checked = planOf({ steps: ["50%"], minRequests: 10 }, { hasStable: true, hasExpectations: true }, () => ({}));
if (checked.state === "bad") throw new Error("no plan");
const plan = checked.value;

const arm = (n: number, wrong: number): ArmCounts => ({
  started: n,
  requests: n,
  rejected: 0,
  series: { errors: { n, bad: 0 }, wrong: { n, bad: wrong } },
});

const seen = (number: number, wrong: number, more: Partial<Seen> = {}): Seen => ({
  atMs: 1_000 * number,
  phase: "canary",
  step: 0,
  share: 0.5,
  waitedMs: 1_000 * number,
  counts: { candidate: arm(100, wrong), stable: arm(100, 4) },
  exposure: { candidate: 100 * number, stable: 100 * number },
  ...more,
});

function looksOf(...all: readonly Seen[]): readonly Look[] {
  let judge = judgeOf(plan, "canary");
  let phase: Look["phase"] = "canary";
  return all.map((one) => {
    if (one.phase !== phase) judge = judgeOf(plan, one.phase);
    phase = one.phase;
    const judged = judgeLook(judge, one, plan);
    judge = judged.judge;
    return judged.look;
  });
}

const DIGEST = `sha256:${"a".repeat(64)}` as const;

const entryWith = (looks: readonly Look[]): JournalEntry => ({
  schema: 1,
  rollout: "local/digits@1.2.0",
  target: "local",
  release: "v1.2.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: { name: "digits", version: "1.2.0", digest: DIGEST },
  plan,
  phase: "ended",
  step: 0,
  share: 0,
  sinceMs: 0,
  looks,
  decision: "rolled-back",
  reason: "it was worse",
});

const bad = looksOf(seen(1, 5), seen(2, 30), seen(3, 40));
const file = () => JSON.parse(JSON.stringify(evidenceOf(entryWith(bad), hashText))) as Record<string, unknown>;

describe("evidence", () => {
  test("judged again gives the same verdicts", () => {
    const replayed = replay(file(), hashText, "evidence.json");
    expect(replayed).toMatchObject({ state: "ok", value: { differing: [] } });
    expect(bad.map(({ verdict, next }) => `${verdict} ${next}`)).toEqual([
      "continue wait",
      "fail rollback",
      "fail rollback",
    ]);
  });

  test("that was changed is refused", () => {
    const changed = { ...file(), reason: "it was fine" };
    expect(replay(changed, hashText, "evidence.json")).toMatchObject({
      state: "bad",
      problems: [{ rule: "was changed since it was written" }],
    });
  });

  test("whose verdicts do not follow from its counts is told, look by look", () => {
    const flattering = bad.map((look) => ({ ...look, verdict: "pass" as const }));
    const replayed = replay(evidenceOf(entryWith(flattering), hashText), hashText, "evidence.json");
    expect(replayed.state === "ok" && replayed.value.differing.map(({ look }) => look)).toEqual([1, 2, 3]);
  });

  test("of a rollout that should have ended before its first look is told", () => {
    const duel = { payloads: 50, asked: 50, compared: 50, agreed: 20, unanswered: 0, slices: [], differing: [] };
    const bounded = (minAgreement: number): JournalEntry => ({
      ...entryWith(bad),
      duel,
      plan: { ...plan, duel: { minAgreement } },
    });
    const differing = [0.5, 0.4].map((bound) => {
      const replayed = replay(evidenceOf(bounded(bound), hashText), hashText, "evidence.json");
      return replayed.state === "ok" ? replayed.value.differing : [];
    });
    expect(differing).toEqual([
      [
        {
          look: 0,
          recorded: "went on",
          judged: "rollback: the same payloads were answered alike in 40 % (20 of 50), at least 50 % is asked",
        },
      ],
      [],
    ]);
  });

  test("of something else is no evidence", () => {
    expect(replay({ kind: "other" }, hashText, "evidence.json")).toMatchObject({ state: "bad" });
    expect(replay(undefined, hashText, "evidence.json")).toMatchObject({ state: "bad" });
  });
});

describe("a rollout that goes on", () => {
  test("knows what was seen before", () => {
    const looks = looksOf(seen(1, 5), seen(2, 4), seen(3, 4));
    const resumed = judgeAfter(plan, "canary", looks.slice(0, 2));
    expect(judgeLook(resumed, seen(3, 4), plan).look).toEqual(looks[2]);
  });

  test("proves anew what was proved for a candidate that had to be started again", () => {
    const calm = Array.from({ length: 20 }, (_, i) => seen(i + 1, 0));
    const proved = looksOf(...calm).at(-1);
    const again = looksOf(...calm, seen(21, 0, { restarted: true })).at(-1);
    expect([proved?.verdict, again?.verdict]).toEqual(["pass", "continue"]);
  });

  test("has cost what its canary cost when it bakes", () => {
    const costly: TrafficPlan = { ...plan, judge: { ...plan.judge, maxFailed: 9 } };
    const baking = seen(2, 4, { phase: "baking", share: 1, exposure: { candidate: 100, stable: 0 } });
    const canary = judgeLook(judgeOf(costly, "canary"), seen(1, 5), costly).look;
    const resumed = judgeAfter(costly, "baking", [canary]);
    expect(judgeLook(resumed, baking, costly).verdict.reasons).toEqual([{ why: "budget", failed: 9, allowed: 9 }]);
    expect(
      judgeAgain(costly, [canary, { ...baking, verdict: "fail", next: "rollback", evidence: {} }])[1]?.look.next,
    ).toBe("rollback");
  });

  test("bakes without the verdicts of its canary", () => {
    const looks = looksOf(
      seen(1, 4),
      seen(2, 4, { phase: "baking", share: 1, exposure: { candidate: 100, stable: 0 } }),
    );
    expect(looks[1]).toMatchObject({ verdict: "continue", next: "wait" });
  });
});
