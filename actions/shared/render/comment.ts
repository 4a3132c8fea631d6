import type { Report } from "../domain/report.ts";
import { byteLength, fitReport } from "./fit-report.ts";
import { markdownReport } from "./markdown.ts";

/** GitHub's limit of a comment's body, marker included. */
const COMMENT_BYTES = 65_536;

/** `<!-- ml-release:NAME -->`, by which a sticky comment is found again. */
export function commentMarker(name: string): string {
  return `<!-- ml-release:${name.replaceAll(/[^A-Za-z0-9._/]+/g, "-")} -->`;
}

/** The body of a comment: the marker is its first line, where a report's text cannot come. */
export function renderComment(report: Report, marker: string, rest: string): string {
  const head = `${marker}\n`;
  return `${head}${fitReport(report, { bytes: COMMENT_BYTES - byteLength(head), rest }, markdownReport)}`;
}
