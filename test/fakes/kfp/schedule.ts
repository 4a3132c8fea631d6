import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { JsonObject } from "./answer.ts";
import { isObject } from "./proto-json.ts";

/** What a workflow will do, told in advance: the cluster is a function from time to nodes. */
export type Schedule = {
  /** Until the workflow controller looks at it; `Infinity` where there is no controller. Default 1 s. */
  readonly controllerMs?: number;
  readonly tasks: readonly ScheduledTask[];
};

export type ScheduledTask = {
  readonly name: string;
  /** Names of the DAGs around it, from the outside; a loop is followed by its iteration: `for-loop-1`, `iteration-0`. */
  readonly within?: readonly string[];
  /** Paths of tasks, or of DAGs, that must have succeeded: `load-data`, `for-loop-1/train`. */
  readonly after?: readonly string[];
  /** Runs whatever became of those: an exit handler. */
  readonly always?: boolean;
  readonly driver?: DriverPlan;
  /** What its pod waits for, one after the other. */
  readonly waits?: readonly Wait[];
  /** Of the container. Default 10 s. */
  readonly runMs?: number;
  readonly ends?: "Succeeded" | "Failed" | "Error";
  readonly message?: string;
  /** The driver found an earlier execution: no pod runs. */
  readonly cached?: boolean;
  readonly log?: string;
};

/** `message` is the pod's own word, as the controller copies it to the node: `Unschedulable: 0/4 nodes are available: …`. */
export type Wait = { readonly ms: number; readonly message: string };

/** Of a task's driver, the pod before its own. */
export type DriverPlan = {
  readonly waits?: readonly Wait[];
  /** Default 2 s. */
  readonly ms?: number;
  readonly ends?: "Error";
  readonly message?: string;
};

/** Every task of the root DAG and of the DAGs inside, in the order of their dependencies, ten seconds each; a loop runs once. */
export function scheduleOfSpec(spec: JsonObject): Schedule {
  const inner = isObject(spec.pipeline_spec) ? spec.pipeline_spec : spec;
  return { tasks: tasksOf(inner, { dag: dagOf(inner.root), within: [], after: [] }) };
}

type Scope = {
  readonly dag: JsonObject | undefined;
  readonly within: readonly string[];
  /** What the DAG itself waits for. */
  readonly after: readonly string[];
};

function tasksOf(spec: JsonObject, { dag, within, after }: Scope): readonly ScheduledTask[] {
  const tasks = isObject(dag?.tasks) ? dag.tasks : {};
  const components = isObject(spec.components) ? spec.components : {};
  return Object.entries(tasks).flatMap(([name, task]) => {
    if (!isObject(task)) return [];
    const reference = isObject(task.componentRef) ? String(task.componentRef.name) : "";
    const upstream = Array.isArray(task.dependentTasks) ? task.dependentTasks.map(String) : [];
    const waitsFor = [...after, ...upstream.map((one) => [...within, one].join("/"))];
    const policy = isObject(task.triggerPolicy) ? task.triggerPolicy.strategy : undefined;
    const inside = dagOf(components[reference]);
    const isLoop = task.parameterIterator !== undefined || task.artifactIterator !== undefined;
    const path = isLoop ? [...within, name, "iteration-0"] : [...within, name];
    if (inside) return tasksOf(spec, { dag: inside, within: path, after: waitsFor });
    return [{ name, within, after: waitsFor, always: policy === "ALL_UPSTREAM_TASKS_COMPLETED" }];
  });
}

function dagOf(component: Json | undefined): JsonObject | undefined {
  const dag = isObject(component) ? component.dag : undefined;
  return isObject(dag) ? dag : undefined;
}
