import { describe, expect, test } from "vitest";
import type { Outcome } from "../../../actions/deploy-model/outcome.ts";
import { report } from "../../../actions/deploy-model/report.ts";
import type { Capacity } from "../../../actions/shared/domain/capacity/capacity.ts";
import type { VersionRecord } from "../../../actions/shared/domain/model-version.ts";
import { spansOf, type Text } from "../../../actions/shared/domain/report.ts";
import { type Duel, stepAfterDuel } from "../../../actions/shared/domain/rollout/duel.ts";
import type { JournalEntry, Look } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import type { ArmCounts } from "../../../actions/shared/domain/rollout/judge.ts";
import { judgeLook, judgeOf } from "../../../actions/shared/domain/rollout/judge-looks.ts";
import type { Reason } from "../../../actions/shared/domain/rollout/reason.ts";
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

describe("a replay of the payloads that decided", () => {
  const duel: Duel = {
    payloads: 812,
    asked: 500,
    compared: 499,
    agreed: 455,
    unanswered: 2,
    largest: { payload: 17, path: "outputs[0].data[3]", difference: 0.31 },
    slices: [{ slice: "class=8", compared: 40, differing: 21 }],
    latency: { candidate: 12.4, stable: 9.9 },
    labels: { compared: 499, candidate: 440, stable: 480, onlyCandidate: 3, onlyStable: 43, chance: 1e-9 },
    differing: [{ payload: 17, path: "outputs[0].data[3]", stable: "0.9", candidate: "0.59" }],
  };
  const bounds = { minAgreement: 0.95, maxDifference: 0.5 };
  const step = stepAfterDuel(duel, bounds, "hold");
  const { report: page } = report({
    ...common,
    ...ended,
    decision: "rolled-back",
    reasons: step?.reasons ?? [],
    entry: entryWith([], { duel, plan: { ...plan, duel: bounds } }),
    verdict: undefined,
  });

  test("is told in the headline, with the number", () => {
    expect(plainOf(page.headline)).toBe(
      "Rolled back digits 1.2.0 before it got any traffic: the same payloads were answered alike in 91.2 % (455 of 499), at least 95 % is asked",
    );
  });

  test("comes first and open, with its bounds, slices and payloads", () => {
    const [section] = page.sections;
    expect(section).toMatchObject({ title: "Replay of the payloads, before any traffic", priority: 1, folded: false });
    const texts = (section?.blocks ?? []).flatMap((block) =>
      block.kind === "table" ? block.rows.map((row) => row.map(plainOf).join(" | ")) : [],
    );
    expect(texts).toEqual([
      "❌ | answered alike | 91.2 % (455 of 499) | at least 95 %",
      "✅ | largest difference, outputs[0].data[3] of payload 17 | 0.31 | at most 0.5",
      " | time of an answer (median), beside the champion's | 1.25 times (12.4 ms against 9.9 ms) | ",
      " | right answers | 440 of 499, the champion 480 | ",
      "⚠️ | right in one version only (McNemar's exact test) | 3 candidate, 43 champion: champion ahead, chance alone under 0.1 % | ",
      "class=8 | 21 (52.5 %) | 40",
      "17 | outputs[0].data[3] | 0.9 | 0.59",
    ]);
  });
});

describe("refusals that are only watched", () => {
  const refusing = (n: number, rejected: number): ArmCounts => ({ ...arm(n, 0), rejected });
  const judged = judgeLook(
    judgeOf(plan, "canary"),
    {
      atMs: 19_000,
      phase: "canary",
      step: 0,
      share: 0.25,
      waitedMs: 19_000,
      counts: { candidate: refusing(500, 80), stable: refusing(1_500, 15) },
      exposure: { candidate: 500, stable: 1_500 },
    },
    plan,
  );
  const { report: page } = report({
    ...common,
    ...ended,
    decision: "promoted",
    reasons: [],
    entry: entryWith([judged.look]),
    verdict: judged.verdict,
  });

  test("are warned of, and stand below the gate", () => {
    expect(page.lead.map(plainOf)).toContainEqual(
      expect.stringMatching(/^Warning: 16 % of its answers were refusals \(4xx\), 1 % of the champion's; proof 10/),
    );
    const [first] = page.sections;
    const [table] = first?.blocks ?? [];
    const rows = table?.kind === "table" ? table.rows.map((row) => row.map(plainOf)) : [];
    expect(rows.map(([mark, name]) => [mark, name])).toEqual([
      ["✅", "errors"],
      ["✅", "wrong"],
      ["⚠️", "rejected"],
    ]);
  });
});

test("an incident of the platform is told as one, and what to do then", () => {
  const incident: Reason = {
    why: "incident",
    series: "errors",
    counts: { candidate: { n: 100, bad: 9 }, stable: { n: 900, bad: 80 } },
    before: { n: 1_800, bad: 9 },
  };
  const judged = looksOf([206, 5, 620, 25]);
  const { report: page } = report({
    ...common,
    ...ended,
    decision: "held",
    reasons: [incident],
    entry: entryWith(judged.map(({ look }) => look)),
    verdict: judged.at(-1)?.verdict,
  });
  expect(page.tone).toBe("waiting");
  expect(plainOf(page.headline)).toBe(
    "Held digits 1.2.0 after 38s at 25 %: platform incident, not this model: 9 % of the candidate's and 8.89 % of the champion's answers were errors, 0.5 % of the champion's before",
  );
  expect(plainOf(page.lead.at(-1) ?? "")).toMatch(/^Next: when the platform is well again, run the step again;/);
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

test("a plan says what decides beside the series", () => {
  const candidate: VersionRecord = {
    schema: 1,
    model: "digits",
    version: "1.2.0",
    digest,
    folder: "digits/files/1.2.0",
    files: [{ path: "model.json", size: 2, digest }],
    metrics: [],
    author: "octocat",
    release: "v1.2.0",
    createdAt: "2026-11-20T09:00:00Z",
    logAfter: 0,
  };
  const planned: Outcome = {
    ...common,
    state: "planned",
    candidate,
    stable: { name: "digits", version: "1.1.0", digest },
    standing: { do: "deploy" },
    strategy: "canary",
    plan: {
      ...plan,
      judge: { ...plan.judge, maxFailed: 300 },
      duel: { minAgreement: 0.95, maxDifference: 0.5 },
    },
    forecast: undefined,
    traffic: undefined,
    preview: undefined,
    notes: [],
  };
  const judge = report(planned).report.sections.find(({ title }) => title === "Judge");
  const list = judge?.blocks.find(({ kind }) => kind === "list");
  expect(list?.kind === "list" ? list.items.map(plainOf) : []).toEqual([
    "Before any traffic at least 95 % of the payloads must be answered alike.",
    "Before any traffic no number of an answer may lie further than 0.5 from the champion's.",
    "Rolled back when 300 bad answers of the candidate have reached users.",
    "rejected is compared as well, and only told.",
  ]);
  const capacity: Capacity = {
    asked: "1 x nvidia.com/gpu",
    replicas: 2,
    nodes: [{ name: "gpu-1", free: {}, allocatable: {}, holds: 0, obstacle: "0 x nvidia.com/gpu of 2 x free" }],
    plans: [
      { plan: "extra", state: "short", why: "1 node can take 0 of 2 now" },
      { plan: "borrow", state: "fits", why: "room on gpu-1" },
    ],
    notes: [],
  };
  const preview = { changes: [], notes: [], capacity };
  const room = report({ ...planned, preview }).report.sections.find(({ title }) => title === "Capacity");
  expect(room?.blocks).toMatchObject([
    { kind: "paragraph", text: "2 pods of the candidate, each with 1 x nvidia.com/gpu." },
    {
      kind: "table",
      rows: [
        [{ code: "capacity: extra" }, "no", "1 node can take 0 of 2 now"],
        [{ code: "capacity: borrow" }, "yes", "room on gpu-1"],
      ],
    },
    { kind: "table", rows: [[{ code: "gpu-1" }, "0", "0 x nvidia.com/gpu of 2 x free"]] },
  ]);
});
