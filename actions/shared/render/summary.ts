import type { Report } from "../domain/report.ts";
import { fitReport } from "./fit-report.ts";
import { markdownReport } from "./markdown.ts";

/** GitHub shows no summary of a step that is larger. */
const SUMMARY_BYTES = 1024 * 1024;

/** The job summary of one step. */
export function renderSummary(report: Report, limitBytes: number = SUMMARY_BYTES): string {
  const text = fitReport(report, { bytes: limitBytes - 1, rest: "among the report files" }, markdownReport);
  return `${text}\n`;
}
