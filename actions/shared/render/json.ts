import { canonicalJson, type Json } from "../domain/canonical.ts";
import type { Report } from "../domain/report.ts";
import { plainText } from "./plain.ts";

export type ReportFile = {
  readonly action: string;
  readonly releaseId?: string;
  readonly succeeded: boolean;
  readonly report: Report;
  readonly outputs: Readonly<Record<string, string>>;
};

/** The report for programs: the same value, the headline as plain text too, numbers that JSON does not know as their names. */
export function renderJson({ report, ...facts }: ReportFile): string {
  const text = { schema: 1, ...facts, headline: plainText(report.headline), report };
  return `${canonicalJson(JSON.parse(JSON.stringify(text, nameNonFinite)) as Json)}\n`;
}

function nameNonFinite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
