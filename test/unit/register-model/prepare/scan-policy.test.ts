import { expect, test } from "vitest";
import { judgeScan, type ScanPolicy } from "../../../../actions/register-model/prepare/scan-policy.ts";
import { type ScanFinding, verdictOf } from "../../../../actions/shared/domain/model-scan.ts";

const code: ScanFinding = {
  level: "code-bearing",
  file: "m.pkl",
  at: 2,
  opcode: "GLOBAL",
  import: "acme.Model",
  why: "unknown",
};
const danger: ScanFinding = {
  level: "dangerous",
  file: "m.pkl",
  at: 9,
  opcode: "GLOBAL",
  import: "os.system",
  why: "runs commands",
};
const judging = (policy: ScanPolicy, ...findings: readonly ScanFinding[]) =>
  judgeScan({ verdict: verdictOf(findings), imports: [], findings }, policy);

test.each([
  ["fail", [danger, code], 1, []],
  ["fail", [code], 0, ["warning"]],
  ["warn", [code, danger], 0, ["warning", "warning"]],
  ["allow", [code, danger], 0, ["notice", "notice"]],
] as const)("%s of %j", (...[policy, found, problems, levels]) => {
  const judged = judging(policy, ...found);
  expect(judged.problems).toHaveLength(problems);
  expect(judged.findings.map(({ level }) => level)).toEqual(levels);
});

test("the dangerous ones are shown first, and of many the first ten", () => {
  const { findings } = judging("warn", ...Array.from({ length: 12 }, () => code), danger);
  expect(findings).toHaveLength(11);
  expect(findings[0]?.message).toBe("m.pkl: byte 9, GLOBAL: imports os.system, runs commands");
  expect(findings.at(-1)?.message).toBe("3 more findings like these");
});

test("a refusal says which import would have to be allowed", () => {
  expect(judging("fail", danger).problems[0]?.hint).toContain("`allow-imports: os.system`");
});
