import type { Json } from "../../domain/canonical.ts";
import { applyCaching, type Caching, cachingEdits } from "../../domain/pipeline/caching.ts";
import { formatProblem } from "../../domain/problem.ts";
import { isOver } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { PipelineEngine, PipelineWork, RunRequest } from "../../ports/pipeline-engine.ts";
import { cancelRun } from "./cancel-run.ts";
import { readEndpoint } from "./endpoint.ts";
import { ensureExperiment } from "./experiments.ts";
import { joinResults } from "./join-results.ts";
import { namesOn } from "./names.ts";
import { kubeflowFaults, packageText } from "./package-faults.ts";
import { persist } from "./persist.ts";
import { ensurePipeline } from "./pipelines.ts";
import { pruneVersions } from "./prune-versions.ts";
import type { ReadResults } from "./read-results.ts";
import { retryAgain } from "./retry-again.ts";
import { type RunWatch, type WatchPorts, watchRun } from "./run-watch.ts";
import { createRun, getRun } from "./runs.ts";
import { findServer, type Server } from "./server.ts";
import { namespaceOn, serverFaults } from "./server-faults.ts";
import { versionLabels } from "./version-labels.ts";
import { ensureVersion, type Upload, type Version } from "./versions.ts";

export type KfpEngineOptions = {
  /** The hop to the server, with whatever credentials it needs. */
  readonly send: Send;
  /** As users write it: of the page, of the API, with or without `/pipeline`. */
  readonly endpoint: string;
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
  /** What a run produced. */
  readonly readResults: ReadResults;
};

/**
 * Kubeflow Pipelines by its REST API v2beta1 (2.x and 3.0). In the long run a look is one call: between 2 and 30 s, 120 an hour; a change of
 * any task is one call more, and one for the log of each task that failed.
 */
export function kfpEngine(options: KfpEngineOptions): PipelineEngine {
  const { endpoint, clock, log } = options;
  const { identity } = readEndpoint(endpoint);
  const watches = new Map<string, RunWatch>();
  /** Runs that the server did not call as we asked. */
  const otherIds = new Map<string, string>();
  let found: Promise<Server> | undefined;
  const closed: WatchPorts["closed"] = {};

  const server = (): Promise<Server> => {
    found ??= findServer(options).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  const idOf = (runId: string) => otherIds.get(runId) ?? runId;
  const watch = async (runId: string): Promise<RunWatch> => {
    const known = watches.get(runId) ?? watchRun({ server: await server(), clock, log, closed }, idOf(runId));
    watches.set(runId, known);
    return known;
  };

  return {
    kind: "kubeflow",
    endpoint: identity,
    runsImages: true,
    lookMs: { min: 2_000, max: 30_000 },

    async check(request) {
      const on = await server();
      const names = namesOn(on.store, request.work);
      const upload = uploadOf(request.work, options.caching);
      const { experiment, namespace, onChangedVersion: onChanged } = options;
      const faults = kubeflowFaults(request, upload.text, names);
      if (faults.some(({ level }) => level === "error")) return faults;
      return [...faults, ...(await serverFaults(on, { names, upload, onChanged, experiment, namespace }))];
    },

    async submit(request) {
      const on = await server();
      const { runId } = request;
      const known = await watch(runId);
      known.knows(request.work.package);
      if ((await getRun(on, idOf(runId))) === undefined) return start(on, request);
      const status = await known.look();
      if (status === undefined || !isOver(status.state) || status.state === "succeeded") return;
      await retryAgain({ server: on, clock, runId: idOf(runId), watch: known });
      log.info(`Asked Kubeflow Pipelines to go on with run ${runId}: tasks that have finished are kept`);
    },

    async state(runId) {
      return (await watch(runId)).look();
    },

    async results(runId) {
      const known = await watch(runId);
      const own = (await known.look())?.tasks ?? [];
      const pipeline = known.package();
      const read = await options.readResults({
        runId: idOf(runId),
        tasks: own,
        ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        ...(pipeline === undefined ? {} : { package: pipeline }),
      });
      const tasks = joinResults(own, read?.tasks ?? []);
      const failed = tasks.filter(({ state }) => state === "failed");
      const logs = await Promise.all(failed.map((task) => known.logOf(task)));
      const unheard = closed.why === undefined ? [] : [`pods could not be looked at: ${closed.why}`];
      return { tasks, logs, notices: [...unheard, ...(read?.notices ?? [])] };
    },

    async cancel(runId) {
      const said = await cancelRun({ ...options, server: found, watch: () => watch(runId) }, idOf(runId));
      return said;
    },
  };

  /** Uploads what is not there yet, starts the run, and makes room. */
  async function start(on: Server, request: RunRequest): Promise<void> {
    const namespace = namespaceOn(on, options.namespace);
    const { pipelineId, version, versionTitle } = await persist(clock, () => upsert(on, request, namespace));
    const experimentId = await persist(clock, () => ensureExperiment(on, options.experiment, namespace));
    const { runId, attempt, work, parameters } = request;
    const again = attempt === 1 ? "" : ` (attempt ${attempt})`;
    const run = await createRun(
      on,
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
    if (run.run_id !== runId) adoptId(runId, run.run_id);
    await prune(on, { pipelineId, current: version.pipeline_version_id, namespace });
  }

  function adoptId(runId: string, other: string): void {
    otherIds.set(runId, other);
    watches.delete(runId);
    log.warn(
      `The server calls run ${runId} by an id of its own, ${other}: this job follows it, but a job that is run again cannot find it and would start another`,
    );
  }

  async function upsert(
    on: Server,
    { work, origin }: RunRequest,
    namespace: string | undefined,
  ): Promise<{ readonly pipelineId: string; readonly version: Version; readonly versionTitle: string }> {
    const names = namesOn(on.store, work);
    const labels = versionLabels(work, origin);
    const { repository } = origin.source;
    const pipeline = await ensurePipeline(on, {
      names,
      namespace,
      description: `Released from ${repository}`,
      tags: { repository: repository.replace(/^https?:\/\//, "").slice(0, 63) },
    });
    const pipelineId = pipeline.pipeline_id;
    const { version, how } = await ensureVersion(on, pipelineId, {
      names,
      upload: uploadOf(work, options.caching),
      onChanged: options.onChangedVersion,
      labels,
    });
    const versionTitle = version.display_name ?? version.name ?? names.versionTitle;
    log.info(
      how === "reused"
        ? `Pipeline ${names.pipelineTitle} has version ${versionTitle} already, with the same content: reused (${version.pipeline_version_id})`
        : `Uploaded version ${versionTitle} of pipeline ${names.pipelineTitle} (${version.pipeline_version_id})`,
    );
    return { pipelineId, version, versionTitle };
  }

  async function prune(
    on: Server,
    of: { readonly pipelineId: string; readonly current: string; readonly namespace: string | undefined },
  ): Promise<void> {
    if (options.keepVersions === undefined) return;
    try {
      const gone = await pruneVersions(on, of.pipelineId, { keep: options.keepVersions, ...of });
      if (gone.length > 0) log.info(`Removed ${gone.length} old versions of the pipeline: ${gone.join(", ")}`);
    } catch (error) {
      // the run is on its way
      if (!isReleaseError(error)) throw error;
      log.warn(`Old versions were not removed: ${error.problems.map(formatProblem).join("; ")}`);
    }
  }
}

function uploadOf(work: PipelineWork, caching: Caching): Upload {
  const before = work.package.documents;
  const edits = cachingEdits(work.package, caching);
  const documents: readonly Json[] = edits.length === 0 ? before : applyCaching(before, edits);
  return { text: packageText(work.text, before, documents), documents };
}
