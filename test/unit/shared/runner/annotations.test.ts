import { expect, test } from "vitest";
import type { Finding } from "../../../../actions/shared/domain/report.ts";
import { withinLimits } from "../../../../actions/shared/runner/tell-github.ts";

const findings = (level: Finding["level"], count: number): readonly Finding[] =>
  Array.from({ length: count }, (_, i) => ({ level, message: `${level} ${i}` }));

test("ten annotations of a level are shown", () => {
  expect(withinLimits([...findings("warning", 10), ...findings("error", 10)])).toHaveLength(20);
});

test("of more than ten, the last place says how many are left", () => {
  const shown = withinLimits(findings("error", 25));
  expect(shown).toHaveLength(10);
  expect(shown.at(-1)).toEqual({ level: "error", message: "16 more: see the job summary" });
});
