import { expect, test } from "vitest";
import { code } from "../../../../actions/shared/domain/report.ts";
import { renderJson } from "../../../../actions/shared/render/json.ts";
import { columnsOf } from "../../../../actions/shared/render/plain.ts";
import { renderTerminal } from "../../../../actions/shared/render/terminal.ts";
import { hostileTexts, report, section } from "../../../support/reports.ts";

test("a report on a terminal", () => {
  const shown = renderTerminal(
    report({
      tone: "undone",
      headline: "Rolled back digits 1.2.0 after 38 s at 25 %: 31 % of its answers were wrong",
      lead: ["412 requests met the candidate, 128 got a wrong answer. Champion 1.1.0 serves everything again."],
      sections: [
        section({
          title: "Looks",
          blocks: [
            {
              kind: "table",
              columns: [{ title: "at" }, { title: "wrong", align: "right" }],
              rows: [
                ["10 s", "3"],
                ["漢字", "128"],
              ],
            },
            { kind: "list", items: ["one", code("two")] },
            { kind: "code", text: "a\nb\n" },
            { kind: "chart", title: "Proof", xLabel: "s", yLabel: "e", series: [{ name: "wrong", points: [] }] },
          ],
        }),
      ],
      findings: [{ level: "warning", where: { file: "gates.txt", line: 4 }, message: "is old" }],
    }),
    60,
  );
  expect(shown).toMatchInlineSnapshot(`
    "↩️ Rolled back digits 1.2.0 after 38 s at 25 %: 31 % of its
    answers were wrong

    412 requests met the candidate, 128 got a wrong answer.
    Champion 1.1.0 serves everything again.

    LOOKS
    at    wrong
    10 s      3
    漢字    128
    - one
    - two
      a
      b
    Proof (wrong): drawn in the summary

    warning: gates.txt:4: is old
    "
  `);
});

test("hostile text moves no cursor and sets no colour", () => {
  for (const hostile of hostileTexts) {
    const shown = renderTerminal(
      report({ headline: hostile, sections: [section({ title: hostile, blocks: [{ kind: "code", text: hostile }] })] }),
      80,
    );
    expect(shown.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  }
});

test.for([
  ["abc", 3],
  ["漢字", 4],
  ["é", 1],
  ["e\u0301", 1],
  ["✅", 2],
] as const)("%s takes %i columns", ([text, columns]) => {
  expect(columnsOf(text)).toBe(columns);
});

test("a line is as wide as was asked, but for words that are longer", () => {
  const shown = renderTerminal(report({ headline: "word ".repeat(50), lead: ["x".repeat(100)] }), 40);
  expect(shown.split("\n").filter((line) => columnsOf(line) > 40)).toEqual(["x".repeat(100)]);
});

test("the JSON report names numbers that JSON does not know", () => {
  const block = {
    kind: "chart",
    title: "t",
    xLabel: "x",
    yLabel: "y",
    series: [{ name: "s", points: [[1, Number.NaN]] }],
  } as const;
  const json = renderJson({
    action: "deploy-model",
    releaseId: "v1",
    succeeded: false,
    report: report({ headline: ["Rolled back ", code("digits")], sections: [section({ blocks: [block] })] }),
    outputs: { decision: "rolled-back" },
  });
  expect(json.endsWith("}\n")).toBe(true);
  expect(JSON.parse(json)).toMatchObject({
    schema: 1,
    action: "deploy-model",
    releaseId: "v1",
    succeeded: false,
    headline: "Rolled back digits",
    outputs: { decision: "rolled-back" },
    report: { sections: [{ blocks: [{ series: [{ points: [[1, "NaN"]] }] }] }] },
  });
});
