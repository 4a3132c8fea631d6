import type { Pipeline, Run } from "../shared/domain/release.ts";
import { findModel } from "../shared/domain/run/model-output.ts";
import type { RunStatus } from "../shared/domain/run/task.ts";
import type { RunResults } from "../shared/ports/pipeline-engine.ts";
import type { RunFacts } from "./prepare/prepared.ts";
import type { RunDecision } from "./start/decide-run.ts";
import type { Ports } from "./step.ts";

/** The record's part `pipeline`. */
export function recordedPipeline({ kind, namespace }: Ports["engine"], { work }: RunFacts): Pipeline {
  return {
    engine: kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: work.name,
    version: work.version,
    packageDigest: work.digest,
  };
}

export type Known = {
  readonly facts: RunFacts;
  readonly decision: RunDecision;
  readonly status: RunStatus;
  /** Of a run that is over. */
  readonly results?: RunResults;
};

/** The record's part `run`, as much as is known. */
export function recordedRun({ facts, decision, status, results }: Known): Run {
  const model = findModel(results?.tasks ?? [], facts.model);
  const { task, output } = facts.model ?? { task: "", output: "" };
  return {
    id: decision.runId,
    attempt: decision.attempt,
    state: status.state,
    parameters: facts.parameters,
    gpus: [...(results?.environment?.gpus ?? [])],
    ...(status.url === undefined ? {} : { url: status.url }),
    ...timesOf(status),
    ...(model === undefined
      ? {}
      : { model: { task, output, uri: model.uri, ...(model.digest === undefined ? {} : { digest: model.digest }) } }),
  };
}

export function timesOf({ startedAtMs, finishedAtMs }: RunStatus): Pick<Run, "startedAt" | "finishedAt"> {
  return {
    ...(startedAtMs === undefined ? {} : { startedAt: new Date(startedAtMs).toISOString() }),
    ...(finishedAtMs === undefined ? {} : { finishedAt: new Date(finishedAtMs).toISOString() }),
  };
}
