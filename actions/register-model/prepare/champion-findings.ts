import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatSize } from "../../shared/domain/quantity.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { schemaBreaks } from "../../shared/domain/signature-changes.ts";
import type { Description } from "../step.ts";

/** A model so many times as large or small as the champion is looked at twice, unless both are small. */
const JUMP = 2;
const SMALL_BYTES = 1024 * 1024;
const SHOWN = 10;

/** What a new version breaks or brings in, against the one that serves. */
export function championFindings(
  model: { readonly described: Description; readonly bytes: number },
  champion: VersionRecord | undefined,
): readonly Finding[] {
  if (champion === undefined) return [];
  const { described, bytes } = model;
  return [
    ...breaks(described, champion),
    ...newImports(described, champion),
    ...sizeJump(
      bytes,
      champion.files.reduce((sum, { size }) => sum + size, 0),
      champion.version,
    ),
  ];
}

function breaks({ signature }: Description, champion: VersionRecord): readonly Finding[] {
  if (signature === undefined || champion.signature === undefined) return [];
  return schemaBreaks(signature, champion.signature)
    .slice(0, SHOWN)
    .map((sentence) => warning(`not callable as champion ${champion.version}: ${sentence}`));
}

/** Nothing is known of versions that were registered without a scan. */
function newImports({ scan }: Description, { scan: before, version }: VersionRecord): readonly Finding[] {
  if (before === undefined) return [];
  const known = new Set(before.imports);
  const added = scan.imports.filter((path) => !known.has(path));
  if (added.length === 0) return [];
  const more = added.length > SHOWN ? ` and ${added.length - SHOWN} more` : "";
  return [warning(`it imports what champion ${version} does not: ${added.slice(0, SHOWN).join(", ")}${more}`)];
}

function sizeJump(bytes: number, before: number, version: string): readonly Finding[] {
  const [larger, smaller] = bytes > before ? [bytes, before] : [before, bytes];
  if (larger < SMALL_BYTES || larger < smaller * JUMP) return [];
  const ratio = bytes === 0 || before === 0 ? "" : ` (${Number((bytes / before).toPrecision(2))} times)`;
  return [warning(`it has ${formatSize(bytes)}, champion ${version} has ${formatSize(before)}${ratio}`)];
}

function warning(message: string): Finding {
  return { level: "warning", message };
}
