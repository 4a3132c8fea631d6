import { appendFile } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { type AnnotationProperties, error, notice, setOutput, warning } from "@actions/core";
import type { Place } from "../domain/problem.ts";
import type { Conclusion, Finding } from "../domain/report.ts";
import type { Log } from "../ports/log.ts";
import { plainHeadline } from "../render/markdown.ts";
import { shorten } from "../render/plain.ts";
import { renderSummary } from "../render/summary.ts";

/** What GitHub is told through. */
export type Channel = {
  readonly action: string;
  readonly log: Log;
  readonly workspace: string;
  /** The runner's file for the job summary. */
  readonly summaryFile: string | undefined;
  readonly reports: string | undefined;
};

const annotate = { error, warning, notice };

/**
 * Outputs, summary and annotations; no secret is left in what it is given. This module is loaded when the work is done: the toolkit brings an HTTP client along, and neither start nor
 * waiting shall pay for it.
 */
export async function tellGitHub({ report, succeeded, outputs }: Conclusion, channel: Channel): Promise<void> {
  const { action, log, reports } = channel;
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  if (channel.summaryFile) await appendFile(channel.summaryFile, renderSummary(report));
  const show = (level: Finding["level"], message: string, where: Place | undefined) =>
    annotate[level](shorten(message, ANNOTATION_CHARS), {
      title: action,
      ...placeOf(where, channel.workspace),
    });
  for (const { level, message, where } of withinLimits(report.findings)) show(level, message, where);
  const headline = plainHeadline(report);
  if (succeeded || report.findings.some(({ level }) => level === "error")) log.info(headline);
  else show("error", headline, undefined);
  if (reports !== undefined) log.info(`Report: ${join(reports, "summary.md")}`);
}

/** Of what GitHub shows: 10 annotations of a level in a step, 4,096 characters in each. */
const ANNOTATION_COUNT = 10;
const ANNOTATION_CHARS = 4_000;

/** The first of each level; the last place says how many more there are. */
export function withinLimits(findings: readonly Finding[]): readonly Finding[] {
  return (["error", "warning", "notice"] as const).flatMap((level) => {
    const all = findings.filter((finding) => finding.level === level);
    if (all.length <= ANNOTATION_COUNT) return all;
    const shown = all.slice(0, ANNOTATION_COUNT - 1);
    return [...shown, { level, message: `${all.length - shown.length} more: see the job summary` }];
  });
}

/** Annotations name files from the root of the repository; a line of an input is in no file. */
function placeOf(where: Place | undefined, workspace: string): AnnotationProperties {
  if (where?.file === undefined) return {};
  return {
    file: isAbsolute(where.file) ? relative(workspace, where.file) : where.file,
    ...(where.line === undefined ? {} : { startLine: where.line }),
    ...(where.column === undefined ? {} : { startColumn: where.column }),
  };
}
