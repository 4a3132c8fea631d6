import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Report, Section } from "../../../../actions/shared/domain/report.ts";
import { renderCheck } from "../../../../actions/shared/render/check.ts";
import { commentMarker, renderComment } from "../../../../actions/shared/render/comment.ts";
import { byteLength, fitReport } from "../../../../actions/shared/render/fit-report.ts";
import { markdownReport } from "../../../../actions/shared/render/markdown.ts";
import { renderStatus } from "../../../../actions/shared/render/status.ts";
import { renderSummary } from "../../../../actions/shared/render/summary.ts";
import { hostileTexts, report, section } from "../../../support/reports.ts";

const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.tuple(fc.constantFrom("@", "😀", "\\", "a "), fc.nat(4_000)).map(([unit, count]) => unit.repeat(count)),
);

const block = fc.oneof(
  text.map((text) => ({ kind: "paragraph" as const, text })),
  fc.array(text, { maxLength: 12 }).map((items) => ({ kind: "list" as const, items })),
  fc
    .array(fc.tuple(text, text), { maxLength: 12 })
    .map((rows) => ({ kind: "table" as const, columns: [{ title: "a" }, { title: "b" }], rows })),
  text.map((text) => ({ kind: "code" as const, text })),
);

const anySection: fc.Arbitrary<Section> = fc.record({
  title: text,
  priority: fc.integer({ min: 1, max: 4 }),
  folded: fc.boolean(),
  blocks: fc.array(block, { maxLength: 4 }),
});

const anyReport: fc.Arbitrary<Report> = fc.record({
  tone: fc.constantFrom(
    "good" as const,
    "warn" as const,
    "bad" as const,
    "neutral" as const,
    "waiting" as const,
    "undone" as const,
  ),
  headline: text,
  lead: fc.array(text, { maxLength: 5 }),
  sections: fc.array(anySection, { maxLength: 6 }),
  findings: fc.constant([]),
});

test("every target is within its limit in bytes, whatever the report", () => {
  fc.assert(
    fc.property(anyReport, (any) => {
      const comment = renderComment(any, commentMarker("gate/digits"), "in the job summary");
      const check = renderCheck(any, "in the job summary");
      expect(byteLength(comment)).toBeLessThanOrEqual(65_536);
      expect(comment.startsWith("<!-- ml-release:gate/digits -->\n")).toBe(true);
      expect(byteLength(check.summary)).toBeLessThanOrEqual(65_535);
      expect(byteLength(check.text ?? "")).toBeLessThanOrEqual(65_535);
      expect([...check.title].length).toBeLessThanOrEqual(255);
      expect(byteLength(renderStatus(any))).toBeLessThanOrEqual(140);
      expect(byteLength(renderSummary(any, 40_000))).toBeLessThanOrEqual(40_000);
    }),
    { numRuns: 50 },
  );
});

describe("a report that is too long", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, i) => [`row ${i}`]);
  const table = (title: string, priority: number, count: number) =>
    section({ title, priority, blocks: [{ kind: "table", columns: [{ title: "x" }], rows: rows(count) }] });
  const cut = (bytes: number, ...sections: readonly Section[]) =>
    fitReport(report({ sections }), { bytes, rest: "in the job summary" }, markdownReport);

  test("is left alone where it fits", () => {
    expect(cut(10_000, table("A", 1, 5))).not.toContain("For its length");
  });

  test("loses its least important section, and says so", () => {
    const sections = [table("First", 1, 20), table("Second", 3, 8), table("Third", 2, 20)];
    const whole = byteLength(markdownReport(report({ sections })));
    const text = cut(whole - 1, ...sections);
    expect(text).toContain("#### First");
    expect(text).toContain("#### Third");
    expect(text).not.toContain("#### Second");
    expect(text).toMatch(/For its length left out: Second\. The whole report is in the job summary\.$/);
  });

  test("has its long tables shortened before they are left out", () => {
    const text = cut(900, table("Slices", 1, 100));
    expect(text).toContain("row 0");
    expect(text).not.toContain("row 99");
    expect(text).toMatch(/For its length shortened: Slices\./);
  });

  test("keeps the end of a long log, where the error is", () => {
    const log = `${"line\n".repeat(2_000)}the error`;
    const text = cut(3_000, section({ title: "Log", blocks: [{ kind: "code", text: log }] }));
    expect(text).toContain("the error");
  });

  test("keeps the headline when nothing else is left", () => {
    const text = cut(150, table("A", 1, 8), table("B", 1, 8));
    expect(text).toMatch(/^### ✅ Done/);
    expect(text).toContain("left out: A, B");
  });
});

test("a marker holds nothing that could end it", () => {
  expect(commentMarker("a --> b")).toBe("<!-- ml-release:a-b -->");
  expect(commentMarker("-----")).toBe("<!-- ml-release:- -->");
});
