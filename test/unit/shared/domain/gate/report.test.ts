import { describe, expect, it } from "vitest";
import type { Champion } from "../../../../../actions/shared/domain/gate/champion.ts";
import { evaluateGate } from "../../../../../actions/shared/domain/gate/evaluate-gate.ts";
import { parseGateLines } from "../../../../../actions/shared/domain/gate/lines.ts";
import { parseGateObjects } from "../../../../../actions/shared/domain/gate/objects.ts";
import { gatePart } from "../../../../../actions/shared/domain/gate/record.ts";
import { describeGate, type GateStory } from "../../../../../actions/shared/domain/gate/report.ts";
import type { Rule } from "../../../../../actions/shared/domain/gate/rule.ts";
import { showChange, showValue } from "../../../../../actions/shared/domain/gate/show.ts";
import type { Metric } from "../../../../../actions/shared/domain/metric.ts";
import { markdownReport, plainHeadline } from "../../../../../actions/shared/render/markdown.ts";

const TEST = { role: "test", digest: `sha256:ab12${"0".repeat(60)}` } as const;

const METRICS: readonly Metric[] = [
  { name: "accuracy", value: 0.960960960960961, n: 333, task: "evaluate", dataset: TEST },
  ...[0.97, 0.99, 0.94, 0.7058823529411765].map((value, index) => ({
    name: "recall",
    slice: { class: String(index + 5) },
    value,
    n: 34,
    task: "evaluate",
    dataset: TEST,
  })),
];

const CHAMPION: Champion = {
  version: "1.1.0",
  digest: `sha256:${"c".repeat(64)}`,
  metrics: [
    { name: "accuracy", value: 0.9579579579579579, n: 333, dataset: TEST },
    { name: "recall", slice: { class: "8" }, value: 0.8823529411764706, n: 34, dataset: TEST },
  ],
  data: [],
};

function rules(lines: string): readonly Rule[] {
  const parsed = parseGateLines(lines, { file: "release/gates.txt" });
  return parsed.state === "ok" ? parsed.value : [];
}

function story(gate: string | readonly Rule[], change: Partial<GateStory> = {}): GateStory {
  const judged = {
    metrics: METRICS,
    champion: CHAMPION,
    data: [{ role: "test", uri: "data/test.csv", digest: TEST.digest, rows: 333 }],
    ...change,
  };
  const { champion, ...question } = judged;
  return {
    subject: "digits 1.2.0",
    evaluation: evaluateGate({
      ...question,
      rules: typeof gate === "string" ? rules(gate) : gate,
      ...(champion ? { champion } : {}),
    }),
    gates: { file: "release/gates.txt" },
    curves: [],
    bound: { runId: "4fb9", artifact: "export.model" },
    ...judged,
  };
}

const headline = (told: GateStory) => plainHeadline(describeGate(told));

describe("the report of a gate", () => {
  it("reads as a sentence with the number that decided, what to do, and the table of the rules", () => {
    const gates = "accuracy >= 0.95\naccuracy >= champion - 0.002\n\nrecall[class=*] >= 0.8 when n >= 20";
    expect(markdownReport(describeGate(story(gates)))).toMatchInlineSnapshot(`
      "### ❌ digits 1.2.0 did not pass its gate: \`recall[class=8]\` is 0.706, at least 0.8 is asked

      2 of 3 rules hold. Compared with champion 1.1.0 on the same test set (333 rows, \`sha256:ab1200000000\`). Gates: \`release/gates.txt:4\`.

      Next: mend the model and release it under a new tag. To let this one through, run the step with \`override: REASON\`; it is recorded with your name.

      |     | metric                      |       value | champion | change | rule                       |
      | --- | --------------------------- | ----------: | -------: | -----: | -------------------------- |
      | ❌  | \`recall[class=8]\`           |       0.706 |    0.882 | −0.176 | ≥ 0.8 when n ≥ 20 (n = 34) |
      | ✅  | \`accuracy\`                  |       0.961 |    0.958 | +0.003 | ≥ 0.95                     |
      | ✅  | \`accuracy\`                  |       0.961 |    0.958 | +0.003 | ≥ champion − 0.002 (0.956) |
      | ✅  | \`recall[class=*]\`, 3 slices | 0.94 … 0.99 |          |        | ≥ 0.8 when n ≥ 20          |

      <details><summary>Slices</summary>

      \`recall[class=*] >= 0.8 when n >= 20\`

      |     | slice             | value | champion | change |   n |
      | --- | ----------------- | ----: | -------: | -----: | --: |
      | ✅  | \`recall[class=5]\` |  0.97 |          |        |  34 |
      | ✅  | \`recall[class=6]\` |  0.99 |          |        |  34 |
      | ✅  | \`recall[class=7]\` |  0.94 |          |        |  34 |
      | ❌  | \`recall[class=8]\` | 0.706 |    0.882 | −0.176 |  34 |

      </details>

      <details><summary>All metrics</summary>

      | metric            | value | champion | change |   n | data                       |
      | ----------------- | ----: | -------: | -----: | --: | -------------------------- |
      | \`accuracy\`        | 0.961 |    0.958 | +0.003 | 333 | test \`sha256:ab1200000000\` |
      | \`recall[class=5]\` |  0.97 |          |        |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=6]\` |  0.99 |          |        |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=7]\` |  0.94 |          |        |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=8]\` | 0.706 |    0.882 | −0.176 |  34 | test \`sha256:ab1200000000\` |

      </details>

      <details><summary>What was judged</summary>

      - Run \`4fb9\`
      - Artifact \`export.model\`
      - Data test: \`data/test.csv\` \`sha256:ab12000000000000000000000000000000000000000000000000000000000000\`
      - Champion 1.1.0: \`sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\`

      </details>"
    `);
  });

  it("of a first release says what was not asked, and has no columns for what there is not", () => {
    const first = story("accuracy >= 0.95\naccuracy >= champion", {
      champion: undefined,
      noChampion: "`digits@champion` is not in `file:///models`",
    });
    expect(markdownReport(describeGate(first))).toMatchInlineSnapshot(`
      "### ✅ digits 1.2.0 passed its gate: \`accuracy\` is 0.961, at least 0.95 is asked

      There is no champion (\`digits@champion\` is not in \`file:///models\`): 1 rule on it was skipped. Gates: \`release/gates.txt\`.

      |     | metric     | value | rule                             |
      | --- | ---------- | ----: | -------------------------------- |
      | ✅  | \`accuracy\` | 0.961 | ≥ 0.95                           |
      | ➖  | \`accuracy\` | 0.961 | ≥ champion; there is no champion |

      <details><summary>All metrics</summary>

      | metric            | value |   n | data                       |
      | ----------------- | ----: | --: | -------------------------- |
      | \`accuracy\`        | 0.961 | 333 | test \`sha256:ab1200000000\` |
      | \`recall[class=5]\` |  0.97 |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=6]\` |  0.99 |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=7]\` |  0.94 |  34 | test \`sha256:ab1200000000\` |
      | \`recall[class=8]\` | 0.706 |  34 | test \`sha256:ab1200000000\` |

      </details>

      <details><summary>What was judged</summary>

      - Run \`4fb9\`
      - Artifact \`export.model\`
      - Data test: \`data/test.csv\` \`sha256:ab12000000000000000000000000000000000000000000000000000000000000\`

      </details>"
    `);
  });

  it("shows confusion matrices and curves", () => {
    const curves: GateStory["curves"] = [
      {
        kind: "confusion-matrix",
        task: "evaluate",
        output: "confusion",
        labels: ["0", "1"],
        rows: [
          [30, 0],
          [2, 28],
        ],
      },
      {
        kind: "roc",
        task: "evaluate",
        output: "roc",
        points: [
          { threshold: "inf", falsePositiveRate: 0, recall: 0 },
          { threshold: 0.5, falsePositiveRate: 0.1, recall: 0.9 },
          { threshold: 0, falsePositiveRate: 1, recall: 1 },
        ],
      },
    ];
    const shown = markdownReport(describeGate(story("accuracy >= 0.95", { curves })));
    expect(shown).toContain(
      "| true ↓ taken for → |   0 |   1 |\n| ------------------ | --: | --: |\n| `0`                |  30 |   · |\n| `1`                |   2 |  28 |",
    );
    expect(shown).toContain("<details><summary>ROC curve (evaluate)</summary>");
  });
});

describe("the headline", () => {
  it.each([
    ["accuracy >= 0.95", "✅ digits 1.2.0 passed its gate: accuracy is 0.961, at least 0.95 is asked"],
    [
      "accuracy >= 0.5, accuracy >= champion",
      "✅ digits 1.2.0 passed its gate: 2 rules hold, the closest one: accuracy is 0.961, at least 0.958 (champion) is asked",
    ],
    [
      "accuracy >= 0.961 warn",
      "⚠️ digits 1.2.0 passed its gate with a warning: accuracy is 0.96096, at least 0.961 is asked",
    ],
    [
      "gap(recall[class=*]) <= 0.1",
      "❌ digits 1.2.0 did not pass its gate: gap(recall[class=*]) is 0.284, at most 0.1 is asked",
    ],
    [
      "accuracy > champion + 1%",
      "❌ digits 1.2.0 did not pass its gate: accuracy is 0.961, more than 0.968 (champion + 1%) is asked",
    ],
    ["acuracy >= 0.9", "❌ digits 1.2.0 could not be judged: the run has no metric acuracy; did you mean accuracy?"],
    ["f1 >= 0.9 if-missing fail", "❌ digits 1.2.0 did not pass its gate: the run has no metric f1"],
    ["", "❌ digits 1.2.0 could not be judged: no gate was given"],
  ])("%s", (gates, expected) => {
    expect(headline(story(gates))).toBe(expected);
  });

  it("says that every rule asks for a champion that there is not", () => {
    expect(headline(story("accuracy >= champion", { champion: undefined }))).toBe(
      "❌ digits 1.2.0 could not be judged: every rule asks for a champion, and there is none",
    );
  });

  it("has the word, the actor and the reason of an override", () => {
    expect(headline(story("accuracy >= 0.99", { override: { by: "octocat", reason: "demo on Monday" } }))).toBe(
      "⚠️ digits 1.2.0: its gate was overridden by octocat, “demo on Monday”; accuracy is 0.961, at least 0.99 is asked",
    );
  });
});

describe("annotations", () => {
  it("stand at the lines of the rules that did not pass, one for each", () => {
    const gates =
      "accuracy >= 0.95\nrecall[class=*] >= 0.95\nf1 >= 0.9\naccuracy >= 0.99 warn\nloss <= champion if-missing warn";
    expect(describeGate(story(gates)).findings).toEqual([
      {
        level: "error",
        where: { file: "release/gates.txt", line: 2 },
        message:
          "recall[class=*] >= 0.95 does not hold: recall[class=7] is 0.94, at least 0.95 is asked; recall[class=8] is 0.706, at least 0.95 is asked",
      },
      {
        level: "error",
        where: { file: "release/gates.txt", line: 3 },
        message: "f1 >= 0.9 could not be judged: the run has no metric f1",
      },
      {
        level: "warning",
        where: { file: "release/gates.txt", line: 4 },
        message: "accuracy >= 0.99 warn warns: accuracy is 0.961, at least 0.99 is asked",
      },
      {
        level: "warning",
        where: { file: "release/gates.txt", line: 5 },
        message: "loss <= champion if-missing warn warns: the run has no metric loss",
      },
    ]);
  });

  it("are warnings where the gate was overridden", () => {
    const overridden = story("accuracy >= 0.99", { override: { by: "octocat", reason: "demo" } });
    expect(describeGate(overridden).findings.map(({ level }) => level)).toEqual(["warning"]);
  });
});

describe("the record of a gate", () => {
  it("has one entry for each rule as it was written, with its worst slice", () => {
    const { evaluation } = story(
      "accuracy >= champion - 0.002\nrecall[class=*] >= 0.8 when n >= 20\nf1 >= champion if-no-champion skip",
    );
    expect(gatePart(evaluation, { subject: { runId: "4fb9" }, champion: CHAMPION })).toEqual({
      verdict: "fail",
      subject: { runId: "4fb9" },
      champion: { version: "1.1.0", digest: CHAMPION.digest },
      rules: [
        {
          rule: "accuracy >= champion - 0.002",
          state: "pass",
          file: "release/gates.txt",
          line: 1,
          value: 0.960960960960961,
          bound: 0.955957957958,
          champion: 0.9579579579579579,
          n: 333,
        },
        {
          rule: "recall[class=*] >= 0.8 when n >= 20",
          state: "fail",
          file: "release/gates.txt",
          line: 2,
          value: 0.7058823529411765,
          bound: 0.8,
          champion: 0.8823529411764706,
          n: 34,
          reason: "`recall[class=8]`, of 4",
        },
        {
          rule: "f1 >= champion if-no-champion skip",
          state: "no-data",
          file: "release/gates.txt",
          line: 3,
          reason: "the run has no metric `f1`",
        },
      ],
    });
  });

  it("says of alternatives how each came out", () => {
    const parsed = parseGateObjects({ rules: [{ "any-of": ["accuracy >= 0.99", "accuracy >= 0.9"] }] }, () => ({
      file: "gates.yaml",
      line: 2,
    }));
    const { evaluation } = story(parsed.state === "ok" ? parsed.value : []);
    expect(gatePart(evaluation, { subject: {} }).rules).toEqual([
      {
        rule: "accuracy >= 0.99 or accuracy >= 0.9",
        state: "pass",
        file: "gates.yaml",
        line: 2,
        reason: "accuracy >= 0.99: fail; accuracy >= 0.9: pass",
      },
    ]);
  });
});

describe("numbers", () => {
  it.each([
    [0.960960960960961, 0.95, "0.961"],
    [0.7949999, 0.795, "0.7949999"],
    [0.95, 0.95, "0.95"],
    [1464, 1000, "1464"],
    [123456.789, undefined, "123457"],
    [-0.25, undefined, "−0.25"],
    [1e-9, undefined, "1e-9"],
    ["NaN", undefined, "NaN"],
    [`sha256:${"a".repeat(64)}`, undefined, "sha256:aaaaaaaaaaaa"],
  ])("%s beside %s: %s", (value, beside, shown) => {
    expect(showValue(value, beside)).toBe(shown);
  });

  it.each([
    [0.958, 0.961, "+0.003"],
    [0.88, 0.71, "−0.17"],
    [0.1, 0.1, "±0"],
    [0.3, 0.1 + 0.2, "±0"],
  ])("from %d to %d: %s", (from, to, shown) => {
    expect(showChange(from, to)).toBe(shown);
  });
});
