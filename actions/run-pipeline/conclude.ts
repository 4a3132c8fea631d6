import { join } from "node:path";
import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import type { Metric } from "../shared/domain/metric.ts";
import type { Run } from "../shared/domain/release.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { RunDetails } from "../shared/domain/run/details.ts";
import { metricsOf } from "../shared/domain/run/metrics.ts";
import { findModel } from "../shared/domain/run/model-output.ts";
import type { RunStatus, RunTask } from "../shared/domain/run/task.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { writeFileAtomic } from "../shared/lib/write-file.ts";
import type { RunResults } from "../shared/ports/pipeline-engine.ts";
import type { RunDecision } from "./decide-run.ts";
import type { Ended } from "./outcome.ts";
import type { Prepared } from "./prepare.ts";
import { reasonOf } from "./reason.ts";
import type { Ports, RunStep } from "./step.ts";

export type Ending = {
  readonly prepared: Prepared;
  readonly decision: RunDecision;
  readonly status: RunStatus;
  readonly retries: number;
};

/** Brings everything of the run into the normal form, and keeps what is too large for the record beside it. */
export async function conclude(step: RunStep, { engine }: Ports, ending: Ending): Promise<Ended> {
  const { prepared, decision, status } = ending;
  const { runId } = decision;
  const results = await engine.results(runId);
  const tasks = [...results.tasks, ...neverRun(prepared, results.tasks)];
  const { metrics, curves } = metricsOf(results.tasks, prepared.handed);
  const folder = join(step.job.home, "runs", runId);
  const content = `${canonicalJson(detailsOf(step, ending, { results, tasks, metrics, curves }) as Json)}\n`;
  await writeFileAtomic(join(folder, "run.json"), content);
  const packagePath = join(folder, "package.yaml");
  const details = { path: "run.json", digest: sha256(content) };
  const recorded = recordedMetrics(metrics);
  const { name, version, digest } = prepared.work;
  const { reason, failedTask } = reasonOf(status, results.logs);
  return {
    state: "ended",
    pipeline: { engine: engine.kind, name, version, packageDigest: digest },
    data: prepared.data,
    decision,
    findings: [...prepared.findings, ...resultFindings(ending, results, { all: metrics, recorded })],
    run: { ...runOf(ending, results), details },
    rehearsal: step.job.ephemeral,
    tasks,
    metrics,
    recorded,
    curves,
    environment: results.environment,
    logs: results.logs,
    reason,
    failedTask,
    packagePath,
    details,
    retries: ending.retries,
  };
}

function runOf({ prepared, decision, status }: Ending, results: RunResults): Run {
  const model = findModel(results.tasks, prepared.model);
  const { task, output } = prepared.model ?? { task: "", output: "" };
  return {
    id: decision.runId,
    attempt: decision.attempt,
    state: status.state,
    parameters: prepared.parameters,
    gpus: [...(results.environment?.gpus ?? [])],
    ...(status.url === undefined ? {} : { url: status.url }),
    ...timesOf(status),
    ...(model === undefined
      ? {}
      : { model: { task, output, uri: model.uri, ...(model.digest === undefined ? {} : { digest: model.digest }) } }),
  };
}

function timesOf({ startedAtMs, finishedAtMs }: RunStatus): Pick<Run, "startedAt" | "finishedAt"> {
  return {
    ...(startedAtMs === undefined ? {} : { startedAt: new Date(startedAtMs).toISOString() }),
    ...(finishedAtMs === undefined ? {} : { finishedAt: new Date(finishedAtMs).toISOString() }),
  };
}

type Read = {
  readonly results: RunResults;
  readonly tasks: readonly RunTask[];
  readonly metrics: readonly Metric[];
  readonly curves: ReturnType<typeof metricsOf>["curves"];
};

function detailsOf({ release }: RunStep, { prepared, decision, status }: Ending, read: Read): RunDetails {
  const { name, version, digest } = prepared.work;
  // valibot's output is mutable where ours is not: the same data
  return {
    schema: 1,
    releaseId: release.id,
    runId: decision.runId,
    attempt: decision.attempt,
    state: status.state,
    ...timesOf(status),
    pipeline: { name, version, packageDigest: digest },
    parameters: prepared.parameters,
    data: prepared.data,
    images: prepared.images,
    ...(read.results.environment === undefined ? {} : { environment: read.results.environment }),
    tasks: read.tasks,
    metrics: read.metrics,
    curves: read.curves,
  } as RunDetails;
}

/** Tasks of the package that have no execution: behind a condition that did not hold, or after a failure. */
function neverRun({ sites }: Prepared, tasks: readonly RunTask[]): readonly RunTask[] {
  const ran = new Set(tasks.map(({ path }) => path.replaceAll(/-iteration-\d+(?=\/)/g, "")));
  const none = { parameters: {}, artifacts: {} };
  return sites
    .filter(({ path }) => !ran.has(path))
    .map(({ task, path }) => ({ task, path, state: "skipped", cached: false, inputs: none, outputs: none }));
}

/** The record as a whole may take 48 KiB. */
const RECORDED_BYTES = 16 * 1024;

/** As many metrics as fit: those without a slice first. All of them are in run.json. */
function recordedMetrics(metrics: readonly Metric[]): readonly Metric[] {
  const ordered = [...metrics.filter(({ slice }) => slice === undefined), ...metrics.filter(({ slice }) => slice)];
  let bytes = 0;
  return ordered.filter((metric) => {
    bytes += canonicalJson(metric as Json).length + 1;
    return bytes <= RECORDED_BYTES;
  });
}

function resultFindings(
  { prepared, status }: Ending,
  results: RunResults,
  { all, recorded }: { readonly all: readonly Metric[]; readonly recorded: readonly Metric[] },
): readonly Finding[] {
  if (status.state !== "succeeded") return [];
  const findings: Finding[] = [];
  const model = findModel(results.tasks, prepared.model);
  if (prepared.model !== undefined && model?.digest === undefined)
    findings.push({
      level: "warning",
      where: { input: "model-artifact" },
      message: `${prepared.model.task}.${prepared.model.output} is no file or folder: ${model === undefined ? "the task did not run" : `nothing readable at ${model.uri}`}`,
    });
  if (recorded.length < all.length)
    findings.push({
      level: "notice",
      message: `${all.length - recorded.length} of ${all.length} metrics do not fit into the release record; run.json has all`,
    });
  return findings;
}
