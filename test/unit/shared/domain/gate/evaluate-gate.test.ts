import { describe, expect, it } from "vitest";
import type { Champion } from "../../../../../actions/shared/domain/gate/champion.ts";
import { evaluateGate } from "../../../../../actions/shared/domain/gate/evaluate-gate.ts";
import { parseGateLines } from "../../../../../actions/shared/domain/gate/lines.ts";
import { parseGateObjects } from "../../../../../actions/shared/domain/gate/objects.ts";
import { type Case, singlesOf } from "../../../../../actions/shared/domain/gate/result.ts";
import type { Rule } from "../../../../../actions/shared/domain/gate/rule.ts";
import type { Metric } from "../../../../../actions/shared/domain/metric.ts";
import { formatProblem } from "../../../../../actions/shared/domain/problem.ts";
import type { DataSet } from "../../../../../actions/shared/domain/release.ts";

const TEST = { role: "test", digest: `sha256:${"1".repeat(64)}` } as const;
const OTHER = { role: "test", digest: `sha256:${"2".repeat(64)}` } as const;

const CANDIDATE: readonly Metric[] = [
  { name: "accuracy", value: 0.96, task: "evaluate", n: 333, dataset: TEST },
  { name: "loss", value: 0.3, task: "evaluate" },
  { name: "drift", value: 0, task: "evaluate" },
  { name: "auc", value: "NaN", task: "evaluate" },
  { name: "speed", value: "Infinity", task: "evaluate" },
  { name: "score", value: 1, task: "tune" },
  { name: "score", value: 2, task: "train" },
  { name: "recall", slice: { class: "2" }, value: 0.9, n: 40, task: "evaluate" },
  { name: "recall", slice: { class: "10" }, value: 0.7, n: 12, task: "evaluate" },
  { name: "recall", slice: { class: "2", country: "de" }, value: 0.1, n: 3, task: "evaluate" },
  { name: "val.f1", value: 0.5, task: "evaluate" },
];

const CHAMPION: Champion = {
  version: "1.0.0",
  metrics: [
    { name: "accuracy", value: 0.962, n: 333, dataset: TEST },
    { name: "loss", value: -2 },
    { name: "drift", value: 0 },
    { name: "speed", value: 1 },
    { name: "recall", slice: { class: "2" }, value: 0.88, n: 40 },
    { name: "recall", slice: { class: "10" }, value: 0.7, n: 12 },
    { name: "recall", slice: { class: "3" }, value: 0.9, n: 40 },
  ],
  data: [{ role: "train", rows: 1_000 }, TEST],
};

const DATA: readonly DataSet[] = [
  { role: "train", uri: "s3://data/train", rows: 1_464 },
  { role: "test", uri: "s3://data/test", digest: TEST.digest },
];

function rulesOf(lines: string): readonly Rule[] {
  const parsed = parseGateLines(lines, { file: "gates.txt" });
  if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value;
}

type Setting = {
  readonly metrics?: readonly Metric[];
  readonly champion?: Champion;
  readonly data?: readonly DataSet[];
};

function judge(lines: string, { metrics = CANDIDATE, champion, data = DATA }: Setting = {}) {
  return evaluateGate({ rules: rulesOf(lines), metrics, data, ...(champion ? { champion } : {}) });
}

function cases(lines: string, setting: Setting = {}): readonly Case[] {
  return judge(lines, setting)
    .results.flatMap(singlesOf)
    .flatMap((one) => one.cases);
}

describe("one rule on its own numbers", () => {
  it.each([
    ["accuracy >= 0.95", "pass"],
    // inclusive at both ends
    ["accuracy >= 0.96", "pass"],
    ["accuracy <= 0.96", "pass"],
    ["accuracy > 0.96", "fail"],
    ["accuracy < 0.96", "fail"],
    ["accuracy > 0.9599", "pass"],
    ["accuracy < 0.9601", "pass"],
    ["accuracy == 0.96", "pass"],
    ["accuracy == 0.961", "fail"],
    ["accuracy >= 0.97", "fail"],
    ["accuracy >= 0.97 warn", "warn"],
    ["accuracy >= 0.95 warn", "pass"],
    ["loss <= 0.3", "pass"],
    ["evaluate.accuracy >= 0.95", "pass"],
    ["train.score == 2", "pass"],
    ["val.f1 >= 0.5", "pass"],
    ["data.train.rows >= 1000", "pass"],
    ["data.train.rows >= 2000", "fail"],
    ["accuracy >= 0.95 when n >= 333", "pass"],
    ["recall[class=2] >= 0.9", "pass"],
    ["recall[country=de,class=2] >= 0.9", "fail"],
  ])("%s: %s", (line, state) => {
    expect(judge(line).verdict).toBe(state);
  });

  it("tells value, bound and count", () => {
    expect(cases("accuracy >= 0.97")).toEqual([
      { subject: "accuracy", state: "fail", value: 0.96, bound: 0.97, n: 333 },
    ]);
  });
});

describe("no data", () => {
  it.each([
    ["acuracy >= 0.9", "the run has no metric `acuracy`; did you mean `accuracy`?"],
    ["train.accuracy >= 0.9", "the run has no metric `train.accuracy`"],
    ["recall >= 0.9", "the run has no metric `recall`"],
    ["recall[class=9] >= 0.9", "the run has no metric `recall[class=9]`; did you mean `recall[class=2]`?"],
    ["precision[class=*] >= 0.9", "the run has no metric `precision[class=*]`"],
    ["auc >= 0.9", "the run's `auc` is NaN"],
    ["speed >= 0.9", "the run's `speed` is Infinity"],
    ["score >= 0.9", "the run has `score` from several tasks: write `tune.score` or `train.score`"],
    ["recall[class=10] >= 0.5 when n >= 20", "n = 12 is too few, at least 20 are asked"],
    ["loss <= 1 when n >= 20", "how many examples are behind it is not known, and at least 20 are asked"],
    ["data.eval.rows >= 1", "the run has no row count of data `eval`"],
    ["gap(precision[class=*]) <= 1", "the run has no metric `precision[class=*]`"],
    [
      "gap(recall[class=*,country=de]) <= 1",
      "the run has one slice of `recall[class=*,country=de]`, and a gap needs two",
    ],
    ["gap(recall[class=*]) <= 1 when n >= 20", "n = 12 is too few, at least 20 are asked"],
  ])("%s", (line, reason) => {
    expect(cases(line)).toMatchObject([{ state: "no-data", reason }]);
    expect(judge(line).verdict).toBe("no-data");
  });

  it.each([
    ["auc >= 0.9 if-missing warn", "no-data"],
    ["f1 >= 0.9 warn", "no-data"],
    ["f1 >= 0.9 if-missing no-data", "no-data"],
    ["f1 >= 0.9 if-missing warn", "warn"],
    ["f1 >= 0.9 if-missing fail", "fail"],
    ["f1 >= 0.9 if-missing fail warn", "fail"],
    ["data.eval.rows >= 1 if-missing warn", "warn"],
    ["data.eval.digest == champion if-missing fail", "fail"],
  ])("%s: %s", (line, state) => {
    expect(judge(line, { champion: CHAMPION }).verdict).toBe(state);
  });

  it("is what a run without any metric comes to", () => {
    expect(cases("accuracy >= 0.9", { metrics: [] })).toMatchObject([
      { state: "no-data", reason: "the run has no metrics at all" },
    ]);
  });

  it("is a metric that one task reported with two values", () => {
    const metrics = [
      { name: "f1", value: 0.9, task: "evaluate" },
      { name: "f1", value: 0.8, task: "evaluate" },
    ];
    expect(cases("f1 >= 0.5", { metrics })).toMatchObject([
      { state: "no-data", reason: "the run has `f1` 2 times, with different values" },
    ]);
    expect(judge("f1 >= 0.5", { metrics: [metrics[0]!, metrics[0]!] }).verdict).toBe("pass");
  });
});

describe("against the champion", () => {
  it.each([
    ["accuracy >= champion", "fail", 0.962],
    // 0.962 - 0.002 is 0.96 here, and inclusive
    ["accuracy >= champion - 0.002", "pass", 0.96],
    ["accuracy > champion - 0.002", "fail", 0.96],
    ["accuracy >= champion - 1%", "pass", 0.95238],
    ["accuracy >= 99%", "pass", 0.95238],
    ["accuracy <= champion + 0.1", "pass", 1.062],
    // a percentage is of the absolute value: 5 % under -2 is -2.1
    ["loss >= champion - 5%", "pass", -2.1],
    ["loss <= champion + 5%", "fail", -1.9],
    ["loss >= 100%", "fail", 2],
    ["drift >= champion", "pass", 0],
    ["drift >= champion - 0.1", "pass", -0.1],
    ["data.train.rows >= champion", "pass", 1_000],
    ["data.train.rows <= champion + 10%", "fail", 1_100],
    ["gap(recall[class=*]) <= champion", "pass", 0.2],
  ])("%s: %s", (line, state, bound) => {
    expect(cases(line, { champion: CHAMPION })).toMatchObject([{ state, bound }]);
  });

  it.each([
    ["drift >= champion - 5%", "a percentage of the champion's 0 is no bound"],
    ["drift >= 95%", "a percentage of the champion's 0 is no bound"],
    ["train.score >= champion", "champion 1.0.0 has no metric `train.score`"],
    ["data.eval.digest == champion", "the run has no digest of data `eval`"],
  ])("%s: no data", (line, reason) => {
    expect(cases(line, { champion: CHAMPION })).toMatchObject([{ state: "no-data", reason }]);
  });

  it.each([
    ["train.score >= champion if-no-champion skip", "skipped"],
    ["train.score >= champion if-no-champion fail", "fail"],
    ["train.score >= champion if-missing warn", "no-data"],
  ])("%s, which the champion lacks: %s", (line, state) => {
    expect(cases(line, { champion: CHAMPION })).toMatchObject([{ state }]);
  });

  it("has no data where the champion's value is NaN or infinite", () => {
    const champion = { ...CHAMPION, metrics: [{ name: "accuracy", value: "NaN" as const }] };
    expect(cases("accuracy >= champion", { champion })).toMatchObject([
      { state: "no-data", value: 0.96, reason: "champion 1.0.0's `accuracy` is NaN" },
    ]);
  });

  it("has no data where the two sides were measured on different data", () => {
    const champion = { ...CHAMPION, metrics: [{ name: "accuracy", value: 0.9, dataset: OTHER }] };
    expect(cases("accuracy >= champion", { champion })).toMatchObject([
      { state: "no-data", value: 0.96, champion: 0.9, reason: "the two sides were measured on different data sets" },
    ]);
  });

  it("has no data where a bound or a gap is beyond all numbers", () => {
    const huge = { name: "recall", value: 1.7e308, slice: { class: "1" } };
    const champion = { ...CHAMPION, metrics: [huge] };
    expect(cases("recall[class=1] <= champion + 10%", { champion, metrics: [huge] })).toMatchObject([
      { state: "no-data", reason: "the bound is beyond all numbers" },
    ]);
    const low = { ...huge, value: -1.7e308, slice: { class: "2" } };
    expect(cases("gap(recall[class=*]) <= 1", { metrics: [huge, low] })).toMatchObject([
      { state: "no-data", reason: "the run's gap of `recall[class=*]` is beyond all numbers" },
    ]);
  });

  it("compares where one side does not say on what data", () => {
    const champion = { ...CHAMPION, metrics: [{ name: "accuracy", value: 0.9 }] };
    expect(judge("accuracy >= champion", { champion }).verdict).toBe("pass");
  });

  it("compares digests of data", () => {
    expect(judge("data.test.digest == champion", { champion: CHAMPION }).verdict).toBe("pass");
    expect(judge("data.test.digest == champion", { champion: { ...CHAMPION, data: [OTHER] } }).verdict).toBe("fail");
  });
});

describe("no champion", () => {
  it.each([
    ["accuracy >= champion", "skipped"],
    ["accuracy >= champion - 1%", "skipped"],
    ["accuracy >= 99%", "skipped"],
    ["data.test.digest == champion", "skipped"],
    ["accuracy >= champion if-no-champion skip", "skipped"],
    ["accuracy >= champion if-no-champion fail", "fail"],
    ["recall[class=*] >= champion", "skipped"],
    ["accuracy >= 0.9", "pass"],
  ])("%s: %s", (line, state) => {
    expect(judge(line).results.map((result) => result.state)).toEqual([state]);
  });

  it("skips and lists the rules on it, and judges by the others", () => {
    const judged = judge("accuracy >= 0.95\naccuracy >= champion");
    expect(judged.verdict).toBe("pass");
    expect(judged.results.map((result) => [result.text, result.state])).toEqual([
      ["accuracy >= 0.95", "pass"],
      ["accuracy >= champion", "skipped"],
    ]);
  });

  it("tells a missing metric beside it", () => {
    expect(cases("acuracy >= champion")).toMatchObject([
      {
        state: "skipped",
        reason: "there is no champion, and the run has no metric `acuracy`; did you mean `accuracy`?",
      },
    ]);
  });
});

describe("the verdict of a gate", () => {
  it.each([
    ["accuracy >= 0.9, loss <= 1", "pass"],
    ["accuracy >= 0.9, loss <= 0.1 warn", "warn"],
    ["accuracy >= 0.9, loss <= 0.1 warn, auc >= 0.5", "no-data"],
    ["accuracy >= 0.9, loss <= 0.1 warn, auc >= 0.5, accuracy >= 0.99", "fail"],
    // nothing could be judged
    ["accuracy >= champion", "no-data"],
    ["# nothing", "no-data"],
  ])("%s: %s", (lines, verdict) => {
    expect(judge(lines).verdict).toBe(verdict);
  });
});

describe("slices", () => {
  it("have a case each, in the order of their numbers, and the worst decides", () => {
    expect(cases("recall[class=*] >= 0.8")).toEqual([
      { subject: "recall[class=2]", state: "pass", value: 0.9, bound: 0.8, n: 40 },
      { subject: "recall[class=10]", state: "fail", value: 0.7, bound: 0.8, n: 12 },
    ]);
    expect(judge("recall[class=*] >= 0.8").verdict).toBe("fail");
  });

  it("are no data where one is too small", () => {
    expect(cases("recall[class=*] >= 0.8 when n >= 20").map((one) => one.state)).toEqual(["pass", "no-data"]);
  });

  it("are compared each with the champion's, and one that vanished is missed", () => {
    expect(cases("recall[class=*] >= champion", { champion: CHAMPION })).toMatchObject([
      { subject: "recall[class=2]", state: "pass", champion: 0.88 },
      { subject: "recall[class=3]", state: "no-data" },
      { subject: "recall[class=10]", state: "pass", champion: 0.7 },
    ]);
  });

  it("match by all their keys", () => {
    expect(cases("recall[class=*,country=*] >= 0.05").map((one) => one.subject)).toEqual([
      "recall[class=2,country=de]",
    ]);
    expect(cases("recall[class=2,country=*] >= 0.05").map((one) => one.subject)).toEqual([
      "recall[class=2,country=de]",
    ]);
  });

  it("have a gap, with the slices that make it", () => {
    expect(cases("gap(recall[class=*]) <= 0.2")).toEqual([
      {
        subject: "gap(recall[class=*])",
        state: "pass",
        value: expect.closeTo(0.2, 12),
        bound: 0.2,
        n: 12,
        reason: "from `recall[class=10]` to `recall[class=2]`",
      },
    ]);
  });

  it("with a NaN among them have no gap", () => {
    const metrics: readonly Metric[] = [
      { name: "recall", slice: { class: "1" }, value: 0.9 },
      { name: "recall", slice: { class: "2" }, value: "NaN" },
    ];
    expect(cases("gap(recall[class=*]) <= 1", { metrics })).toMatchObject([
      { state: "no-data", reason: "the run's `recall[class=2]` is NaN" },
    ]);
  });
});

describe("any of", () => {
  function anyOf(...lines: readonly string[]) {
    const parsed = parseGateObjects({ rules: [{ "any-of": lines }] }, () => ({ file: "gates.yaml" }));
    if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
    return evaluateGate({ rules: parsed.value, metrics: CANDIDATE, data: DATA }).verdict;
  }

  it.each([
    [["accuracy >= 0.99", "loss <= 1"], "pass"],
    [["accuracy >= 0.99", "loss <= 0.1"], "fail"],
    [["accuracy >= 0.99", "auc >= 0.1"], "no-data"],
    [["accuracy >= 0.99", "loss <= 0.1 warn"], "warn"],
    [["accuracy >= 0.99", "accuracy >= champion"], "fail"],
    [["accuracy >= champion", "loss <= champion"], "no-data"],
  ])("%j: %s", (lines, verdict) => {
    expect(anyOf(...lines)).toBe(verdict);
  });
});

describe("confidence", () => {
  const metrics: readonly Metric[] = [
    { name: "accuracy", value: 0.961, n: 333 },
    { name: "small", value: 0.9, n: 10 },
    { name: "f1", value: 0.9123, n: 33 },
    { name: "bare", value: 0.9 },
    ...[0.7, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9].map((value, index) => ({
      name: "recall",
      slice: { class: String(index) },
      value,
      n: 40,
    })),
  ];

  function states(rule: Record<string, unknown>): readonly string[] {
    const parsed = parseGateObjects({ rules: [rule] }, () => ({ file: "gates.yaml" }));
    if (parsed.state === "bad") throw new Error(parsed.problems.map(formatProblem).join("\n"));
    return evaluateGate({ rules: parsed.value, metrics })
      .results.flatMap(singlesOf)
      .flatMap((one) => one.cases)
      .map((one) => one.state);
  }

  const passing = (level: number) => ({ level, proves: "pass" });
  const failing = (level: number) => ({ level, proves: "fail" });

  it.each([
    // P(X >= 320 | 333, 0.93) is 0.012, of 0.95 it is 0.21
    [{ subject: "accuracy", op: ">=", bound: 0.93, confidence: passing(0.95) }, "pass"],
    [{ subject: "accuracy", op: ">=", bound: 0.95, confidence: passing(0.95) }, "no-data"],
    [{ subject: "accuracy", op: ">=", bound: 0.97, confidence: passing(0.95) }, "fail"],
    [{ subject: "accuracy", op: ">=", bound: 0.97, warn: true, confidence: passing(0.95) }, "warn"],
    // P(X <= 320 | 333, 0.99) is 6e-5, of 0.97 it is 0.21
    [{ subject: "accuracy", op: ">=", bound: 0.99, confidence: failing(0.95) }, "fail"],
    [{ subject: "accuracy", op: ">=", bound: 0.97, confidence: failing(0.95) }, "warn"],
    [{ subject: "accuracy", op: ">=", bound: 0.95, confidence: failing(0.95) }, "pass"],
    [{ subject: "small", op: "<=", bound: 0.99, confidence: passing(0.95) }, "no-data"],
    [{ subject: "small", op: "<=", bound: 0.2, confidence: failing(0.95) }, "fail"],
    [{ subject: "f1", op: ">=", bound: 0.5, confidence: passing(0.95) }, "no-data"],
    [{ subject: "bare", op: ">=", bound: 0.5, confidence: passing(0.95) }, "no-data"],
    [{ subject: "gone", op: ">=", bound: 0.5, confidence: passing(0.95) }, "no-data"],
  ])("%j: %s", (rule, state) => {
    expect(states(rule)).toEqual([state]);
  });

  it("shares the chance of a wrong failure among the slices", () => {
    // P(X <= 28 | 40, 0.83) is 0.03: under 5 % alone, over 0.5 % of ten
    const rule = { op: ">=", bound: 0.83, confidence: failing(0.95) };
    expect(states({ subject: "recall[class=0]", ...rule })).toEqual(["fail"]);
    expect(states({ subject: "recall[class=*]", ...rule })[0]).toBe("warn");
  });

  it("asks each slice for the full proof of a pass", () => {
    const rule = { subject: "recall[class=*]", op: ">=", bound: 0.78, confidence: passing(0.95) };
    // P(X >= 36 | 40, 0.78) is 0.045
    expect(states(rule)).toEqual(["fail", ...Array.from({ length: 9 }, () => "pass")]);
  });
});
