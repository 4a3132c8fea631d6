import type { Text } from "../../shared/domain/report.ts";
import type { Ended, Planned } from "../outcome.ts";

export function rehearsal({ rehearsal }: Ended | Planned): readonly Text[] {
  return rehearsal ? ["Rehearsal: the run's folder is gone with this job."] : [];
}
