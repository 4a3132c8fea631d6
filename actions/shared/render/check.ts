import type { CheckAnnotation, CheckText } from "../domain/check-text.ts";
import { formatPlace } from "../domain/problem.ts";
import type { Finding, Report } from "../domain/report.ts";
import { fitReport } from "./fit-report.ts";
import { markdownHead, markdownReport, plainHeadline } from "./markdown.ts";
import { shorten, visibleLines } from "./plain.ts";

/** GitHub's limits: of the summary and the text, of the title, of one annotation's message. */
const TEXT_BYTES = 65_535;
const TITLE_CHARS = 255;
const MESSAGE_CHARS = 16_000;

/** What a check run shows. `rest` says where the whole report is. */
export function renderCheck(report: Report, rest: string): CheckText {
  const body = fitReport({ ...report, lead: [] }, { bytes: TEXT_BYTES, rest }, (cut) => sectionsOnly(cut));
  return {
    title: shorten(plainHeadline(report), TITLE_CHARS),
    summary: fitReport({ ...report, sections: [] }, { bytes: TEXT_BYTES, rest }, markdownHead),
    ...(body === "" ? {} : { text: body }),
    annotations: report.findings.flatMap(annotation),
  };
}

function sectionsOnly(report: Report): string {
  const head = markdownHead(report);
  return markdownReport(report).slice(head.length).trimStart();
}

/** A check's annotation needs a file and a line; findings elsewhere are in the report. */
function annotation({ level, where, message }: Finding): readonly CheckAnnotation[] {
  if (where?.file === undefined || where.file.startsWith("/") || formatPlace(where) === "") return [];
  const line = where.line ?? 1;
  return [
    {
      path: where.file,
      start_line: line,
      end_line: line,
      annotation_level: level === "error" ? "failure" : level,
      message: shorten(visibleLines(message), MESSAGE_CHARS),
    },
  ];
}
