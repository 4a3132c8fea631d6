import { isJsonObject, type Json } from "../../domain/canonical.ts";
import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import { type ExecutionNode, type ExecutionPlace, executionPlaces } from "../../domain/run/execution-paths.ts";
import {
  HOUSEKEEPING,
  iterationOf,
  LOG_ARTIFACT,
  type RunArtifact,
  type RunTask,
  type TaskState,
  type TaskValues,
} from "../../domain/run/task.ts";
import type { Artifact, Event, Execution, ExecutionState } from "./messages.ts";
import { type Orphan, orphanedArtifacts } from "./orphaned-artifacts.ts";

/** What ML Metadata has of one run; every type by its name. */
export type RecordedRun = {
  readonly executions: readonly Execution[];
  readonly artifacts: readonly Artifact[];
  /** Of each execution in their order. */
  readonly events: readonly Event[];
  /** Below this address lie the run's own artifacts. */
  readonly root: string;
  /** Which run an execution belongs to whose outputs were taken over. */
  readonly keptFrom: ReadonlyMap<number, string>;
  readonly package?: PipelinePackage;
};

export type RecordedTasks = { readonly tasks: readonly RunTask[]; readonly notices: readonly string[] };

/** An execution that stands for its place: the last one there. */
export type PlacedExecution = ExecutionPlace & { readonly execution: Execution };

const DAG = "system.DAGExecution";

/**
 * The executions of a run in the normal form, as KFP 2's driver and launcher record them (kubeflow/pipelines,
 * backend/src/v2/metadata/client.go). DAGs are places, not tasks; of a task that was tried again the last execution counts.
 */
export function recordedTasks(run: RecordedRun): RecordedTasks {
  const places = executionPlaces(run.executions.map(nodeOf), run.package);
  const current = lastOfEachPlace(run.executions, places);
  const artifacts = new Map(run.artifacts.map((artifact) => [artifact.id, artifact]));
  const makers = makersOf(run.events, places);
  const events = Map.groupBy(run.events, (event) => event.executionId);
  const orphans = orphanedArtifacts({ ...run, current });

  const tasks = current.map((placed) => {
    const { execution } = placed;
    const own = events.get(execution.id) ?? [];
    const kept = run.keptFrom.get(keptExecution(execution) ?? -1);
    const inputs = artifactsBy(own, "input", (id) => artifactOf(artifacts.get(id), makers.get(id)));
    const told = artifactsBy(own, "output", (id) => artifactOf(artifacts.get(id), kept));
    const lost = orphanedOutputs(told, orphans.found.get(execution.id) ?? []);
    return taskOf(placed, inputs, { ...told, ...lost });
  });
  return { tasks, notices: [...orphans.notices, ...goneArtifacts(run, artifacts)] };
}

type Artifacts = TaskValues["artifacts"];

function taskOf({ execution, task, path }: PlacedExecution, inputs: Artifacts, outputs: Artifacts): RunTask {
  const { [LOG_ARTIFACT]: logs, ...made } = outputs;
  const iteration = iterationOf(path);
  const pod = textOf(execution, "pod_name");
  const log = logs?.[0]?.uri ?? "";
  return {
    task,
    path,
    ...(iteration === undefined ? {} : { iteration }),
    state: STATES[execution.state],
    cached: execution.state === "cached",
    ...(pod === "" ? {} : { pod }),
    ...(log === "" ? {} : { log }),
    inputs: { parameters: parametersOf(execution, "inputs"), artifacts: inputs },
    outputs: { parameters: parametersOf(execution, "outputs"), artifacts: made },
  };
}

/** The execution whose outputs this one took over. */
export function keptExecution(execution: Execution): number | undefined {
  const id = Number(textOf(execution, "cached_execution_id"));
  return execution.state === "cached" && Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

/** An execution that was not triggered is `canceled`; one whose pod was ended stays `running`. */
const STATES: Readonly<Record<ExecutionState, TaskState>> = {
  new: "pending",
  running: "running",
  complete: "succeeded",
  cached: "succeeded",
  failed: "failed",
  canceled: "skipped",
  unknown: "pending",
};

function nodeOf({ id, type, properties }: Execution): ExecutionNode {
  const { parent_dag_id: parent, iteration_index: iteration, task_name: task, display_name: shown } = properties;
  return {
    id: String(id),
    name: ([task, shown].find((name) => typeof name === "string" && name !== "") as string | undefined) ?? `task-${id}`,
    isDag: type === DAG,
    isLoop: type === DAG && properties.iteration_count !== undefined,
    ...(typeof parent === "number" && parent > 0 ? { parent: String(parent) } : {}),
    ...(typeof iteration === "number" ? { iteration } : {}),
  };
}

function lastOfEachPlace(
  executions: readonly Execution[],
  places: ReadonlyMap<string, ExecutionPlace>,
): readonly PlacedExecution[] {
  const byPath = new Map<string, PlacedExecution>();
  for (const execution of executions.toSorted((a, b) => a.id - b.id)) {
    const place = places.get(String(execution.id));
    if (execution.type === DAG || place === undefined) continue;
    byPath.delete(place.path);
    byPath.set(place.path, { ...place, execution });
  }
  return [...byPath.values()];
}

/** Paths of the executions that made each artifact. */
function makersOf(events: readonly Event[], places: ReadonlyMap<string, ExecutionPlace>): ReadonlyMap<number, string> {
  return new Map(
    events.flatMap(({ type, artifactId, executionId }) => {
      const place = places.get(String(executionId));
      return type === "output" && place !== undefined ? [[artifactId, place.path] as const] : [];
    }),
  );
}

function artifactsBy(
  events: readonly Event[],
  type: Event["type"],
  find: (id: number) => readonly RunArtifact[],
): Artifacts {
  const wanted = Map.groupBy(
    events.filter((event) => event.type === type),
    (event) => event.key,
  );
  return Object.fromEntries(
    [...wanted].map(([key, list]) => [key, list.flatMap((event) => find(event.artifactId))] as const),
  );
}

function orphanedOutputs(told: Artifacts, orphans: readonly Orphan[]): Artifacts {
  const byOutput = Map.groupBy(orphans, (orphan) => orphan.output);
  return Object.fromEntries(
    [...byOutput].map(([output, list]) => [
      output,
      [
        ...(Object.hasOwn(told, output) ? (told[output] ?? []) : []),
        ...list.flatMap(({ artifact }) => artifactOf(artifact, undefined)),
      ],
    ]),
  );
}

function artifactOf(artifact: Artifact | undefined, producer: string | undefined): readonly RunArtifact[] {
  if (artifact === undefined) return [];
  const metadata = Object.entries(artifact.properties).filter(([name]) => !HOUSEKEEPING.includes(name));
  return [
    {
      type: artifact.type,
      uri: artifact.uri,
      metadata: Object.fromEntries(metadata),
      ...(producer === undefined ? {} : { producer }),
    },
  ];
}

function goneArtifacts(run: RecordedRun, artifacts: ReadonlyMap<number, Artifact>): readonly string[] {
  const gone = new Set(run.events.map((event) => event.artifactId).filter((id) => !artifacts.has(id)));
  return gone.size === 0
    ? []
    : [`ML Metadata no longer has artifacts of this run: ${[...gone].slice(0, 10).join(", ")}`];
}

function parametersOf(execution: Execution, name: "inputs" | "outputs"): Readonly<Record<string, Json>> {
  const values = execution.properties[name];
  return isJsonObject(values) ? (values as Readonly<Record<string, Json>>) : {};
}

function textOf(execution: Execution, name: string): string {
  const value = execution.properties[name];
  return typeof value === "string" ? value : "";
}
