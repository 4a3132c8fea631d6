import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson, type Json } from "../domain/canonical.ts";
import type { Release } from "../domain/release.ts";
import { checkLinks, formatRelease, PART_NAMES, type PartName, pickParts, withParts } from "../domain/release-flow.ts";
import type { Conclusion } from "../domain/report.ts";
import { ReleaseError } from "../lib/error.ts";
import { saveRelease } from "../lib/release-store.ts";
import { writeFileAtomic } from "../lib/write-file.ts";
import type { Log } from "../ports/log.ts";
import type { ModelStore } from "../ports/model-store.ts";
import { renderJson } from "../render/json.ts";
import { renderSummary } from "../render/summary.ts";
import { renderTerminal } from "../render/terminal.ts";
import { type FoundRelease, jobRecordPath, ownPartsPath } from "./find-release.ts";
import { listSubjects } from "./list-subjects.ts";
import type { Masks } from "./masks.ts";
import { tellGitHub } from "./tell-github.ts";

/** Where a conclusion goes. */
export type Desk = {
  readonly action: string;
  /** The outputs that the manifest declares. */
  readonly declared: readonly string[];
  readonly onGitHub: boolean;
  readonly log: Log;
  readonly masks: Masks;
  readonly workspace: string;
  /** The runner's file for the job summary. */
  readonly summaryFile: string | undefined;
  /** The runner's file for what was made. */
  readonly artifactsFile: string | undefined;
  /** Our folder below the runner's temporary one. */
  readonly folder: string | undefined;
  /** Undefined where the step failed before it had one. */
  readonly reports: string | undefined;
  readonly found: FoundRelease | undefined;
  /** Where the record is kept; undefined in a plan, too. */
  readonly store: ModelStore | undefined;
};

/** Writes record, report files, outputs, summary and annotations. Throws before it has told anything where the record may not be written. */
export async function applyConclusion(told: Conclusion, own: Desk): Promise<void> {
  const desk =
    told.release === undefined ? own : { ...own, found: { release: told.release, own: [], origin: "id" as const } };
  const conclusion = { ...told, report: desk.masks.hideIn(told.report) };
  const release = await keepRecord(conclusion, desk);
  const outputs = {
    ...release,
    ...(desk.reports === undefined ? {} : { report: desk.reports }),
    ...conclusion.outputs,
  };
  refuseSecrets(
    Object.entries(outputs).map(([name, text]) => ({ what: `output ${name}`, text })),
    desk.masks,
  );
  refuseUndeclared(outputs, desk);
  await writeReportFiles(conclusion, desk, outputs);
  if (conclusion.succeeded) await listSubjects(conclusion.subjects ?? [], desk);
  if (desk.onGitHub) await tellGitHub({ ...conclusion, outputs }, desk);
  else desk.log.info(renderTerminal(conclusion.report, process.stdout.columns ?? 120));
}

/** The record with this step's parts: for the job's later steps, in the store, and as an output. */
async function keepRecord({ parts = {} }: Conclusion, desk: Desk): Promise<{ readonly release?: string }> {
  if (desk.found === undefined || desk.folder === undefined) return {};
  const written = PART_NAMES.filter((name) => parts[name] !== undefined);
  const own = [...new Set([...desk.found.own, ...written])];
  const next = withParts(desk.found.release, parts);
  refuseSecrets(partTexts(next), desk.masks);
  const text = recordText(next);
  if (desk.store !== undefined && written.length > 0) await saveRelease(desk.store, next, pickParts(next, own));
  await mkdir(desk.folder, { recursive: true });
  await writeFileAtomic(jobRecordPath(desk.folder), text);
  await writeFileAtomic(ownPartsPath(desk.folder), JSON.stringify(own satisfies readonly PartName[]));
  desk.log.debug(`wrote ${jobRecordPath(desk.folder)}`);
  return { release: text };
}

function recordText(release: Release): string {
  const checked = checkLinks(release, {});
  if (checked.state === "bad") throw new ReleaseError("INTEGRITY", checked.problems);
  const text = formatRelease(release);
  if (text.state === "bad") throw new ReleaseError("REFUSED", text.problems);
  return text.value;
}

type NamedText = { readonly what: string; readonly text: string };

function partTexts(release: Release): readonly NamedText[] {
  return Object.entries(release).map(([name, part]) => ({
    what: `part ${name} of the release record`,
    text: canonicalJson(part as Json),
  }));
}

/** GitHub drops an output that holds a masked value, without an error: the next job would find nothing. */
function refuseSecrets(texts: readonly NamedText[], masks: Masks): void {
  const problems = texts.flatMap(({ what, text }) => {
    const secret = masks.foundIn(text);
    if (secret === undefined) return [];
    return [
      {
        rule: `the ${what} holds the value of ${secret}, which is a secret`,
        hint: "GitHub would drop it: take the secret out of the names, addresses and parameters of this release; a secret that is an ordinary word is none",
      },
    ];
  });
  if (problems.length > 0) throw new ReleaseError("INTEGRITY", problems);
}

function refuseUndeclared(outputs: Readonly<Record<string, string>>, desk: Desk): void {
  const unknown = Object.keys(outputs).filter((name) => !desk.declared.includes(name));
  if (unknown.length > 0)
    throw new ReleaseError("INTERNAL", { rule: "an output is not in the manifest", saw: unknown.join(", ") });
}

async function writeReportFiles(
  { report, succeeded }: Conclusion,
  desk: Desk,
  outputs: Readonly<Record<string, string>>,
): Promise<void> {
  if (desk.reports === undefined) return;
  const { release: _, ...shown } = outputs;
  const id = desk.found === undefined ? {} : { releaseId: desk.found.release.id };
  const json = renderJson({ action: desk.action, ...id, succeeded, report, outputs: shown });
  await mkdir(desk.reports, { recursive: true });
  await writeFile(join(desk.reports, "report.json"), json);
  await writeFile(join(desk.reports, "summary.md"), renderSummary(report));
}
