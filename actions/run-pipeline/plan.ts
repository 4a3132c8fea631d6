import { join } from "node:path";
import { writeFileAtomic } from "../shared/lib/write-file.ts";
import type { RunDecision } from "./decide-run.ts";
import type { Planned } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import type { Ports, RunStep } from "./step.ts";

/** What a run would do. Writes the package beside the report, and nothing else. */
export async function plan(
  { job }: RunStep,
  { engine }: Ports,
  { prepared, decision }: { readonly prepared: Prepared; readonly decision: RunDecision },
): Promise<Planned> {
  const packagePath = join(job.reports, "package.yaml");
  await writeFileAtomic(packagePath, prepared.work.text);
  const { name, version, digest } = prepared.work;
  return {
    state: "planned",
    pipeline: { engine: engine.kind, name, version, packageDigest: digest },
    data: prepared.data,
    decision,
    findings: prepared.findings,
    rehearsal: job.ephemeral,
    known: (await engine.state(decision.runId))?.state,
    tasks: prepared.sites.map(({ path, times, executor }) => ({ path, times, image: executor.container?.image ?? "" })),
    gpus: prepared.gpus,
    parameters: prepared.parameters,
    model: prepared.model === undefined ? undefined : `${prepared.model.task}.${prepared.model.output}`,
    packagePath,
  };
}
