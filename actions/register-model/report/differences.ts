import { differenceSections as sectionsOf } from "../../shared/domain/difference-sections.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Section } from "../../shared/domain/report.ts";

/** What is other than in the champion. */
export function differenceSections(record: VersionRecord, champion: VersionRecord | undefined): readonly Section[] {
  if (champion === undefined) return [];
  return sectionsOf({ version: record, before: champion, called: `champion ${champion.version}` });
}
