import { join } from "node:path";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { writeFileAtomic } from "../shared/lib/write-file.ts";
import { limitsOf } from "./follow/finish-run.ts";
import type { Planned } from "./outcome.ts";
import type { Prepared } from "./prepare/prepared.ts";
import { recordedPipeline } from "./recorded-run.ts";
import type { RunDecision } from "./start/decide-run.ts";
import type { Ports, RunStep } from "./step.ts";

/** What a run would do. Writes the package beside the report, and nothing else. */
export async function plan(
  step: RunStep,
  ports: Ports,
  { prepared, decision }: { readonly prepared: Prepared; readonly decision: RunDecision },
): Promise<Planned> {
  const { job } = step;
  const { engine } = ports;
  const packagePath = join(job.reports, prepared.work.kind === "pipeline" ? "package.yaml" : "manifest.yaml");
  await writeFileAtomic(packagePath, prepared.work.text);
  return {
    state: "planned",
    pipeline: recordedPipeline(engine, prepared),
    data: prepared.data,
    decision,
    findings: prepared.findings,
    rehearsal: job.ephemeral,
    known: (await engine.state(decision.runId))?.state,
    endpoint: engine.kind === "local" ? "" : engine.endpoint,
    tasks: prepared.tasks,
    gpus: prepared.gpus,
    limits: limitsOf(step, undefined),
    unguarded: !outlivesJob(step.job, ports.store),
    parameters: prepared.parameters,
    model: prepared.model === undefined ? undefined : `${prepared.model.task}.${prepared.model.output}`,
    packagePath,
  };
}
