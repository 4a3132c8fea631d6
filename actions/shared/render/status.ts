import type { Report } from "../domain/report.ts";
import { byteLength } from "./fit-report.ts";
import { plainHeadline } from "./markdown.ts";
import { shorten } from "./plain.ts";

/** GitHub's limit of a commit status' description. */
const STATUS_BYTES = 140;

export function renderStatus(report: Pick<Report, "tone" | "headline">): string {
  const text = plainHeadline(report);
  for (let chars = STATUS_BYTES; ; chars--) {
    const cut = shorten(text, chars);
    if (byteLength(cut) <= STATUS_BYTES) return cut;
  }
}
