import { join } from "node:path";
import type { Look } from "../../shared/domain/rollout/journal-entry.ts";
import { writeFileAtomic } from "../../shared/lib/write-file.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { DeployStep } from "../step.ts";

/** Writes what watches over the rollout elsewhere beside the report, as of these looks: a dashboard, rules for alerts. */
export async function saveWatching(
  { job }: Pick<DeployStep, "job">,
  traffic: Traffic,
  looks: readonly Look[],
): Promise<void> {
  for (const [name, text] of Object.entries(traffic.files?.(looks) ?? {}))
    await writeFileAtomic(join(job.reports, name), text);
}
