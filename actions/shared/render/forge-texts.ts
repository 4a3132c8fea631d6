import type { Report } from "../domain/report.ts";
import { renderCheck } from "./check.ts";
import { commentMarker, renderComment } from "./comment.ts";

const REST = "in the job summary and among the report files";

/**
 * A report as the texts that a forge shows. Nobody hides secrets in what its API is sent, so `hide` does, before it is rendered: what escapes a
 * text would escape a secret from being found.
 */
export function forgeTexts(hide: <T>(value: T) => T) {
  return {
    check: (report: Report) => renderCheck(hide(report), REST),
    comment: (report: Report, marker: string) => renderComment(hide(report), marker, REST),
    marker: commentMarker,
  };
}
