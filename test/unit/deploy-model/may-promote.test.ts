import { describe, expect, test } from "vitest";
import { promotionRefusal } from "../../../actions/deploy-model/modes/may-promote.ts";
import type { Standing } from "../../../actions/deploy-model/prepare/standing.ts";
import { formatProblem } from "../../../actions/shared/domain/problem.ts";
import type { JournalEntry, Look } from "../../../actions/shared/domain/rollout/journal-entry.ts";

const candidate = { name: "digits", version: "1.2.0", digest: `sha256:${"a".repeat(64)}` } as const;
const look = { verdict: "inconclusive", next: "hold", atMs: 1_790_000_000_000 } as Look;
const held = {
  candidate,
  phase: "ended",
  decision: "held",
  reason: "too few requests",
  looks: [look],
} as unknown as JournalEntry;

function refusal(change: Partial<JournalEntry> | undefined, standing: Standing = { do: "deploy" }) {
  const entry = change === undefined ? undefined : { ...held, ...change };
  const problem = promotionRefusal({ candidate, standing, entry });
  return problem && formatProblem(problem);
}

test("a rollout that was held is carried on", () => {
  expect(refusal({})).toBeUndefined();
});

describe("not carried on:", () => {
  test.each([
    ["where there is none", undefined, /saw no rollout/],
    ["that of another version", { candidate: { ...candidate, version: "1.1.0" } }, /the last rollout, of 1\.1\.0/],
    ["one that has not ended", { phase: "canary" }, /in phase canary.*mode: recover ends it/],
    [
      "one that was rolled back",
      { decision: "rolled-back", reason: "wrong" },
      /saw digits 1\.2\.0, rolled-back: wrong/,
    ],
    ["one that was promoted", { decision: "promoted" }, /saw digits 1\.2\.0, promoted/],
    [
      "one that the judge failed",
      { looks: [{ ...look, verdict: "fail" }, look] },
      /nobody promotes what the judge found/,
    ],
    ["one that met no request", { looks: [] }, /before it met any request/],
  ] as const)("%s", (_, change, message) => {
    expect(refusal(change as Partial<JournalEntry> | undefined)).toMatch(message);
  });

  test("a version that may not serve any more", () => {
    const standing: Standing = { do: "refuse", reason: "digits 1.2.0 was retired", hint: "take another" };
    expect(refusal({}, standing)).toMatch(/saw digits 1\.2\.0 was retired.*take another/);
  });
});
