import type { RunDetails } from "../shared/domain/run/details.ts";
import { readRunDetails } from "../shared/lib/read-run-details.ts";
import type { ReportStep } from "./step.ts";

/** Confusion matrices and ROC curves of the run, where its details are on this machine; they are shown and decide nothing. */
export async function findCurves({ release, job }: ReportStep): Promise<RunDetails["curves"]> {
  const found = await readRunDetails(release.run, job.home);
  return found.state === "found" ? found.details.curves : [];
}
