import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { GateFileSchema } from "../../../../../actions/shared/domain/gate/gate-file.ts";
import { parseGateObjects } from "../../../../../actions/shared/domain/gate/objects.ts";
import { formatRule } from "../../../../../actions/shared/domain/gate/rule.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";

/** Places as paths, so that a test reads which part a problem is of. */
function parse(document: unknown) {
  return parseGateObjects(document, (path) => ({
    file: path.length === 0 ? "gates.yaml" : `gates.yaml#${path.join(".")}`,
  }));
}

function lines(rules: unknown): readonly string[] {
  const parsed = parse({ rules });
  if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value.map(formatRule);
}

function problems(document: unknown): readonly string[] {
  const parsed = parse(document);
  return parsed.state === "bad" ? parsed.problems.map(formatProblem) : [];
}

describe("the published schema of the object form", () => {
  const rule = { subject: "accuracy", op: ">=", bound: 0.9 };

  it.each([
    [{ rules: ["accuracy >= 0.95", rule, { "any-of": ["f1 >= 0.9", rule] }] }],
    [{ rules: [{ ...rule, warn: true, when: "n >= 20", "if-missing": "warn", "if-no-champion": "fail" }] }],
    [
      {
        rules: [
          { ...rule, confidence: 0.95 },
          { ...rule, confidence: { level: "99%", proves: "fail" } },
        ],
      },
    ],
  ])("takes %j, as the reader does", (document) => {
    expect(problems(document)).toEqual([]);
    expect(v.safeParse(GateFileSchema, document).success).toBe(true);
  });

  it.each([
    [{ rule: [] }],
    [{ rules: rule }],
    [{ rules: [{ ...rule, wen: "n >= 20" }] }],
    [{ rules: [{ ...rule, op: "=>" }] }],
    [{ rules: [{ ...rule, warn: "yes" }] }],
    [{ rules: [{ ...rule, when: "20" }] }],
    [{ rules: [{ ...rule, "if-missing": "pass" }] }],
    [{ rules: [{ ...rule, confidence: { level: 0.95, prove: "pass" } }] }],
    [{ rules: [{ "any-of": [rule] }] }],
    [{ rules: [7] }],
  ])("refuses %j, as the reader does", (document) => {
    expect(problems(document)).not.toEqual([]);
    expect(v.safeParse(GateFileSchema, document).success).toBe(false);
  });
});

describe("the object form", () => {
  it.each([
    ["accuracy >= 0.95", "accuracy >= 0.95"],
    [{ subject: "accuracy", op: ">=", bound: 0.95 }, "accuracy >= 0.95"],
    [{ subject: "accuracy", op: ">=", bound: "champion - 0.002" }, "accuracy >= champion - 0.002"],
    [{ subject: "loss", op: "<=", bound: "98%" }, "loss <= 98%"],
    [{ subject: "gap(recall[class=*])", op: "<=", bound: 0.1 }, "gap(recall[class=*]) <= 0.1"],
    [{ subject: "data.test.digest", op: "==", bound: "champion" }, "data.test.digest == champion"],
    [
      {
        subject: "recall[class=*]",
        op: ">",
        bound: 0.8,
        warn: true,
        when: "n >= 20",
        "if-missing": "fail",
        "if-no-champion": "skip",
      },
      "recall[class=*] > 0.8 warn when n >= 20 if-missing fail if-no-champion skip",
    ],
    [{ "any-of": ["f1 >= 0.9", { subject: "auc", op: ">=", bound: 0.8 }] }, "f1 >= 0.9 or auc >= 0.8"],
    [
      { subject: "accuracy", op: ">=", bound: 0.9, confidence: "95%" },
      "accuracy >= 0.9 (passes only if proven at 95 %)",
    ],
    [
      { subject: "recall[class=*]", op: ">=", bound: 0.8, confidence: { level: 0.99, proves: "fail" } },
      "recall[class=*] >= 0.8 (fails only if proven at 99 %)",
    ],
  ])("%j", (rule, expected) => {
    expect(lines([rule])).toEqual([expected]);
  });

  it("takes several rules from one line", () => {
    expect(lines(["accuracy >= 0.95, loss <= 1"])).toEqual(["accuracy >= 0.95", "loss <= 1"]);
  });
});

describe("what it says about objects that are no rules", () => {
  it.each([
    [
      { subject: "accuracy", op: "=>", bound: 0.9 },
      "gates.yaml#rules.0.op: `op` is one of a few words (saw =>; allowed: >=, <=, ==, >, <); did you mean >=?",
    ],
    [
      { subject: "accuracy", bound: 0.9 },
      "gates.yaml#rules.0: `op` is one of a few words (saw nothing; allowed: >=, <=, ==, >, <)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: "0.9 warn" },
      "gates.yaml#rules.0.bound: something stands behind what was expected (saw warn)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: 1, wran: true },
      "gates.yaml#rules.0.wran: this key is not known (saw wran; allowed: subject, op, bound, warn, when, if-missing, if-no-champion, confidence); did you mean warn?",
    ],
    [
      { subject: "accuracy", op: ">=", bound: 1, warn: "yes" },
      "gates.yaml#rules.0.warn: `warn` is true or false (saw yes)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: 1, when: 20 },
      "gates.yaml#rules.0.when: `when` asks for a number of examples (saw 20; allowed: n >= INTEGER)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: 1, "if-missing": "skip" },
      "gates.yaml#rules.0.if-missing: `if-missing` is one of a few words (saw skip; allowed: no-data, fail, warn)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: 1, confidence: 1 },
      "gates.yaml#rules.0.confidence: a confidence level is a share from 50 % to under 100 % (saw 1; allowed: 95%, 0.99)",
    ],
    [
      { subject: "accuracy", op: ">=", bound: "champion", confidence: "95%" },
      "gates.yaml#rules.0.confidence: `confidence` against the champion needs both models' answers example by example, which a run does not report (allowed: a metric that is a proportion with its count, against a number)",
    ],
    [
      { subject: "gap(recall[class=*])", op: "<=", bound: 0.1, confidence: "95%" },
      "gates.yaml#rules.0.confidence: `confidence` is of metrics only (allowed: a metric that is a proportion with its count, against a number)",
    ],
    [{ "any-of": ["f1 >= 0.9"] }, "gates.yaml#rules.0.any-of: `any-of` is a list of two rules or more (saw a list)"],
    [
      { subject: "data.test.digest", op: "==", bound: 3 },
      "gates.yaml#rules.0: a digest can only be the champion's (allowed: data.test.digest == champion)",
    ],
    [42, "gates.yaml#rules.0: a rule is a gate line or an object (saw 42)"],
    [
      "accuracy => 0.9",
      "gates.yaml#rules.0:1:10: a comparison is missing after the metric (saw =>; allowed: >= <= == > <); write >=",
    ],
  ])("%j", (rule, expected) => {
    expect(problems({ rules: [rule] })).toEqual([expected]);
  });

  it("finds everything at once", () => {
    expect(problems({ ruels: 1, rules: [{ subject: "a b", op: "~", bound: "x" }, { "any-of": [] }] })).toHaveLength(5);
  });

  it("asks for rules where a document has none", () => {
    expect(problems({})).toEqual(["gates.yaml: `rules` is a list (saw nothing)"]);
    expect(problems(["accuracy >= 0.9"])).toEqual(["gates.yaml: a gate file is an object with `rules` (saw a list)"]);
  });
});
