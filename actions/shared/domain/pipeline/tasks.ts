import type {
  Component,
  Executor,
  PackageFault,
  PackagePath,
  PipelinePackage,
  PipelineTask,
  TaskInput,
} from "./package.ts";

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
  /** How many run at once by the loops around it; `unknown` where a loop's items are known in the run only. */
  readonly times: number | "unknown";
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
export function taskSites({ spec }: PipelinePackage): readonly TaskSite[] {
  return sitesIn(spec.root, { path: "", times: 1 });

  function sitesIn(dag: Component, around: Pick<TaskSite, "path" | "times">): readonly TaskSite[] {
    return Object.entries(dag.dag?.tasks ?? {}).flatMap(([name, task]) => {
      const component = spec.components[task.componentRef.name];
      if (component === undefined) return [];
      const path = around.path === "" ? name : `${around.path}/${name}`;
      const times = multiply(around.times, loopCount(task));
      if (component.dag !== undefined) return sitesIn(component, { path, times });
      const executorLabel = component.executorLabel ?? "";
      const executor = spec.deploymentSpec.executors[executorLabel];
      return executor === undefined
        ? []
        : [{ task: name, path, component, executorLabel, executor, spec: task, times }];
    });
  }
}

function multiply(a: TaskSite["times"], b: TaskSite["times"]): TaskSite["times"] {
  return a === "unknown" || b === "unknown" ? "unknown" : a * b;
}

/** How many iterations of a task run side by side. */
function loopCount(task: PipelineTask): TaskSite["times"] {
  if (task.parameterIterator === undefined && task.artifactIterator === undefined) return 1;
  const limit = task.iteratorPolicy?.parallelismLimit ?? 0;
  const items = listLength(task.parameterIterator?.items.raw);
  if (items === undefined) return limit > 0 ? limit : "unknown";
  return limit > 0 ? Math.min(limit, items) : items;
}

function listLength(raw: string | undefined): number | undefined {
  if (raw === undefined) return undefined;
  try {
    const items: unknown = JSON.parse(raw);
    return Array.isArray(items) ? items.length : undefined;
  } catch {
    return undefined;
  }
}

/** References of the package that lead nowhere, and DAGs that contain themselves. */
export function linkFaults(pipeline: PipelinePackage): readonly PackageFault[] {
  return [
    ...dags(pipeline).flatMap((dag) => dagFaults(pipeline, dag)),
    ...executorFaults(pipeline),
    ...cycleFaults(pipeline),
  ];
}

function dagFaults(pipeline: PipelinePackage, dag: DagSite): readonly PackageFault[] {
  return Object.entries(dag.tasks).flatMap(([name, task]) => {
    const path: PackagePath = [...dag.path, "dag", "tasks", name];
    const component = task.componentRef.name;
    const faults: PackageFault[] = [];
    if (pipeline.spec.components[component] === undefined)
      faults.push({
        level: "error",
        path,
        rule: `task ${name} runs a component that the package lacks`,
        saw: component,
      });
    for (const [input, from] of Object.entries({ ...task.inputs.parameters, ...task.inputs.artifacts })) {
      const missing = missingSource(dag, from);
      if (missing !== undefined)
        faults.push({ level: "error", path, rule: `input ${input} of task ${name} comes from nowhere`, saw: missing });
    }
    return faults;
  });
}

function missingSource(dag: DagSite, from: TaskInput): string | undefined {
  const producer = from.taskOutputParameter?.producerTask ?? from.taskOutputArtifact?.producerTask;
  if (producer !== undefined && dag.tasks[producer] === undefined) return `task ${producer}`;
  const { parameters, artifacts } = dag.component.inputDefinitions;
  const parameter = from.componentInputParameter;
  if (parameter !== undefined && parameters[parameter] === undefined) return parameter;
  const artifact = from.componentInputArtifact;
  if (artifact !== undefined && artifacts[artifact] === undefined) return artifact;
  return undefined;
}

function executorFaults({ spec }: PipelinePackage): readonly PackageFault[] {
  return Object.entries(spec.components).flatMap(([name, component]) => {
    const path: PackagePath = [0, "components", name];
    const label = component.executorLabel;
    if (component.dag !== undefined) return [];
    if (label === undefined)
      return [{ level: "error" as const, path, rule: `component ${name} has neither an executor nor a DAG` }];
    if (spec.deploymentSpec.executors[label] === undefined)
      return [{ level: "error" as const, path, rule: `component ${name} has no executor`, saw: label }];
    return [];
  });
}

function cycleFaults({ spec }: PipelinePackage): readonly PackageFault[] {
  const open = new Set<string>();
  const done = new Set<string>();
  const faults: PackageFault[] = [];
  const visit = (name: string): void => {
    if (done.has(name)) return;
    if (open.has(name)) {
      faults.push({ level: "error", path: [0, "components", name], rule: `component ${name} contains itself` });
      return;
    }
    open.add(name);
    for (const task of Object.values(spec.components[name]?.dag?.tasks ?? {})) visit(task.componentRef.name);
    open.delete(name);
    done.add(name);
  };
  for (const name of Object.keys(spec.components)) visit(name);
  return faults;
}
