import { isOver } from "../../domain/run/task.ts";
import type { PipelineEngine, RunRequest } from "../../ports/pipeline-engine.ts";
import { cancelRun } from "./cancel-run.ts";
import { readEndpoint } from "./endpoint.ts";
import { joinResults } from "./join-results.ts";
import { namesOn } from "./names.ts";
import { kubeflowFaults } from "./package-faults.ts";
import type { ReadResults } from "./read-results.ts";
import { retryAgain } from "./retry-again.ts";
import { type RunWatch, type WatchPorts, watchRun } from "./run-watch.ts";
import { getRun } from "./runs.ts";
import { type ServerAddress, serverFinder } from "./server.ts";
import { serverFaults } from "./server-faults.ts";
import { type StartOptions, startRun } from "./start-run.ts";
import { newStarts, type Starting } from "./starting.ts";
import { uploadOf } from "./upload.ts";

export type KfpEngineOptions = ServerAddress &
  StartOptions & {
    /** What a run produced. */
    readonly readResults: ReadResults;
  };

/** How long a cancel waits for the answer to a request that starts the run. */
const STARTING_MS = 3_000;

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
  const starts = newStarts();
  const { find: server, found } = serverFinder(options);
  const closed: WatchPorts["closed"] = {};
  const idOf = (runId: string) => otherIds.get(runId) ?? runId;
  const watch = async (runId: string): Promise<RunWatch> => {
    const on = await server();
    const known = watches.get(runId) ?? watchRun({ server: on, clock, log, closed }, idOf(runId));
    watches.set(runId, known);
    return known;
  };

  return {
    kind: "kubeflow",
    endpoint: identity,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
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

    submit(request) {
      return starts.follow(request.runId, (starting) => submit(request, starting));
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
      const ports = { ...options, server: found(), watch: () => watch(runId) };
      const ending = starts.stop(runId, clock, STARTING_MS);
      const said = await cancelRun(ports, idOf(runId));
      // what was on its way to the server may have come after the request to end it
      return (await ending) ? cancelRun(ports, idOf(runId)) : said;
    },
  };

  async function submit(request: RunRequest, { mayStart }: Starting): Promise<void> {
    const on = await server();
    const { runId } = request;
    const known = await watch(runId);
    known.knows(request.work.package);
    if ((await getRun(on, idOf(runId))) === undefined) {
      const started = await startRun(on, request, { ...options, mayStart });
      if (started !== runId) useOtherId(runId, started);
      return;
    }
    const status = await known.look();
    if (status === undefined || !isOver(status.state) || status.state === "succeeded") return;
    mayStart();
    await retryAgain({ server: on, clock, runId: idOf(runId), watch: known });
    log.info(`Asked Kubeflow Pipelines to go on with run ${runId}: tasks that have finished are kept`);
  }

  function useOtherId(runId: string, other: string): void {
    otherIds.set(runId, other);
    watches.delete(runId);
    log.warn(
      `The server calls run ${runId} by an id of its own, ${other}: this job follows it, but a job that is run again cannot find it and would start another`,
    );
  }
}
