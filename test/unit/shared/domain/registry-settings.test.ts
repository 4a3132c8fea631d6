import { describe, expect, test } from "vitest";
import { type AliasFacts, aliasRefusal } from "../../../../actions/shared/domain/registry-settings.ts";
import type { VersionState } from "../../../../actions/shared/domain/version-state.ts";

const act = { by: "ada", at: "2026-11-20T09:00:00Z" };

function state(parts: Partial<VersionState>): VersionState {
  const last = { change: "approved", reason: "wrong on 8s", act } as const;
  const subject = { version: "1.0.0", digest: `sha256:${"a".repeat(64)}` } as const;
  return { schema: 1, ...subject, state: "in-use", approvals: [], last, changes: 1, logAfter: 0, ...parts };
}
const approved = state({ approvals: [{ reason: "good", act }] });
const retired = state({ state: "retired" });

const facts: AliasFacts = {
  name: "digits",
  version: "1.0.0",
  alias: "live",
  rule: undefined,
  state: undefined,
  environment: undefined,
};

describe("an alias may be pointed at a version", () => {
  test.for<[string, Partial<AliasFacts>]>([
    ["that nobody decided anything of, where nothing is asked", {}],
    ["that is approved, where that is asked", { rule: { approval: true }, state: approved }],
    ["from the environment that is asked for", { rule: { environment: "production" }, environment: "production" }],
    ["where a rule asks for nothing", { rule: { approval: false } }],
  ])("%s", ([, given]) => {
    expect(aliasRefusal({ ...facts, ...given })).toBeUndefined();
  });
});

describe("an alias is not pointed at a version", () => {
  test.for<[string, Partial<AliasFacts>, string, RegExp]>([
    ["out of use, whatever is asked", { state: retired }, "retired", /retired by ada on 2026-11-20 \(wrong on 8s\)/],
    ["that nobody approved", { rule: { approval: true } }, "approval", /nobody approved it/],
    [
      "whose approvals ended",
      { rule: { approval: true }, state: state({ approvals: [] }) },
      "approval",
      /nobody approved it/,
    ],
    [
      "from no environment",
      { rule: { approval: true, environment: "production" }, state: approved },
      "environment",
      /no environment/,
    ],
    [
      "from another environment",
      { rule: { environment: "production" }, environment: "staging" },
      "environment",
      /^staging$/,
    ],
  ])("%s", ([, given, why, saw]) => {
    const refusal = aliasRefusal({ ...facts, ...given });
    expect(refusal).toMatchObject({ why, problem: { saw: expect.stringMatching(saw), hint: expect.any(String) } });
  });
});
