import { expect, test } from "vitest";
import { type ServingFacts, servingRefusal } from "../../../actions/deploy-model/prepare/may-serve.ts";
import type { VersionState } from "../../../actions/shared/domain/version-state.ts";
import { versionRecord } from "../../support/version-record.ts";

const act = { by: "ada", at: "2026-11-20T09:00:00Z" };
const decided = (parts: Partial<VersionState>): VersionState => ({
  schema: 1,
  version: "1.0.0",
  digest: `sha256:${"a".repeat(64)}`,
  state: "in-use",
  approvals: [],
  last: { change: "approved", reason: "wrong on 8s", act },
  changes: 1,
  logAfter: 0,
  ...parts,
});
const approved = decided({ approvals: [{ reason: "it is ours", act }] });

const record = versionRecord();
const dangerous = versionRecord({ scan: { verdict: "dangerous", imports: ["os.system"] } });
const facts: ServingFacts = { record, state: undefined, rule: undefined, environment: undefined };

test.for<[string, Partial<ServingFacts>]>([
  ["of which nobody said anything", {}],
  ["that is approved, where champion asks for that", { rule: { approval: true }, state: approved }],
  [
    "whose files import what is only unknown",
    { record: versionRecord({ scan: { verdict: "code-bearing", imports: [] } }) },
  ],
  [
    "whose unsafe files were allowed when it was registered",
    { record: versionRecord({ scan: { verdict: "dangerous", imports: [], allowed: true } }) },
  ],
  ["whose unsafe files somebody approved", { record: dangerous, state: approved }],
])("a version %s may serve", ([, given]) => {
  expect(servingRefusal({ ...facts, ...given })).toBeUndefined();
});

test.for<[string, Partial<ServingFacts>, string]>([
  [
    "that was retired",
    { state: decided({ state: "retired" }) },
    "digits 1.0.0: retired by ada on 2026-11-20 (wrong on 8s)",
  ],
  ["without the approval that champion asks for", { rule: { approval: true } }, "digits 1.0.0: nobody approved it"],
  [
    "from a job of another environment than champion moves in",
    { rule: { environment: "production" }, environment: "staging" },
    "the alias champion moves only in a job of the environment production: this one has staging",
  ],
  ["whose files are unsafe", { record: dangerous }, "digits 1.0.0: loading its files may run what came with them"],
])("a version %s may not", ([, given, reason]) => {
  const refusal = servingRefusal({ ...facts, ...given });
  expect(refusal).toMatchObject({ reason: expect.stringContaining(reason), hint: expect.stringMatching(/./) });
});
