import type { RunTask } from "../../../actions/shared/domain/run/task.ts";
import type { JsonObject } from "./answer.ts";
import { courseOf, KILL_MS, type TaskCourse } from "./course.ts";
import { artifactsOf, taskId } from "./native-artifacts.ts";
import { type KfpState, type Run, timeText } from "./state.ts";

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
