import { type Block, type Column, type Report, type Section, spansOf, type Text, type Tone } from "../domain/report.ts";
import { chartLegend, mermaidChart } from "./chart.ts";
import { codeBlock, codeSpan, escapeHtml, escapeMarkdown, link } from "./escape-markdown.ts";
import { columnsOf, plainText, visibleLines } from "./plain.ts";

export const ICONS: Readonly<Record<Tone, string>> = {
  good: "✅",
  warn: "⚠️",
  bad: "❌",
  neutral: "",
  waiting: "⏳",
  undone: "↩️",
};

/** A report as GitHub's Markdown: the headline, what it means, the sections. */
export function markdownReport(report: Report): string {
  return [markdownHead(report), ...report.sections.map(markdownSection)].filter((part) => part !== "").join("\n\n");
}

export function markdownHead({ tone, headline, lead }: Pick<Report, "tone" | "headline" | "lead">): string {
  const icon = ICONS[tone];
  return [`### ${icon === "" ? "" : `${icon} `}${inline(headline)}`, ...lead.map(inline)].join("\n\n");
}

export function markdownSection({ title, folded, blocks }: Section): string {
  const body = blocks
    .map(markdownBlock)
    .filter((part) => part !== "")
    .join("\n\n");
  if (body === "") return "";
  // A blank line after the tag: what follows is Markdown again.
  if (folded) return `<details><summary>${escapeHtml(title ?? "Details")}</summary>\n\n${body}\n\n</details>`;
  return title === undefined ? body : `#### ${escapeMarkdown(title)}\n\n${body}`;
}

export function inline(text: Text): string {
  return spansOf(text)
    .map((span) => {
      if (typeof span === "string") return escapeMarkdown(span);
      if ("code" in span) return codeSpan(span.code);
      if ("strong" in span) return strong(span.strong);
      return link(span.link, span.label);
    })
    .join("");
}

/** Emphasis must touch a letter at both ends. */
function strong(text: string): string {
  const escaped = escapeMarkdown(text.trim());
  return escaped === "" ? "" : `<strong>${escaped}</strong>`;
}

function markdownBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return inline(block.text);
    case "list":
      return block.items.map((item) => `- ${inline(item)}`).join("\n");
    case "table":
      return markdownTable(block.columns, block.rows);
    case "code":
      return codeBlock(visibleLines(block.text), block.language ?? "");
    case "chart": {
      const chart = mermaidChart(block);
      const legend = block.series.length > 1 ? `\n\n${escapeMarkdown(`Lines in order: ${chartLegend(block)}.`)}` : "";
      return chart === undefined ? "" : `${codeBlock(chart, "mermaid")}${legend}`;
    }
  }
}

/** Columns line up in the source too: a check's text is read raw in many places. */
function markdownTable(columns: readonly Column[], rows: readonly (readonly Text[])[]): string {
  if (columns.length === 0) return "";
  const head = columns.map((column) => inline(column.title));
  const cells = rows.map((row) => columns.map((_, i) => inline(row[i] ?? "")));
  const widths = columns.map((_, i) => Math.max(3, ...[head, ...cells].map((row) => width(row[i] ?? ""))));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align ?? "left")).join(" | ")} |`;
  const rule = columns.map(({ align }, i) => {
    const dashes = "-".repeat((widths[i] ?? 3) - 1);
    return align === "right" ? `${dashes}:` : `${dashes}-`;
  });
  return [line(head), `| ${rule.join(" | ")} |`, ...cells.map(line)].join("\n");
}

/** Very long cells are not waited for. */
function width(cell: string): number {
  return Math.min(60, columnsOf(cell));
}

function pad(cell: string, columns: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, columns - columnsOf(cell)));
  return align === "right" ? `${space}${cell}` : `${cell}${space}`;
}

/** The headline as a title of plain text, with its icon. */
export function plainHeadline({ tone, headline }: Pick<Report, "tone" | "headline">): string {
  const icon = ICONS[tone];
  return `${icon === "" ? "" : `${icon} `}${plainText(headline)}`;
}
