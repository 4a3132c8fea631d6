import { join } from "node:path";
import { evidenceOf } from "../../shared/domain/rollout/evidence.ts";
import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import { hashText, sha256 } from "../../shared/lib/hash.ts";
import { writeFileAtomic } from "../../shared/lib/write-file.ts";
import type { EvidenceFile } from "../outcome.ts";
import type { DeployStep } from "../step.ts";

/** Writes everything that the rollout was decided by, beside the target and beside the report. */
export async function saveEvidence({ job }: DeployStep, entry: JournalEntry): Promise<EvidenceFile> {
  const text = `${JSON.stringify(evidenceOf(entry, hashText))}\n`;
  const { name, version } = entry.candidate;
  const stamp = new Date(entry.startedAtMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const path = join(job.home, "serving", name, "evidence", `${version}-${stamp}.json`);
  await writeFileAtomic(path, text);
  await writeFileAtomic(join(job.reports, "evidence.json"), text);
  return { path, digest: sha256(text) };
}
