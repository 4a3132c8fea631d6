import { formatPlace } from "../domain/problem.ts";
import type { Block, Column, Report, Section, Text } from "../domain/report.ts";
import { chartLegend } from "./chart.ts";
import { plainHeadline } from "./markdown.ts";
import { columnsOf, oneLine, plainText, visibleLines } from "./plain.ts";

/** A report for a terminal or a log: plain text, wrapped at `width` columns; tables are not wrapped, their last column is cut. */
export function renderTerminal(report: Report, width: number): string {
  const parts = [
    wrap(plainHeadline(report), width),
    ...report.lead.map((text) => wrap(plainText(text), width)),
    ...report.sections.map((section) => terminalSection(section, width)),
    report.findings
      .map(({ level, where, message }) => {
        const place = formatPlace(where);
        return wrap(`${level}: ${place === "" ? "" : `${place}: `}${oneLine(message)}`, width);
      })
      .join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function terminalSection({ title, blocks }: Section, width: number): string {
  const body = blocks.map((block) => terminalBlock(block, width)).filter((part) => part !== "");
  if (body.length === 0) return "";
  return [...(title === undefined ? [] : [wrap(oneLine(title).toUpperCase(), width)]), ...body].join("\n");
}

function terminalBlock(block: Block, width: number): string {
  switch (block.kind) {
    case "paragraph":
      return wrap(plainText(block.text), width);
    case "list":
      return block.items
        .map((item) =>
          wrap(plainText(item), width - 2)
            .replaceAll(/^/gm, "  ")
            .replace(/^ {2}/, "- "),
        )
        .join("\n");
    case "table":
      return terminalTable(block.columns, block.rows, width);
    case "code":
      return visibleLines(block.text).replace(/\n$/, "").replaceAll(/^/gm, "  ");
    case "chart":
      return `${oneLine(block.title)} (${oneLine(chartLegend(block))}): drawn in the summary`;
  }
}

function terminalTable(columns: readonly Column[], rows: readonly (readonly Text[])[], width: number): string {
  const cells = [
    columns.map(({ title }) => oneLine(title)),
    ...rows.map((row) => columns.map((_, i) => plainText(row[i] ?? ""))),
  ];
  const widths = columns.map((_, i) => Math.max(1, ...cells.map((row) => columnsOf(row[i] ?? ""))));
  return cells
    .map((row) =>
      row
        .map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => cutColumns(line, Math.max(width, 20)))
    .join("\n");
}

function pad(cell: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - columnsOf(cell)));
  return align === "right" ? `${space}${cell}` : `${cell}${space}`;
}

/** Broken at spaces; a word that is longer than a line stands alone. */
function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

function cutColumns(line: string, width: number): string {
  if (columnsOf(line) <= width) return line;
  let cut = "";
  for (const char of line) {
    if (columnsOf(`${cut}${char}`) > width - 1) break;
    cut += char;
  }
  return `${cut}…`;
}
