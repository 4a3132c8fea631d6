import { describe, expect, test } from "vitest";
import type { Outcome } from "../../../actions/deploy-model/outcome.ts";
import { report } from "../../../actions/deploy-model/report.ts";
import { spansOf, type Text } from "../../../actions/shared/domain/report.ts";
import type { JournalEntry, Look } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import type { ArmCounts } from "../../../actions/shared/domain/rollout/judge.ts";
import { judgeLook, judgeOf } from "../../../actions/shared/domain/rollout/judge-looks.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";

const checked = planOf({ steps: ["25%"], maxErrorRate: 0.08 }, { hasStable: true, hasExpectations: true }, () => ({}));
if (checked.state === "bad") throw new Error("no plan");
const plan = checked.value;
const digest = `sha256:${"ab12".repeat(16)}` as const;

const arm = (n: number, wrong: number): ArmCounts => ({
  started: n,
  requests: n,
  rejected: 0,
  series: { errors: { n, bad: 0 }, wrong: { n, bad: wrong } },
});

function looksOf(...counts: readonly (readonly [number, number, number, number])[]) {
  let judge = judgeOf(plan, "canary");
  return counts.map(([n, wrong, stableN, stableWrong], i) => {
    const seen = {
      atMs: 19_000 * (i + 1),
      phase: "canary" as const,
      step: 0,
      share: 0.25,
      waitedMs: 19_000 * (i + 1),
      counts: { candidate: arm(n, wrong), stable: arm(stableN, stableWrong) },
      exposure: { candidate: n * (i + 1), stable: stableN * (i + 1) },
    };
    const judged = judgeLook(judge, seen, plan);
    judge = judged.judge;
    return judged;
  });
}

const entryWith = (looks: readonly Look[], more: Partial<JournalEntry> = {}): JournalEntry => ({
  schema: 1,
  rollout: "local/digits@1.2.0",
  target: "local",
  release: "v1.2.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: { name: "digits", version: "1.2.0", digest },
  stable: { name: "digits", version: "1.1.0", digest },
  plan,
  phase: "ended",
  step: 0,
  share: 0,
  sinceMs: 0,
  looks,
  endedAtMs: 38_000,
  ...more,
});

const plainOf = (value: Text) =>
  spansOf(value)
    .map((span) =>
      typeof span === "string" ? span : "code" in span ? span.code : "strong" in span ? span.strong : span.label,
    )
    .join("");

const common = { target: "local", rehearsal: false, allowHold: false, url: "http://127.0.0.1:8080" };
const ended = {
  state: "ended",
  verified: undefined,
  differing: [],
  evidence: { path: "/e.json", digest },
  imageExecuted: true,
  resumed: false,
} as const;

describe("a rollout that was taken back", () => {
  const judged = looksOf([206, 30, 620, 25], [206, 98, 620, 25]);
  const last = judged.at(-1);
  const {
    report: page,
    outputs,
    parts,
    succeeded,
  } = report({
    ...common,
    ...ended,
    decision: "rolled-back",
    reasons: last?.verdict.reasons ?? [],
    entry: entryWith(judged.map(({ look }) => look)),
    verdict: last?.verdict,
    verified: { requests: 200, elsewhere: 0 },
    differing: [
      { arm: "candidate", payload: 7, request: "{}", path: "outputs[label].data[0]", expected: "3", saw: "8" },
    ],
  });

  test("is told in a sentence with the number that decided", () => {
    expect(plainOf(page.headline)).toBe(
      "Rolled back digits 1.2.0 after 38s at 25 %: 31.1 % of its answers were wrong, 4.03 % of the champion's",
    );
  });

  test("says what it cost, how sure that is, who serves, and what to do next", () => {
    const lead = page.lead.map(plainOf);
    expect(lead[0]).toMatch(
      /^412 requests met the candidate, 128 of 412 got a wrong answer\. Proof 10[⁰-⁹¹²³]+ to 1 where 40 to 1 is asked\.$/,
    );
    expect(lead).toContain("Champion 1.1.0 serves everything again (counted: 0 of 200 requests went elsewhere).");
    expect(lead.at(-1)).toBe(
      "Next: mode: replay with evidence: /e.json shows every look; the first differing payloads are below.",
    );
  });

  test("fails the step and stands in the record", () => {
    expect(succeeded).toBe(false);
    expect(outputs).toMatchObject({ decision: "rolled-back", exposure: "0", evidence: "/e.json" });
    expect(parts?.deployment).toMatchObject({
      decision: "rolled-back",
      exposure: 0,
      evidenceDigest: digest,
      imageExecuted: true,
    });
  });

  test("shows every series, the looks with a chart, and the first answers that differ", () => {
    expect(page.sections.map(({ title }) => title)).toEqual([
      undefined,
      "First answers of the candidate that differ",
      "2 looks",
      "Rollout",
    ]);
  });
});

test("a promotion says what was proved", () => {
  const judged = looksOf([2_000, 60, 2_000, 60], [2_000, 60, 2_000, 60]);
  const { report: page, succeeded } = report({
    ...common,
    ...ended,
    decision: "promoted",
    reasons: [],
    entry: entryWith(judged.map(({ look }) => look)),
    verdict: judged.at(-1)?.verdict,
  });
  expect(plainOf(page.headline)).toBe(
    "Promoted digits 1.2.0 after 38s: 0 % of its answers were errors, proved under 8 %; 3 % of its answers were wrong, proved under 8 %",
  );
  expect(succeeded).toBe(true);
});

test("what was refused says why, what to do, and that nothing was begun", () => {
  const outcome: Outcome = {
    ...common,
    state: "stopped",
    decision: "refused",
    model: { name: "digits", version: "1.2.0", digest },
    reason: "digits 1.2.0 did not pass its gate",
    hint: "release a version that passes",
  };
  const { report: page, succeeded, outputs } = report(outcome);
  expect(plainOf(page.headline)).toBe("Refused digits 1.2.0: digits 1.2.0 did not pass its gate");
  expect(page.lead.map(plainOf)).toEqual([
    "Nothing was started, nothing was changed. Next: release a version that passes.",
  ]);
  expect([succeeded, outputs.decision]).toEqual([false, "refused"]);
});

test("a hold succeeds only where that is allowed", () => {
  const held = (allowHold: boolean) =>
    report({
      ...common,
      ...ended,
      allowHold,
      decision: "held",
      reasons: [{ why: "undecided", series: ["wrong"], waitedMs: 600_000 }],
      entry: entryWith([]),
      verdict: undefined,
    });
  expect([held(false).succeeded, held(true).succeeded]).toEqual([false, true]);
  expect(plainOf(held(true).report.headline)).toBe(
    "Held digits 1.2.0 before it got any traffic: neither alarm nor proof after 10m: nothing is proved for wrong",
  );
});
