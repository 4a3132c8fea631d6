import { describe, expect, it } from "vitest";
import { hasOperator, parseGateLines } from "../../../../../actions/shared/domain/gate/lines.ts";
import { formatRule, type SingleRule } from "../../../../../actions/shared/domain/gate/rule.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";

const FILE = { file: "release/gates.txt" };

function rules(text: string): readonly SingleRule[] {
  const parsed = parseGateLines(text, FILE);
  if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value;
}

function problems(text: string): readonly string[] {
  const parsed = parseGateLines(text, FILE);
  return parsed.state === "bad" ? parsed.problems.map(formatProblem) : [];
}

describe("what the grammar allows", () => {
  it.each([
    ["accuracy >= 0.95", { subject: { kind: "metric", metric: { name: "accuracy" } }, op: ">=" }],
    ["accuracy >= 0.95", { bound: { kind: "amount", amount: { value: 0.95, unit: "absolute" } }, warn: false }],
    ["loss <= 1e-3", { op: "<=", bound: { kind: "amount", amount: { value: 0.001, unit: "absolute" } } }],
    ["score > -.5", { op: ">", bound: { kind: "amount", amount: { value: -0.5, unit: "absolute" } } }],
    ["loss < +2.", { op: "<", bound: { kind: "amount", amount: { value: 2, unit: "absolute" } } }],
    ["accuracy == 1", { op: "==", bound: { kind: "amount", amount: { value: 1, unit: "absolute" } } }],
    ["accuracy >= 98%", { bound: { kind: "amount", amount: { value: 98, unit: "percent" } } }],
    ["accuracy >= 98 %", { bound: { kind: "amount", amount: { value: 98, unit: "percent" } } }],
    ["accuracy >= champion", { bound: { kind: "champion" } }],
    [
      "accuracy >= champion - 0.002",
      { bound: { kind: "champion", offset: { sign: "-", value: 0.002, unit: "absolute" } } },
    ],
    [
      "accuracy>=champion-0.002",
      { bound: { kind: "champion", offset: { sign: "-", value: 0.002, unit: "absolute" } } },
    ],
    ["loss <= champion + 5%", { bound: { kind: "champion", offset: { sign: "+", value: 5, unit: "percent" } } }],
    ["evaluate.accuracy >= champion", { subject: { kind: "metric", metric: { task: "evaluate", name: "accuracy" } } }],
    ["recall[class=3] >= 0.8", { subject: { kind: "metric", metric: { name: "recall", slice: { class: "3" } } } }],
    [
      "recall [ class = New York , year = 2 ] >= 0.8",
      { subject: { kind: "metric", metric: { name: "recall", slice: { class: "New York", year: "2" } } } },
    ],
    [
      "recall[class=*] >= 0.8 when n >= 20",
      { subject: { kind: "metric", metric: { name: "recall", slice: { class: "*" } } }, minimumN: 20 },
    ],
    [
      "gap(recall[class=*]) <= 0.1",
      { subject: { kind: "gap", metric: { name: "recall", slice: { class: "*" } } }, op: "<=" },
    ],
    ["data.train.rows >= 1000", { subject: { kind: "data", role: "train", field: "rows" } }],
    ["data.test.digest == champion", { subject: { kind: "data", role: "test", field: "digest" } }],
    ["accuracy >= 0.9 warn", { warn: true }],
    ["accuracy >= 0.9 if-missing no-data", { ifMissing: "no-data" }],
    ["accuracy >= 0.9 if-missing fail", { ifMissing: "fail" }],
    ["accuracy >= 0.9 if-missing warn", { ifMissing: "warn", warn: false }],
    ["accuracy >= champion if-no-champion fail", { ifNoChampion: "fail" }],
    ["accuracy >= champion if-no-champion skip", { ifNoChampion: "skip" }],
    [
      "f1 >= champion when n >= 20 if-no-champion skip warn if-missing warn",
      { warn: true, minimumN: 20, ifMissing: "warn", ifNoChampion: "skip" },
    ],
  ])("%s", (line, expected) => {
    expect(rules(line)).toHaveLength(1);
    expect(rules(line)[0]).toMatchObject(expected);
  });

  it("separates rules by line breaks and by commas outside brackets, and takes # as the start of a comment", () => {
    const text =
      "# the floor\naccuracy >= 0.95, recall[class=3,year=2] >= 0.8 # per class\r\n\n  loss <= champion,\n#end";
    expect(rules(text).map(formatRule)).toEqual([
      "accuracy >= 0.95",
      "recall[class=3,year=2] >= 0.8",
      "loss <= champion",
    ]);
    expect(rules(text).map((rule) => rule.where.line)).toEqual([2, 2, 4]);
  });

  it("has no rules where a text is only comments", () => {
    expect(rules("# nothing yet\n\n")).toEqual([]);
  });
});

describe("what it says about a line that it cannot read", () => {
  it.each([
    [
      "acuracy => 0.9",
      "release/gates.txt:1:9: a comparison is missing after the metric (saw =>; allowed: >= <= == > <); write >=",
    ],
    [
      "accuracy ≥ 0.9",
      "release/gates.txt:1:10: a comparison is missing after the metric (saw ≥; allowed: >= <= == > <); write >=",
    ],
    [
      "accuracy = 0.9",
      "release/gates.txt:1:10: a comparison is missing after the metric (saw =; allowed: >= <= == > <); write ==",
    ],
    [
      "accuracy",
      "release/gates.txt:1:9: a comparison is missing after the metric (saw the end of the rule; allowed: >= <= == > <)",
    ],
    [
      "accuracy != 1",
      "release/gates.txt:1:10: a comparison is missing after the metric (saw !=; allowed: >= <= == > <)",
    ],
    [
      "accuracy >=",
      "release/gates.txt:1:12: a bound is missing after the comparison (saw the end of the rule; allowed: 0.95, 98%, champion, champion - 0.002, champion + 5%)",
    ],
    [
      "accuracy >= chmapion",
      "release/gates.txt:1:13: a bound is missing after the comparison (saw chmapion; allowed: 0.95, 98%, champion, champion - 0.002, champion + 5%); did you mean champion?",
    ],
    [
      "accuracy >= 0.9.1",
      "release/gates.txt:1:13: a bound is missing after the comparison (saw 0.9.1; allowed: 0.95, 98%, champion, champion - 0.002, champion + 5%)",
    ],
    ["accuracy >= 1e999", "release/gates.txt:1:13: a bound is a finite number (saw 1e999)"],
    [
      "accuracy >= champion -",
      "release/gates.txt:1:23: a bound is missing after the comparison (saw the end of the rule; allowed: 0.95, 98%, champion, champion - 0.002, champion + 5%)",
    ],
    [
      ">= 0.9",
      "release/gates.txt:1:1: a rule starts with a metric (saw >=; allowed: `METRIC OP BOUND [warn] [when n >= N] [if-missing no-data|fail|warn] [if-no-champion fail|skip]`, such as `accuracy >= champion - 0.002`)",
    ],
    [
      "recall[class] >= 0.9",
      "release/gates.txt:1:1: this is no metric name (saw recall[class]; allowed: name, task.name, name[key=value], name[key=*])",
    ],
    [
      "recall[class=1,class=2] >= 0.9",
      "release/gates.txt:1:1: this is no metric name (saw recall[class=1,class=2]; allowed: name, task.name, name[key=value], name[key=*])",
    ],
    [
      "recall[class=1 >= 0.9",
      "release/gates.txt:1:7: the bracket of a slice is not closed (saw [class=1 >= 0.9); write recall[class=3]",
    ],
    [
      "gap(recall[class=*] <= 0.1",
      "release/gates.txt:1:1: the bracket of gap( is not closed; write gap(recall[class=*])",
    ],
    [
      "gap(recall[class=3]) <= 0.1",
      "release/gates.txt:1:1: gap( ) takes one metric over slices (saw recall[class=3]; allowed: gap(name[key=*]))",
    ],
    [
      "gap(recall) <= 0.1",
      "release/gates.txt:1:1: gap( ) takes one metric over slices (saw recall; allowed: gap(name[key=*]))",
    ],
    [
      "data.rows >= 1",
      "release/gates.txt:1:1: `data.` is reserved for the data sets of the release (saw data.rows; allowed: data.ROLE.rows, data.ROLE.digest)",
    ],
    [
      "data.train.bytes >= 1",
      "release/gates.txt:1:1: `data.` is reserved for the data sets of the release (saw data.train.bytes; allowed: data.ROLE.rows, data.ROLE.digest)",
    ],
    [
      "data.test.digest >= 1",
      "release/gates.txt:1:1: a digest can only be the champion's (allowed: data.test.digest == champion)",
    ],
    [
      "data.test.rows >= 1 when n >= 2",
      "release/gates.txt:1:1: `when n` counts the examples behind a metric, and a data set has none; leave it out",
    ],
    [
      "accuracy >= 0.9 wran",
      "release/gates.txt:1:17: this is no option of a rule (saw wran; allowed: warn; when n >= INTEGER; if-missing no-data|fail|warn; if-no-champion fail|skip); did you mean warn?",
    ],
    [
      "accuracy >= 0.9 loss <= 1",
      "release/gates.txt:1:17: this is no option of a rule (saw loss; allowed: warn; when n >= INTEGER; if-missing no-data|fail|warn; if-no-champion fail|skip); rules are separated by line breaks or commas",
    ],
    [
      "accuracy >= 0.9 when n > 20",
      "release/gates.txt:1:17: this option is written otherwise (saw when n > 20; allowed: when n >= INTEGER)",
    ],
    [
      "accuracy >= 0.9 when n >= 2.5",
      "release/gates.txt:1:17: this option is written otherwise (saw when n >= 2.5; allowed: when n >= INTEGER)",
    ],
    [
      "accuracy >= 0.9 if-missing skip",
      "release/gates.txt:1:17: this option is written otherwise (saw if-missing skip; allowed: if-missing no-data|fail|warn)",
    ],
    ["accuracy >= 0.9 warn warn", "release/gates.txt:1:22: an option stands once (saw warn twice)"],
  ])("%s", (line, expected) => {
    expect(problems(line)).toEqual([expected]);
  });

  it("finds everything that is wrong at once, each with its line and column", () => {
    const found = problems("accuracy >= 0.95\n  loss =< 1, f1 >= chapion\n# fine\ndata.rows > 1");
    expect(found.map((line) => /^[^ ]+(?= )/.exec(line)?.[0])).toEqual([
      "release/gates.txt:2:8:",
      "release/gates.txt:2:20:",
      "release/gates.txt:4:1:",
    ]);
  });
});

describe("rules or a path", () => {
  it.each([
    ["release/gates.txt", false],
    ["gates.yaml # where accuracy >= 0.9 stands", false],
    ["accuracy >= 0.9", true],
    ["accuracy => 0.9", true],
    ["accuracy ≥ 0.9", true],
    ["accuracy == 1", true],
    ["# only\nloss < 2", true],
  ])("%s", (text, isRules) => {
    expect(hasOperator(text)).toBe(isRules);
  });
});
