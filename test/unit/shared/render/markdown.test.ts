import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { code, strong, text } from "../../../../actions/shared/domain/report.ts";
import { inline, markdownReport, markdownSection } from "../../../../actions/shared/render/markdown.ts";
import { gfmToHtml, tagsOf } from "../../../support/gfm.ts";
import { hostileTexts, report, section } from "../../../support/reports.ts";

test("a gate's report reads from its headline to what is folded away", () => {
  const gate = report({
    tone: "bad",
    headline: text`digits 1.2.0 did not pass its gate: ${code("recall[class=8]")} is 0.71, at least 0.80 is asked`,
    lead: [text`5 of 6 rules hold. Gates: ${code("release/gates.txt:4")}.`],
    sections: [
      {
        priority: 1,
        blocks: [
          {
            kind: "table",
            columns: [{ title: "" }, { title: "metric" }, { title: "value", align: "right" }],
            rows: [
              ["❌", code("recall[class=8]"), "0.71"],
              ["✅", "accuracy", "0.961"],
            ],
          },
        ],
      },
      section({ title: "All slices", folded: true, blocks: [{ kind: "list", items: ["a", strong("b")] }] }),
    ],
  });
  expect(markdownReport(gate)).toMatchInlineSnapshot(`
    "### ❌ digits 1.2.0 did not pass its gate: \`recall[class=8]\` is 0.71, at least 0.80 is asked

    5 of 6 rules hold. Gates: \`release/gates.txt:4\`.

    |     | metric            | value |
    | --- | ----------------- | ----: |
    | ❌  | \`recall[class=8]\` |  0.71 |
    | ✅  | accuracy          | 0.961 |

    <details><summary>All slices</summary>

    - a
    - <strong>b</strong>

    </details>"
  `);
});

test("hostile names make no element that the report has not", () => {
  fc.assert(
    fc.property(fc.constantFrom(...hostileTexts), fc.constantFrom(...hostileTexts), (a, b) => {
      const html = gfmToHtml(
        markdownReport(
          report({
            headline: a,
            lead: [text`${b} ${code(a)} ${strong(b)}`],
            sections: [
              section({ title: a, blocks: [{ kind: "list", items: [b, code(b)] }] }),
              section({ title: b, blocks: [{ kind: "table", columns: [{ title: a }], rows: [[b], [code(a)]] }] }),
              section({ title: a, folded: true, blocks: [{ kind: "code", text: b, language: a }] }),
            ],
          }),
        ),
      );
      const known = ["h3", "h4", "p", "code", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"];
      expect(tagsOf(html).filter((name) => ![...known, "details", "summary", "pre"].includes(name))).toEqual([]);
      expect(tagsOf(html).filter((name) => name === "h3" || name === "h4")).toHaveLength(6);
      expect(tagsOf(html).filter((name) => name === "tr")).toHaveLength(6);
    }),
    { numRuns: 400 },
  );
});

describe("a chart", () => {
  const chart = (points: readonly (readonly [number, number])[], name = "candidate") =>
    section({
      blocks: [{ kind: "chart", title: 'Proof of "it"', xLabel: "s", yLabel: "log", series: [{ name, points }] }],
    });

  test("becomes a Mermaid diagram, sampled at even distances", () => {
    expect(
      markdownSection(
        chart([
          [0, 0],
          [30, 3],
          [10, 1],
        ]),
      ),
    ).toMatchInlineSnapshot(`
      "#### Section

      \`\`\`mermaid
      xychart-beta
        title "Proof of  it "
        x-axis "s" 0 --> 30
        y-axis "log"
        line [0, 1.5, 3]
      \`\`\`"
    `);
  });

  test.for([
    { name: "no points", points: [] },
    { name: "one point", points: [[1, 1]] },
    {
      name: "no width",
      points: [
        [1, 1],
        [1, 2],
      ],
    },
    {
      name: "nothing finite",
      points: [
        [Number.NaN, 1],
        [2, Number.POSITIVE_INFINITY],
      ],
    },
  ] as readonly { name: string; points: readonly (readonly [number, number])[] }[])(
    "is left out with $name",
    ({ points }) => {
      expect(markdownSection(chart(points))).toBe("");
    },
  );

  test("has numbers that Mermaid reads, whatever they are", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(fc.array(fc.tuple(finite, finite), { minLength: 2, maxLength: 80 }), (points) => {
        const shown = markdownSection(chart(points));
        const numbers = /line \[(.*)\]/.exec(shown)?.[1]?.split(", ") ?? [];
        expect(numbers.every((number) => /^-?\d+(\.\d+)?$/.test(number))).toBe(true);
      }),
    );
  });
});

test.for([
  { seen: "a plain text", given: "a | b", expected: "a \\| b" },
  { seen: "a number", given: text`${3} of ${5}`, expected: "3 of 5" },
  { seen: "emphasis", given: strong(" no * "), expected: "<strong>no \\*</strong>" },
  { seen: "empty emphasis", given: strong("  "), expected: "" },
])("inline text: $seen", ({ given, expected }) => {
  expect(inline(given)).toBe(expected);
});
