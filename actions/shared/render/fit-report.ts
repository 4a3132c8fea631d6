import type { Block, Report, Section, Text } from "../domain/report.ts";
import { plainText, shorten } from "./plain.ts";

export type Limit = {
  /** In bytes of UTF-8: never less than what GitHub counts, whichever way it counts. */
  readonly bytes: number;
  /** Where the whole report is: a sentence's end, "in the job summary". */
  readonly rest: string;
};

/** A head over this is cut: its escapes may make eight characters of one, and must still fit everywhere. */
const HEADLINE_CHARS = 400;
const LEAD_CHARS = 3_000;

/**
 * Renders a report so that it is within the limit: the sections of the lowest priority are shortened (long tables and code first), then left out, and a line
 * says what is missing and where it is.
 */
export function fitReport(report: Report, limit: Limit, render: (report: Report) => string): string {
  let sections: readonly Fitted[] = report.sections.map((section) => ({ section, state: "whole" }));
  const head = { ...report, ...cutHead(report) };
  for (;;) {
    const text = render({ ...head, sections: withNote(sections, limit.rest) });
    if (byteLength(text) <= limit.bytes) return text;
    const next = cutOnce(sections);
    if (next === undefined) return text;
    sections = next;
  }
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

type Fitted = { readonly section: Section; readonly state: "whole" | "shortened" | "left out" };

/** One step shorter; undefined where nothing is left to cut. */
function cutOnce(sections: readonly Fitted[]): readonly Fitted[] | undefined {
  const rest = sections.filter(({ state }) => state !== "left out");
  if (rest.length === 0) return undefined;
  const lowest = Math.max(...rest.map(({ section }) => section.priority));
  const last = sections.findLastIndex(({ section, state }) => state !== "left out" && section.priority === lowest);
  return sections.map((fitted, i) => (i === last ? shorter(fitted) : fitted));
}

function shorter({ section }: Fitted): Fitted {
  const blocks = section.blocks.map(shorterBlock);
  if (blocks.some((block, i) => block !== section.blocks[i]))
    return { section: { ...section, blocks }, state: "shortened" };
  return { section, state: "left out" };
}

/** Half of a long table, list or text; the same block where it is short already. */
function shorterBlock(block: Block): Block {
  switch (block.kind) {
    case "table":
      return block.rows.length <= 8 ? block : { ...block, rows: block.rows.slice(0, Math.ceil(block.rows.length / 2)) };
    case "list":
      return block.items.length <= 8
        ? block
        : { ...block, items: block.items.slice(0, Math.ceil(block.items.length / 2)) };
    case "code":
      return block.text.length <= 2_000
        ? block
        : { ...block, text: `…\n${block.text.slice(-Math.ceil(block.text.length / 2))}` };
    default:
      return block;
  }
}

function withNote(sections: readonly Fitted[], rest: string): readonly Section[] {
  const kept = sections.filter(({ state }) => state !== "left out").map(({ section }) => section);
  const names = (wanted: Fitted["state"]) =>
    sections.filter(({ state }) => state === wanted).map(({ section }) => section.title ?? "a section without a title");
  const [shortened, out] = [names("shortened"), names("left out")];
  if (shortened.length + out.length === 0) return kept;
  const said = [
    shortened.length === 0 ? "" : `shortened: ${listed(shortened)}`,
    out.length === 0 ? "" : `left out: ${listed(out)}`,
  ].filter(Boolean);
  const text = `For its length ${said.join("; ")}. The whole report is ${rest}.`;
  return [...kept, { priority: 0, blocks: [{ kind: "paragraph", text }] }];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => shorten(name, 60));
  return names.length > 5 ? `${shown.join(", ")} and ${names.length - 5} more` : shown.join(", ");
}

function cutHead({ headline, lead }: Report): Pick<Report, "headline" | "lead"> {
  const kept: Text[] = [];
  let left = LEAD_CHARS;
  for (const text of lead) {
    if (left <= 0) break;
    kept.push(cutText(text, left));
    left -= plainText(text).length;
  }
  return { headline: cutText(headline, HEADLINE_CHARS), lead: kept };
}

function cutText(text: Text, limit: number): Text {
  const plain = plainText(text);
  return plain.length <= limit ? text : shorten(plain, limit);
}
