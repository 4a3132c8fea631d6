import { type InputValue, itemsOf } from "./inputs.ts";
import {
  type Component,
  type Executor,
  type KubernetesSettings,
  own,
  type PackagePath,
  type PipelinePackage,
  type PipelineTask,
} from "./package.ts";
import type { Parameters } from "./parameters.ts";

/** A task of a DAG with the component that it runs. */
export type DagTask = { readonly name: string; readonly spec: PipelineTask; readonly component: Component };

/** A task of the pipeline that runs something, and how often. */
export type TaskSite = {
  /** Its name, unique in its DAG. */
  readonly task: string;
  /** Names of the DAGs around it and its own: `exit-handler-1/for-loop-2/train`. */
  readonly path: string;
  readonly component: Component;
  readonly executorLabel: string;
  readonly executor: Executor;
  readonly spec: PipelineTask;
  /** The tasks that are DAGs around it, from the outside in. */
  readonly around: readonly DagTask[];
  /** The pipeline itself. */
  readonly root: Component;
  /** How many run at once by the loops around it; `unknown` where a loop's items are known in the run only. */
  readonly times: number | "unknown";
  /** How often it is tried again after a failure. */
  readonly retries: number;
  /** What must hold for it to run, in the compiler's words, from the outside in. */
  readonly conditions: readonly string[];
  /** It runs even if what it depends on failed: the task of an exit handler, or one that ignores upstream failures. */
  readonly runsAfterFailure: boolean;
  /** Settings of Kubernetes from the second document. */
  readonly settings?: KubernetesSettings;
};

/** A DAG of the package with the place of the component that it belongs to. */
export type DagSite = {
  readonly component: Component;
  readonly path: PackagePath;
  readonly tasks: Readonly<Record<string, PipelineTask>>;
};

/** The root and every component that is a DAG. */
export function dags({ spec }: PipelinePackage): readonly DagSite[] {
  const all: readonly (readonly [PackagePath, Component])[] = [
    [[0, "root"], spec.root],
    ...Object.entries(spec.components).map(([name, one]) => [[0, "components", name] as PackagePath, one] as const),
  ];
  return all.flatMap(([path, component]) =>
    component.dag === undefined ? [] : [{ component, path, tasks: component.dag.tasks }],
  );
}

/** Every task that runs an executor, sub-DAGs and loops included. Only for a package without `linkFaults`. */
export function taskSites({ spec, platform }: PipelinePackage): readonly TaskSite[] {
  const executors = spec.deploymentSpec.executors;
  const settings = platform?.platforms.kubernetes?.deploymentSpec.executors ?? {};
  return sitesIn(spec.root, []);

  function sitesIn(dag: Component, around: readonly DagTask[]): readonly TaskSite[] {
    return Object.entries(dag.dag?.tasks ?? {}).flatMap(([name, task]) => {
      const component = own(spec.components, task.componentRef.name);
      if (component === undefined) return [];
      const here: DagTask = { name, spec: task, component };
      if (component.dag !== undefined) return sitesIn(component, [...around, here]);
      const executorLabel = component.executorLabel ?? "";
      const executor = own(executors, executorLabel);
      return executor === undefined ? [] : [siteOf(here, { around, executorLabel, executor })];
    });
  }

  function siteOf(
    { name, spec: task, component }: DagTask,
    of: Pick<TaskSite, "around" | "executorLabel" | "executor">,
  ): TaskSite {
    const ownSettings = own(settings, of.executorLabel);
    const site = {
      ...of,
      task: name,
      path: [...of.around.map((dag) => dag.name), name].join("/"),
      component,
      spec: task,
      root: spec.root,
      retries: task.retryPolicy?.maxRetryCount ?? 0,
      conditions: [...of.around.map((dag) => dag.spec), task].flatMap((one) => one.triggerPolicy?.condition || []),
      runsAfterFailure: task.triggerPolicy?.strategy === "ALL_UPSTREAM_TASKS_COMPLETED",
      ...(ownSettings === undefined ? {} : { settings: ownSettings }),
    };
    return { ...site, times: timesAtOnce(site, undefined) };
  }
}

/**
 * How many of a task run at once, by the loops around it and their limits. With the run's parameters also for loops over one of them;
 * without, only what the package says by itself.
 */
export function timesAtOnce(site: Omit<TaskSite, "times">, parameters: Parameters | undefined): TaskSite["times"] {
  const loops = [...site.around.map((dag) => dag.spec), site.spec];
  return loops.map((task, depth) => sideBySide(task, itemsOf(site, depth, parameters))).reduce(multiply, 1);
}

function multiply(a: TaskSite["times"], b: TaskSite["times"]): TaskSite["times"] {
  return a === "unknown" || b === "unknown" ? "unknown" : a * b;
}

/** How many iterations of a task run side by side. */
function sideBySide(task: PipelineTask, items: InputValue | undefined): TaskSite["times"] {
  if (task.parameterIterator === undefined && task.artifactIterator === undefined) return 1;
  const limit = task.iteratorPolicy?.parallelismLimit ?? 0;
  const lists = items?.state === "known" ? items.values.filter((list) => Array.isArray(list)) : [];
  if (lists.length === 0) return limit > 0 ? limit : "unknown";
  const longest = Math.max(...lists.map((list) => list.length));
  return limit > 0 ? Math.min(limit, longest) : longest;
}
