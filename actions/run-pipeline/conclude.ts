import { join } from "node:path";
import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import type { Metric } from "../shared/domain/metric.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { RunDetails } from "../shared/domain/run/details.ts";
import { type GpuMeter, type GpuUse, gpuHours, meterGpus, withoutIterations } from "../shared/domain/run/gpu-hours.ts";
import { metricsOf } from "../shared/domain/run/metrics.ts";
import { lineageOf } from "../shared/domain/run/model-lineage.ts";
import { findModel } from "../shared/domain/run/model-output.ts";
import type { RunStatus, RunTask } from "../shared/domain/run/task.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { writeFileAtomic } from "../shared/lib/write-file.ts";
import type { RunResults } from "../shared/ports/pipeline-engine.ts";
import { patiently } from "./follow/patiently.ts";
import type { GaveUp, Seen } from "./follow/seen.ts";
import type { Ended } from "./outcome.ts";
import type { Prepared, RunFacts } from "./prepare/prepared.ts";
import { reasonOf } from "./reason.ts";
import { recordedMetrics } from "./recorded-metrics.ts";
import { recordedPipeline, recordedRun, timesOf } from "./recorded-run.ts";
import type { RunDecision } from "./start/decide-run.ts";
import type { Ports, RunStep } from "./step.ts";

export type Ending = {
  readonly facts: RunFacts;
  readonly findings: readonly Finding[];
  readonly decision: RunDecision;
  readonly status: RunStatus;
  readonly seen: Seen;
  readonly gaveUp: GaveUp | undefined;
  readonly retries: number;
  readonly followedMs: number;
};

/** Brings everything of the run into the normal form, and keeps what is too large for the record beside it. */
export async function conclude(step: RunStep, { engine }: Ports, asked: Ending): Promise<Ended> {
  // a run that we have ended did not do what was asked of it, whatever the engine calls that
  const ending =
    asked.gaveUp === undefined ? asked : { ...asked, status: { ...asked.status, state: "failed" as const } };
  const { facts, decision, status, gaveUp } = ending;
  const { runId } = decision;
  const results = await patiently(step, () => engine.results(runId));
  const tasks = [...results.tasks, ...neverRun(facts, results.tasks)];
  const { metrics, curves } = metricsOf(results.tasks, facts.handed);
  const gpus = gpusOf(ending, results, step.clock.now());
  const folder = join(step.job.home, "runs", runId);
  const content = `${canonicalJson(detailsOf(step, ending, { results, tasks, metrics, curves, gpus }) as Json)}\n`;
  await writeFileAtomic(join(folder, "run.json"), content);
  const details = { path: "run.json", digest: sha256(content) };
  const recorded = recordedMetrics(metrics);
  const { reason, failedTask } =
    gaveUp === undefined ? endOf(status, results) : { reason: gaveUp.reason, failedTask: gaveUp.task };
  return {
    state: "ended",
    pipeline: recordedPipeline(engine, facts),
    data: facts.data,
    decision,
    findings: [...ending.findings, ...resultFindings(ending, results, { engine: engine.kind, all: metrics, recorded })],
    run: { ...recordedRun({ facts, decision, status, results }), details },
    rehearsal: step.job.ephemeral,
    tasks,
    metrics,
    recorded,
    curves,
    environment: results.environment,
    ranImages: ranImages(engine, facts),
    logs: results.logs,
    reason,
    failedTask,
    advice: gaveUp?.advice,
    gpus,
    lineage: lineageOf(results.tasks, facts.model),
    packagePath: packageFile(folder, facts),
    details,
    retries: ending.retries,
    wasOver: decision.do === "adopt" && ending.followedMs === 0,
    release: undefined,
  };
}

/** The local engine runs those of the images' folder, where there is a container engine; others as processes. */
function ranImages({ runsImages }: Ports["engine"], { images }: RunFacts): boolean {
  if (runsImages !== "containers") return runsImages;
  return Object.values(images).some((ref) => ref.startsWith("localhost/"));
}

/** A run that succeeded may have failed tasks: trials of a search. */
function endOf(status: RunStatus, { logs }: RunResults): ReturnType<typeof reasonOf> {
  return status.state === "succeeded" ? { reason: status.reason, failedTask: undefined } : reasonOf(status, logs);
}

type Begun = { readonly prepared: Prepared; readonly decision: RunDecision };

/** Keeps what was run beside its details; the local engine has put it there itself. */
export async function keepPackage({ job }: RunStep, { engine }: Ports, { prepared, decision }: Begun): Promise<void> {
  if (engine.kind === "local") return;
  const folder = join(job.home, "runs", decision.runId);
  await writeFileAtomic(packageFile(folder, prepared), prepared.work.text);
}

function packageFile(folder: string, { work }: RunFacts): string {
  return join(folder, work.kind === "pipeline" ? "package.yaml" : "manifest.yaml");
}

/** The engine's own durations, and what was seen of the queue. */
function gpusOf({ facts, seen }: Ending, { tasks }: RunResults, nowMs: number): GpuMeter {
  return meterGpus(seen.gpus, tasks, { requests: facts.gpus, nowMs, passedMs: 0 });
}

type Read = {
  readonly results: RunResults;
  readonly tasks: readonly RunTask[];
  readonly metrics: readonly Metric[];
  readonly curves: ReturnType<typeof metricsOf>["curves"];
  readonly gpus: GpuMeter;
};

function detailsOf({ release }: RunStep, { facts, decision, status }: Ending, read: Read): RunDetails {
  const { name, version, digest } = facts.work;
  // valibot's output is mutable where ours is not: the same data
  return {
    schema: 1,
    releaseId: release.id,
    runId: decision.runId,
    attempt: decision.attempt,
    state: status.state,
    ...timesOf(status),
    pipeline: { name, version, packageDigest: digest },
    parameters: facts.parameters,
    data: facts.data,
    images: facts.images,
    ...(read.results.environment === undefined ? {} : { environment: read.results.environment }),
    tasks: read.tasks,
    metrics: read.metrics,
    curves: read.curves,
    ...(Object.keys(read.gpus).length === 0
      ? {}
      : { gpuHours: gpuHours(read.gpus), gpuUse: Object.values(read.gpus).map(useOf) }),
  } as RunDetails;
}

function useOf({ path, type, count, queuedMs, ranMs }: GpuUse) {
  return { task: path, type, count, queuedSeconds: queuedMs / 1_000, seconds: ranMs / 1_000 };
}

/** Tasks of the package that have no execution: behind a condition that did not hold, or after a failure. */
function neverRun({ work, tasks: planned }: RunFacts, tasks: readonly RunTask[]): readonly RunTask[] {
  if (work.kind !== "pipeline") return [];
  const ran = new Set(tasks.map(({ path }) => withoutIterations(path)));
  const none = { parameters: {}, artifacts: {} };
  return planned
    .filter(({ path }) => !ran.has(path))
    .map(({ path }) => ({
      task: path.slice(path.lastIndexOf("/") + 1),
      path,
      state: "skipped",
      cached: false,
      inputs: none,
      outputs: none,
    }));
}

type Told = {
  readonly engine: Ports["engine"]["kind"];
  readonly all: readonly Metric[];
  readonly recorded: readonly Metric[];
};

function resultFindings(
  { facts, status }: Ending,
  results: RunResults,
  { engine, all, recorded }: Told,
): readonly Finding[] {
  const notices = results.notices.map((message): Finding => ({ level: "notice", message }));
  if (status.state !== "succeeded") return notices;
  const findings: Finding[] = [...notices];
  const model = findModel(results.tasks, facts.model);
  // an engine elsewhere names the model; whether its bytes can be read is the next step's question
  const isThere = model !== undefined && (model.digest !== undefined || engine !== "local");
  if (facts.model !== undefined && !isThere)
    findings.push({
      level: "warning",
      where: { input: "model-artifact" },
      message: `${facts.model.task}.${facts.model.output} is no file or folder: ${model === undefined ? "the task did not run" : `nothing readable at ${model.uri}`}`,
    });
  if (recorded.length < all.length)
    findings.push({
      level: "notice",
      message: `${all.length - recorded.length} of ${all.length} metrics do not fit into the release record; run.json has all`,
    });
  return findings;
}
