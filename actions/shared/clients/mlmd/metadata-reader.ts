import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import type { RunTask } from "../../domain/run/task.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Artifact, Context, Event, Execution } from "./messages.ts";
import { type MetadataOptions, type MetadataService, metadataService } from "./metadata-service.ts";
import { keptExecution, recordedTasks } from "./run-tasks.ts";
import { malformed } from "./wire.ts";

type RunToRead = {
  readonly runId: string;
  /** Where the run must belong: ML Metadata itself keeps namespaces not apart. */
  readonly namespace?: string;
  readonly package?: PipelinePackage;
};

const RUN = "system.PipelineRun";

/**
 * Reads what a run of KFP 2 left in ML Metadata: undefined where it is not known there. Throws `REFUSED` where the record belongs to another
 * namespace, `UNAVAILABLE`, `NOT_FOUND` or `AUTH` where the service cannot be reached, `PROTOCOL` where its answer is none.
 */
export function metadataReader(
  options: MetadataOptions,
): (
  run: RunToRead,
) => Promise<{ readonly tasks: readonly RunTask[]; readonly notices: readonly string[] } | undefined> {
  const service = metadataService(options);
  return async (run) => {
    const context = await service.contextOf(RUN, run.runId);
    if (context === undefined) return undefined;
    checkContext(context, run);
    const [executions, attributed] = await Promise.all([
      service.executionsOf(context.id).then((found) => withTypes(found, service.executionTypes)),
      service.artifactsOf(context.id),
    ]);
    if (executions.length === 0) return undefined;
    const events = await service.eventsOf(executions.map((execution) => execution.id));
    const artifacts = await withTypes(await completed(attributed, events, service), service.artifactTypes);
    const kept = await keptRuns(executions, service);
    const root = context.properties.pipeline_root;
    const read = recordedTasks({
      executions,
      artifacts,
      events,
      root: typeof root === "string" ? root.replace(/\/+$/, "") : "",
      keptFrom: kept.runs,
      ...(run.package === undefined ? {} : { package: run.package }),
    });
    return { tasks: read.tasks, notices: [...read.notices, ...kept.notices] };
  };
}

function checkContext(context: Context, { runId, namespace }: RunToRead): void {
  if (context.name !== runId) throw malformed(`the record of ${context.name} where ${runId} was asked for`);
  const recorded = context.properties.namespace;
  if (namespace === undefined || typeof recorded !== "string" || recorded === "" || recorded === namespace) return;
  throw new ReleaseError("REFUSED", {
    rule: `what ML Metadata has under run ${runId} belongs to another namespace: it is not read`,
    saw: recorded,
    allowed: namespace,
    hint: "set `namespace` to the namespace of the run",
  });
}

/** With the artifacts that events tell of and that are not attributed to the run: outputs that were taken over, and inputs from elsewhere. */
async function completed(
  attributed: readonly Artifact[],
  events: readonly Event[],
  service: MetadataService,
): Promise<readonly Artifact[]> {
  const known = new Set(attributed.map((artifact) => artifact.id));
  const missing = [...new Set(events.map((event) => event.artifactId))].filter((id) => !known.has(id));
  return missing.length === 0 ? attributed : [...attributed, ...(await service.artifactsById(missing))];
}

/** Servers before 1.14 give types by number only. */
async function withTypes<T extends { readonly type: string; readonly typeId: number }>(
  all: readonly T[],
  types: () => Promise<ReadonlyMap<number, string>>,
): Promise<readonly T[]> {
  if (all.every((one) => one.type !== "")) return all;
  const names = await types();
  return all.map((one) => (one.type === "" ? { ...one, type: names.get(one.typeId) ?? "" } : one));
}

/** Runs that are looked at for outputs that were taken over from them: each one is two calls. */
const MOST_RUNS = 20;

type Kept = { readonly runs: ReadonlyMap<number, string>; readonly notices: readonly string[] };

/** Which run made what was taken over. Most often it is one run, so that all of a run's executions are looked up at once. */
async function keptRuns(executions: readonly Execution[], service: MetadataService): Promise<Kept> {
  const open = new Set(executions.flatMap((execution) => keptExecution(execution) ?? []));
  const runs = new Map<number, string>();
  try {
    for (let i = 0; i < MOST_RUNS && open.size > 0; i++) {
      const [id = 0] = open;
      open.delete(id);
      const contexts = await service.contextsOfExecution(id);
      const context = contexts.find((one) => one.type === RUN || "pipeline_root" in one.properties);
      if (context === undefined) continue;
      runs.set(id, context.name);
      if (open.size === 0) break;
      for (const execution of await service.executionsOf(context.id))
        if (open.delete(execution.id)) runs.set(execution.id, context.name);
    }
    return { runs, notices: [] };
  } catch (error) {
    // which run a kept output comes from is worth a look, not the run's metrics
    if (!isReleaseError(error, "PROTOCOL", "NOT_FOUND", "AUTH")) throw error;
    return { runs, notices: [`which runs the kept outputs come from could not be read: ${error.message}`] };
  }
}
