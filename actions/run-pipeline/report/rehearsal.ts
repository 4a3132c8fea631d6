import type { Text } from "../../shared/domain/report.ts";
import type { Outcome } from "../outcome.ts";

export function rehearsal({ rehearsal }: Outcome): readonly Text[] {
  return rehearsal ? ["Rehearsal: the run's folder is gone with this job."] : [];
}
