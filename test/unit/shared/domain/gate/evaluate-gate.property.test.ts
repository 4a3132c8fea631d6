import fc from "fast-check";
import { expect, it } from "vitest";
import type { Champion } from "../../../../../actions/shared/domain/gate/champion.ts";
import { evaluateGate } from "../../../../../actions/shared/domain/gate/evaluate-gate.ts";
import { parseGateLines } from "../../../../../actions/shared/domain/gate/lines.ts";
import { gatePart } from "../../../../../actions/shared/domain/gate/record.ts";
import { describeGate } from "../../../../../actions/shared/domain/gate/report.ts";
import type { Rule } from "../../../../../actions/shared/domain/gate/rule.ts";
import type { Metric } from "../../../../../actions/shared/domain/metric.ts";
import { markdownReport } from "../../../../../actions/shared/render/markdown.ts";

const name = fc.constantFrom("accuracy", "recall", "loss", "evaluate", "__proto__", "constructor");
const slice = fc.option(
  fc.dictionary(fc.constantFrom("class", "country"), fc.constantFrom("1", "2", "10", "de"), { minKeys: 1 }),
  { nil: undefined },
);
const digest = fc.constantFrom(`sha256:${"1".repeat(64)}` as const, `sha256:${"2".repeat(64)}` as const);
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.5, 1, "NaN" as const, "Infinity" as const),
);
const metric: fc.Arbitrary<Metric> = fc.record(
  {
    name,
    value,
    slice,
    n: fc.nat(100),
    task: fc.constantFrom("evaluate", "train"),
    dataset: fc.record({ role: fc.constant("test"), digest }),
  },
  { requiredKeys: ["name", "value"] },
);
const champion: fc.Arbitrary<Champion | undefined> = fc.option(
  fc.record({ version: fc.constant("1.0.0"), metrics: fc.array(metric, { maxLength: 8 }), data: fc.constant([]) }),
  { nil: undefined },
);

const subject = fc.constantFrom(
  "accuracy",
  "loss",
  "evaluate.accuracy",
  "recall[class=*]",
  "recall[class=1]",
  "gap(recall[class=*])",
  "recall[class=*,country=*]",
  "__proto__",
  "data.test.rows",
);
const bound = fc.constantFrom("0.5", "98%", "champion", "champion - 0.1", "champion + 5%", "-1e300");
const option = fc.constantFrom(
  "",
  " warn",
  " if-missing warn",
  " if-missing fail",
  " if-no-champion fail",
  " if-no-champion skip",
);
const line = fc
  .tuple(subject, fc.constantFrom(">=", "<=", ">", "<", "=="), bound, option)
  .map(([a, op, b, c]) => `${a} ${op} ${b}${c}`);

function rulesOf(lines: readonly string[]): readonly Rule[] {
  const parsed = parseGateLines(lines.join("\n"), { file: "gates.txt" });
  if (parsed.state === "bad") throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
}

const question = fc.record({
  lines: fc.array(line, { maxLength: 6 }),
  metrics: fc.array(metric, { maxLength: 10 }),
  champion,
});

it("gives a verdict that every rule agrees with, on whatever numbers", () => {
  fc.assert(
    fc.property(question, ({ lines, metrics, champion: other }) => {
      const { verdict, results } = evaluateGate({
        rules: rulesOf(lines),
        metrics,
        ...(other ? { champion: other } : {}),
      });
      const states = results.map(({ state }) => state);
      if (verdict === "pass") expect(states.filter((state) => state !== "skipped" && state !== "pass")).toEqual([]);
      if (verdict === "pass") expect(states).toContain("pass");
      if (states.includes("fail")) expect(verdict).toBe("fail");
      else if (states.includes("no-data")) expect(verdict).toBe("no-data");
      if (states.every((state) => state === "skipped")) expect(verdict).toBe("no-data");
    }),
    { numRuns: 300 },
  );
});

it("is no better with one rule more, unless nothing was judged before", () => {
  const order = ["fail", "no-data", "warn", "pass"];
  fc.assert(
    fc.property(question, line, ({ lines, metrics, champion: other }, more) => {
      const judge = (all: readonly string[]) =>
        evaluateGate({ rules: rulesOf(all), metrics, ...(other ? { champion: other } : {}) });
      const before = judge(lines);
      if (before.results.every(({ state }) => state === "skipped")) return;
      expect(order.indexOf(judge([...lines, more]).verdict)).toBeLessThanOrEqual(order.indexOf(before.verdict));
    }),
    { numRuns: 300 },
  );
});

it("can be told and recorded, whatever it is", () => {
  fc.assert(
    fc.property(question, ({ lines, metrics, champion: other }) => {
      const against = other ? { champion: other } : {};
      const evaluation = evaluateGate({ rules: rulesOf(lines), metrics, ...against });
      const story = { subject: "digits 1.0.0", evaluation, metrics, data: [], champion: other, curves: [], bound: {} };
      expect(markdownReport(describeGate(story))).toContain("digits 1.0.0");
      expect(JSON.stringify(gatePart(evaluation, { subject: {}, ...against }))).not.toMatch(/null/);
    }),
    { numRuns: 300 },
  );
});
