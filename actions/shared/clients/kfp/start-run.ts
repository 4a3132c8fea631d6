import type { Caching } from "../../domain/pipeline/caching.ts";
import { formatProblem } from "../../domain/problem.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RunRequest } from "../../ports/pipeline-engine.ts";
import { ensureExperiment } from "./experiments.ts";
import { namesOn } from "./names.ts";
import { persist } from "./persist.ts";
import { ensurePipeline } from "./pipelines.ts";
import { pruneVersions } from "./prune-versions.ts";
import { createRun } from "./runs.ts";
import type { Server } from "./server.ts";
import { namespaceOn } from "./server-faults.ts";
import { uploadOf } from "./upload.ts";
import { versionLabels } from "./version-labels.ts";
import { ensureVersion, type Version } from "./versions.ts";

export type StartOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** Of a server with several users. */
  readonly namespace?: string;
  readonly experiment: string;
  /** As which the pods run. */
  readonly serviceAccount?: string;
  /** Where outputs are stored; else as the server or the package says. */
  readonly pipelineRoot?: string;
  readonly caching: Caching;
  /** A version of this name with another content is an error, or gets company: `v1.1.0-2`. */
  readonly onChangedVersion: "error" | "suffix";
  /** So many versions stay; the oldest are removed after a run was started. */
  readonly keepVersions?: number;
};

/** `mayStart` throws where the run is not wanted any more. */
export type Start = StartOptions & { readonly mayStart: () => void };

/** Uploads what is not there yet, starts the run, and makes room. Answers the id that the server calls the run by. */
export async function startRun(server: Server, request: RunRequest, options: Start): Promise<string> {
  const { clock } = options;
  const namespace = namespaceOn(server, options.namespace);
  const { pipelineId, version, versionTitle } = await persist(clock, () => upsert(server, request, options));
  const experimentId = await persist(clock, () => ensureExperiment(server, options.experiment, namespace));
  const { runId, attempt, work, parameters } = request;
  options.mayStart();
  const again = attempt === 1 ? "" : ` (attempt ${attempt})`;
  const run = await createRun(
    server,
    {
      runId,
      title: `${work.name} ${versionTitle}${again}`,
      description: versionLabels(work, request.origin).description,
      experimentId,
      pipelineId,
      versionId: version.pipeline_version_id,
      parameters,
      pipelineRoot: options.pipelineRoot,
      serviceAccount: options.serviceAccount,
    },
    clock,
  );
  await prune(server, options, { pipelineId, current: version.pipeline_version_id });
  return run.run_id;
}

type Upserted = { readonly pipelineId: string; readonly version: Version; readonly versionTitle: string };

async function upsert(server: Server, { work, origin }: RunRequest, options: StartOptions): Promise<Upserted> {
  const names = namesOn(server.store, work);
  const { repository } = origin.source;
  const { pipeline_id: pipelineId } = await ensurePipeline(server, {
    names,
    namespace: namespaceOn(server, options.namespace),
    description: `Released from ${repository}`,
    tags: { repository: repository.replace(/^https?:\/\//, "").slice(0, 63) },
  });
  const { version, how } = await ensureVersion(server, pipelineId, {
    names,
    upload: uploadOf(work, options.caching),
    onChanged: options.onChangedVersion,
    labels: versionLabels(work, origin),
  });
  const versionTitle = version.display_name ?? version.name ?? names.versionTitle;
  options.log.info(
    how === "reused"
      ? `Pipeline ${names.pipelineTitle} has version ${versionTitle} already, with the same content: reused (${version.pipeline_version_id})`
      : `Uploaded version ${versionTitle} of pipeline ${names.pipelineTitle} (${version.pipeline_version_id})`,
  );
  return { pipelineId, version, versionTitle };
}

async function prune(
  server: Server,
  { keepVersions: keep, namespace, log }: StartOptions,
  { pipelineId, current }: { readonly pipelineId: string; readonly current: string },
): Promise<void> {
  if (keep === undefined) return;
  try {
    const gone = await pruneVersions(server, pipelineId, { keep, current, namespace: namespaceOn(server, namespace) });
    if (gone.length > 0) log.info(`Removed ${gone.length} old versions of the pipeline: ${gone.join(", ")}`);
  } catch (error) {
    // the run is on its way
    if (!isReleaseError(error)) throw error;
    log.warn(`Old versions were not removed: ${error.problems.map(formatProblem).join("; ")}`);
  }
}
