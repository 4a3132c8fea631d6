import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { RunArtifact, RunTask } from "../../../actions/shared/domain/run/task.ts";
import { type Answer, failure, type JsonObject, ok, refusal } from "./answer.ts";
import { courseOf, KILL_MS, type TaskCourse } from "./course.ts";
import { type KfpState, type Run, timeText } from "./state.ts";

// What a server of 3.0 keeps itself: tasks and artifacts. Older ones know none of these routes.

export function listArtifacts(state: KfpState, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const namespace = query.get("namespace") ?? "";
  const all = [...state.runs.values()]
    .filter((run) => namespace === "" || run.namespace === namespace)
    .flatMap((run) => artifactsOf(state, run));
  return pageBody(
    "artifacts",
    uniqueBy(
      all.map(({ artifact }) => artifact),
      "artifact_id",
    ),
    query,
  );
}

export function getArtifact(state: KfpState, id: string): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const all = [...state.runs.values()].flatMap((run) => artifactsOf(state, run));
  const found = all.find(({ artifact }) => artifact.artifact_id === id);
  return found
    ? ok(found.artifact)
    : failure(5, `Failed to get artifact: Artifact ${id} not found`, `Artifact ${id} not found`);
}

export function listArtifactTasks(state: KfpState, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const wanted = (name: string): readonly string[] => query.getAll(name).flatMap((one) => one.split(","));
  const [runs, tasks, artifacts] = [wanted("run_ids"), wanted("task_ids"), wanted("artifact_ids")];
  if (runs.length + tasks.length + artifacts.length === 0) {
    const inner = "at least one of run_ids, task_ids or artifact_ids must be provided";
    return failure(3, `Failed to list artifact tasks: Invalid input error: ${inner}`, inner);
  }
  const links = [...state.runs.values()]
    .flatMap((run) => artifactsOf(state, run))
    .map(({ link }) => link)
    .filter((link) => runs.length === 0 || runs.includes(String(link.run_id)))
    .filter((link) => tasks.length === 0 || tasks.includes(String(link.task_id)))
    .filter((link) => artifacts.length === 0 || artifacts.includes(String(link.artifact_id)));
  return pageBody("artifact_tasks", links, query);
}

export function listTasks(state: KfpState, runId: string, query: URLSearchParams): Answer {
  if (!isNative(state)) return refusal(5, "Not Found");
  const run = state.runs.get(runId);
  if (!run) return failure(5, `Failed to list tasks: Run ${runId} not found`, `Run ${runId} not found`);
  const parent = query.get("parent_id");
  const tasks = nativeTasks(state, run).filter((task) => parent === null || task.parent_task_id === parent);
  return pageBody("tasks", tasks, query);
}

function isNative(state: KfpState): boolean {
  return state.settings.release === "3.0";
}

function pageBody(key: string, all: readonly JsonObject[], query: URLSearchParams): Answer {
  const size = Number(query.get("page_size") ?? 0) || 20;
  const from = Number(query.get("page_token") ?? 0);
  const next = from + size < all.length ? { next_page_token: String(from + size) } : {};
  const items = all.slice(from, from + size);
  return ok(items.length === 0 ? {} : { [key]: items, total_size: all.length, ...next });
}

function uniqueBy(all: readonly JsonObject[], key: string): readonly JsonObject[] {
  return [...new Map(all.map((one) => [one[key], one])).values()];
}

/** The tree of a run's tasks: the root, the DAGs with loops and their iterations, and what runs. */
export function nativeTasks(state: KfpState, run: Run): readonly JsonObject[] {
  const root = taskObject(run, {
    path: "",
    name: run.displayName,
    type: "ROOT",
    state: rootState(run),
    parent: undefined,
  });
  const leaves = leavesOf(state, run);
  const dags = new Map<string, JsonObject>();
  for (const leaf of leaves)
    for (const [path, dag] of dagsAbove(run, leaf.path)) if (!dags.has(path)) dags.set(path, dag);
  return [root, ...dags.values(), ...leaves.map((leaf) => leafTask(state, run, leaf))];
}

type Leaf = {
  /** As in a run's tasks: loops carry their iteration. */
  readonly path: string;
  readonly state: string;
  readonly message: string | undefined;
  readonly startMs: number;
  readonly endMs: number | undefined;
  readonly pod: string | undefined;
  readonly result: RunTask | undefined;
};

function leavesOf(state: KfpState, run: Run): readonly Leaf[] {
  const results = state.results.get(run.id) ?? [];
  const last = run.workflow.tries.at(-1);
  const now = state.clock.now();
  const courses = last === undefined ? [] : courseOf(last).tasks.filter((task) => task.startMs <= now);
  const leaves = courses.map((course): Leaf => {
    const path = pathOfCourse(course);
    const ended = last?.terminatedMs === undefined ? undefined : last.terminatedMs + KILL_MS;
    const isCut = ended !== undefined && now >= ended && course.endMs >= ended;
    const isOver = course.endMs <= now || isCut;
    const seen = isCut ? "FAILED" : isOver ? NATIVE_STATES[course.outcome] : "RUNNING";
    return {
      path,
      state: course.task.cached && seen === "SUCCEEDED" ? "CACHED" : seen,
      message: isOver ? course.executor?.message : undefined,
      startMs: course.startMs,
      endMs: isOver ? Math.min(course.endMs, ended ?? Number.POSITIVE_INFINITY) : undefined,
      pod: `${run.workflow.name}-${path.replaceAll("/", "-")}`,
      result: results.find((task) => task.path === path),
    };
  });
  const told = new Set(leaves.map((leaf) => leaf.path));
  const others = results.filter((task) => !told.has(task.path)).map((task) => leafOfResult(run, task));
  return [...leaves, ...others];
}

const NATIVE_STATES = { Succeeded: "SUCCEEDED", Failed: "FAILED", Error: "FAILED", Omitted: "SKIPPED" } as const;

function leafOfResult(run: Run, task: RunTask): Leaf {
  const states = {
    succeeded: "SUCCEEDED",
    failed: "FAILED",
    skipped: "SKIPPED",
    cancelled: "FAILED",
    running: "RUNNING",
    pending: "RUNNING",
  };
  const startMs = task.startedAtMs ?? run.createdMs;
  return {
    path: task.path,
    state: task.cached ? "CACHED" : states[task.state],
    message: task.error,
    startMs,
    endMs: task.seconds === undefined ? startMs : startMs + task.seconds * 1_000,
    pod: task.pod,
    result: task,
  };
}

function pathOfCourse({ task }: TaskCourse): string {
  const names: string[] = [];
  for (const name of task.within ?? [])
    if (name.startsWith("iteration-")) names.push(`${names.pop()}-${name}`);
    else names.push(name);
  return [...names, task.name].join("/");
}

function dagsAbove(run: Run, path: string): readonly (readonly [string, JsonObject])[] {
  const names = path.split("/").slice(0, -1);
  return names.flatMap((name, depth) => {
    const own = names.slice(0, depth + 1).join("/");
    const above = names.slice(0, depth).join("/");
    const [, loop, index] = /^(.*)-iteration-(\d+)$/.exec(name) ?? [];
    if (loop === undefined) {
      const type = name.startsWith("condition")
        ? "CONDITION"
        : name.startsWith("exit-handler")
          ? "EXIT_HANDLER"
          : "DAG";
      return [[own, taskObject(run, { path: own, name, type, state: "SUCCEEDED", parent: above })] as const];
    }
    const loopPath = [...names.slice(0, depth), loop].join("/");
    return [
      [
        loopPath,
        taskObject(run, { path: loopPath, name: loop, type: "LOOP", state: "SUCCEEDED", parent: above }),
      ] as const,
      [
        own,
        {
          ...taskObject(run, { path: own, name: loop, type: "DAG", state: "SUCCEEDED", parent: loopPath }),
          type_attributes: { iteration_index: index ?? "0" },
        },
      ] as const,
    ];
  });
}

function rootState(run: Run): string {
  return run.state === "PENDING" || run.state === "CANCELING" ? "RUNNING" : run.state;
}

type TaskFields = {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly state: string;
  /** Path of the task around. */
  readonly parent: string | undefined;
};

function taskObject(run: Run, { path, name, type, state, parent }: TaskFields): JsonObject {
  return {
    name,
    display_name: name,
    task_id: taskId(run, path),
    run_id: run.id,
    create_time: timeText(run.createdMs),
    state,
    type,
    ...(parent === undefined ? {} : { parent_task_id: taskId(run, parent) }),
  };
}

function taskId(run: Run, path: string): string {
  return `${run.id}/${path === "" ? "root" : path}`.replaceAll("/", "_");
}

function leafTask(state: KfpState, run: Run, leaf: Leaf): JsonObject {
  const names = leaf.path.split("/");
  const own = artifactsOf(state, run).filter(({ link }) => link.task_id === taskId(run, leaf.path));
  const keys = [...new Set(own.map(({ link }) => String(link.key)))];
  const outputs = {
    parameters: Object.entries(leaf.result?.outputs.parameters ?? {}).map(([key, value]) => ({
      parameter_key: key,
      value,
      type: "OUTPUT",
    })),
    artifacts: keys.map((key) => ({
      artifact_key: key,
      type: "OUTPUT",
      artifacts: own.filter(({ link }) => link.key === key).map(({ artifact }) => artifact),
    })),
  };
  const inputs = Object.entries(leaf.result?.inputs.parameters ?? {}).map(([key, value]) => ({
    parameter_key: key,
    value,
    type: "COMPONENT_INPUT",
  }));
  const made = artifactsOf(state, run).map(({ artifact }) => artifact);
  const taken = Object.entries(leaf.result?.inputs.artifacts ?? {}).map(([key, artifacts]) => ({
    artifact_key: key,
    type: "TASK_OUTPUT_INPUT",
    artifacts: artifacts.flatMap(({ uri }) => made.find((one) => one.uri === uri) ?? []),
  }));
  return {
    ...taskObject(run, {
      path: leaf.path,
      name: names.at(-1) ?? "",
      type: "RUNTIME",
      state: leaf.state,
      parent: names.slice(0, -1).join("/"),
    }),
    start_time: timeText(leaf.startMs),
    ...(leaf.endMs === undefined ? {} : { end_time: timeText(leaf.endMs) }),
    ...(leaf.message === undefined ? {} : { status_metadata: { message: leaf.message } }),
    ...(leaf.pod === undefined ? {} : { pods: [{ name: leaf.pod, uid: leaf.pod, type: "EXECUTOR" }] }),
    ...(inputs.length + taken.length === 0 ? {} : { inputs: { parameters: inputs, artifacts: taken } }),
    ...(outputs.parameters.length + outputs.artifacts.length === 0 ? {} : { outputs }),
  };
}

type Output = { readonly artifact: JsonObject; readonly link: JsonObject };

/** Every scalar of a `system.Metrics` is an artifact of its own. */
function artifactsOf(state: KfpState, run: Run): readonly Output[] {
  return (state.results.get(run.id) ?? []).flatMap((task) =>
    Object.entries(task.outputs.artifacts).flatMap(([key, artifacts]) =>
      artifacts.flatMap((artifact, i) => {
        const id = `${taskId(run, task.path)}_${key}_${i}`;
        const link = { run_id: run.id, task_id: taskId(run, task.path), type: "OUTPUT", key };
        return objectsOf(artifact, { id, key, namespace: run.namespace }).map((one) => ({
          artifact: one,
          link: { ...link, id: `link_${one.artifact_id}`, artifact_id: one.artifact_id as Json },
        }));
      }),
    ),
  );
}

const NATIVE_TYPES: Readonly<Record<string, string>> = {
  "system.Artifact": "Artifact",
  "system.Model": "Model",
  "system.Dataset": "Dataset",
  "system.HTML": "HTML",
  "system.Markdown": "Markdown",
  "system.ClassificationMetrics": "ClassificationMetric",
  "system.SlicedClassificationMetrics": "SlicedClassificationMetric",
};

function objectsOf(
  artifact: RunArtifact,
  { id, key, namespace }: { readonly id: string; readonly key: string; readonly namespace: string },
): readonly JsonObject[] {
  const { type, uri, metadata } = artifact;
  if (type === "system.Metrics")
    return Object.entries(metadata)
      .filter(([, value]) => typeof value === "number")
      .map(([name, value]) => ({
        artifact_id: `${id}_${name}`,
        name,
        type: "Metric",
        number_value: value as Json,
        namespace,
      }));
  return [{ artifact_id: id, name: key, type: NATIVE_TYPES[type] ?? "Artifact", uri, metadata, namespace }];
}
