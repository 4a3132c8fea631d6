import type { Json } from "../../domain/canonical.ts";
import type { ExecutionNode, ExecutionPlace } from "../../domain/run/execution-paths.ts";
import { iterationOf, LOG_ARTIFACT, type RunArtifact, type RunTask, type TaskState } from "../../domain/run/task.ts";
import type { ArtifactLink, NativeArtifact, NativeTask } from "./native-answers.ts";

export type NativeRun = {
  readonly tasks: readonly NativeTask[];
  /** Which task made which artifact. */
  readonly links: readonly ArtifactLink[];
  /** Those that only links tell of. */
  readonly artifacts: readonly NativeArtifact[];
  readonly places: ReadonlyMap<string, ExecutionPlace>;
  /** Runs that made what cached tasks took over, by artifact. */
  readonly keptFrom: ReadonlyMap<string, string>;
};

const DAGS = ["ROOT", "DAG", "LOOP", "CONDITION", "CONDITION_BRANCH", "EXIT_HANDLER"];

export function nodeOf({
  task_id: id,
  parent_task_id: parent,
  name,
  type,
  type_attributes: more,
}: NativeTask): ExecutionNode {
  return {
    id,
    name,
    isDag: DAGS.includes(type),
    isLoop: type === "LOOP",
    ...(parent === "" ? {} : { parent }),
    ...(more.iteration_index === undefined ? {} : { iteration: more.iteration_index }),
  };
}

/** The tasks of a run in the normal form; a scalar, which KFP 3.0 keeps as an artifact of its own, becomes one key of its output again. */
export function nativeTasks({ tasks, links, artifacts, places, keptFrom }: NativeRun): readonly RunTask[] {
  const linked = new Map([...tasks.flatMap(namedArtifacts), ...artifacts].map((one) => [one.artifact_id, one]));
  const linksBy = Map.groupBy(links, (link) => link.task_id);
  const leaves = tasks.flatMap((task): readonly Leaf[] => {
    const place = places.get(task.task_id);
    if (place === undefined || nodeOf(task).isDag) return [];
    return [{ task, place, made: groupsOf(task, linksBy.get(task.task_id) ?? [], linked) }];
  });
  const makers = new Map(
    leaves.flatMap(({ place, made }) => [...made.values()].flat().map((one) => [one.artifact_id, place.path] as const)),
  );
  const all = leaves.map((leaf) =>
    runTask(
      leaf,
      (id) => makers.get(id),
      (id) => keptFrom.get(id),
    ),
  );
  // a task that was tried again stands where its last try is
  return [...new Map(all.map((task) => [task.path, task])).values()];
}

type Leaf = { readonly task: NativeTask; readonly place: ExecutionPlace; readonly made: Groups };

function runTask({ task, place, made }: Leaf, makerOf: ProducerOf, keptOf: ProducerOf): RunTask {
  const iteration = iterationOf(place.path);
  const pod = task.pods.find((one) => one.type === "EXECUTOR")?.name ?? "";
  const { [LOG_ARTIFACT]: logs, ...outputs } = artifactsBy(made, keptOf);
  const log = logs?.[0]?.uri ?? "";
  const error = task.state === "FAILED" ? (task.status_metadata.message ?? "") : "";
  return {
    ...place,
    ...(iteration === undefined ? {} : { iteration }),
    state: STATES[task.state] ?? "pending",
    cached: task.state === "CACHED",
    ...(pod === "" ? {} : { pod }),
    ...(log === "" ? {} : { log }),
    ...(error === "" ? {} : { error }),
    inputs: { parameters: parametersOf(task.inputs), artifacts: artifactsBy(groupsIn(task.inputs), makerOf) },
    outputs: { parameters: parametersOf(task.outputs), artifacts: outputs },
  };
}

const STATES: Readonly<Record<string, TaskState>> = {
  RUNNING: "running",
  SUCCEEDED: "succeeded",
  CACHED: "succeeded",
  SKIPPED: "skipped",
  FAILED: "failed",
};

type Groups = ReadonlyMap<string, readonly NativeArtifact[]>;

type Keyed = { readonly key: string; readonly artifact: NativeArtifact };

function namedArtifacts({ inputs, outputs }: NativeTask): readonly NativeArtifact[] {
  return [...keyed(inputs), ...keyed(outputs)].map(({ artifact }) => artifact);
}

function keyed(values: NativeTask["inputs"]): readonly Keyed[] {
  return values.artifacts.flatMap((group) =>
    group.artifacts.map((artifact) => ({ key: group.artifact_key || artifact.name, artifact })),
  );
}

function groupsIn(values: NativeTask["inputs"]): Groups {
  return grouped(keyed(values));
}

/** Outputs as the task lists them, and those that only a link tells of. */
function groupsOf(
  task: NativeTask,
  links: readonly ArtifactLink[],
  linked: ReadonlyMap<string, NativeArtifact>,
): Groups {
  const own = keyed(task.outputs);
  const listed = new Set(own.map(({ artifact }) => artifact.artifact_id));
  const more = links.flatMap((link): readonly Keyed[] => {
    const artifact = linked.get(link.artifact_id);
    return artifact === undefined || listed.has(link.artifact_id) ? [] : [{ key: link.key || artifact.name, artifact }];
  });
  return grouped([...own, ...more]);
}

function grouped(all: readonly Keyed[]): Groups {
  return new Map(
    [...Map.groupBy(all, ({ key }) => key)].map(([key, list]) => [key, list.map(({ artifact }) => artifact)]),
  );
}

type ProducerOf = (artifactId: string) => string | undefined;

function artifactsBy(groups: Groups, producerOf: ProducerOf): Record<string, readonly RunArtifact[]> {
  return Object.fromEntries([...groups].map(([key, list]) => [key, runArtifacts(list, producerOf)] as const));
}

function runArtifacts(list: readonly NativeArtifact[], producerOf: ProducerOf): readonly RunArtifact[] {
  const scalars = list.filter((artifact) => artifact.type === "Metric");
  const others = list.filter((artifact) => artifact.type !== "Metric");
  const metrics =
    scalars.length === 0 ? [] : [runArtifact(scalars, Object.assign({}, ...scalars.map(scalarsOf)), producerOf)];
  return [
    ...metrics,
    ...others.map((artifact) => runArtifact([artifact], artifact.metadata as Record<string, Json>, producerOf)),
  ];
}

function runArtifact(
  from: readonly NativeArtifact[],
  metadata: Readonly<Record<string, Json>>,
  producerOf: ProducerOf,
): RunArtifact {
  const producer = from.map((artifact) => producerOf(artifact.artifact_id)).find((path) => path !== undefined);
  const type = from[0]?.type ?? "";
  return {
    type: TYPES[type] ?? (type.includes(".") ? type : `system.${type || "Artifact"}`),
    uri: from.map((artifact) => artifact.uri ?? "").find((uri) => uri !== "") ?? "",
    metadata,
    ...(producer === undefined ? {} : { producer }),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  Metric: "system.Metrics",
  ClassificationMetric: "system.ClassificationMetrics",
  SlicedClassificationMetric: "system.SlicedClassificationMetrics",
};

/** The number under its name; where there is none, whatever numbers the metadata has. */
function scalarsOf({ name, number_value: value, metadata }: NativeArtifact): Readonly<Record<string, Json>> {
  return value === undefined || value === null ? (metadata as Record<string, Json>) : { [name]: value };
}

function parametersOf(values: NativeTask["inputs"]): Readonly<Record<string, Json>> {
  const given = values.parameters.filter((parameter) => parameter.value !== undefined);
  return Object.fromEntries(given.map((parameter) => [parameter.parameter_key, parameter.value as Json] as const));
}
