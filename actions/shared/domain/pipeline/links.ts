import { nearestName } from "../nearest.ts";
import { parseJson } from "../parse-json.ts";
import {
  own,
  type PackageFault,
  type PackagePath,
  type PipelinePackage,
  type PipelineTask,
  type TaskInput,
} from "./package.ts";
import { type DagSite, dags } from "./tasks.ts";

/** References of the package that lead nowhere, DAGs that contain themselves, and tasks that wait for themselves. */
export function linkFaults(pipeline: PipelinePackage): readonly PackageFault[] {
  return [
    ...rootFaults(pipeline),
    ...dags(pipeline).flatMap((dag) => [
      ...taskFaults(pipeline, dag),
      ...outputFaults(pipeline, dag),
      ...orderFaults(dag),
    ]),
    ...executorFaults(pipeline),
    ...nestingFaults(pipeline),
  ];
}

function error(path: PackagePath, rule: string, saw?: string): PackageFault {
  return { level: "error", path, rule, ...(saw === undefined ? {} : { saw }) };
}

function rootFaults({ spec }: PipelinePackage): readonly PackageFault[] {
  return spec.root.dag === undefined ? [error([0, "root"], "the pipeline has no DAG of tasks")] : [];
}

/** A task with everything that may be wrong about it. */
type Link = {
  readonly pipeline: PipelinePackage;
  readonly dag: DagSite;
  readonly name: string;
  readonly task: PipelineTask;
  readonly path: PackagePath;
};

function taskFaults(pipeline: PipelinePackage, dag: DagSite): readonly PackageFault[] {
  return Object.entries(dag.tasks).flatMap(([name, task]) => {
    const link: Link = { pipeline, dag, name, task, path: [...dag.path, "dag", "tasks", name] };
    return [
      ...componentFaults(link),
      ...inputFaults(link),
      ...waitFaults(link),
      ...loopFaults(link),
      ...conditionFaults(link),
    ];
  });
}

function componentFaults({ pipeline, name, task, path }: Link): readonly PackageFault[] {
  const wanted = task.componentRef.name;
  if (own(pipeline.spec.components, wanted) !== undefined) return [];
  const known = Object.keys(pipeline.spec.components);
  const nearest = nearestName(wanted, known);
  return [
    {
      ...error([...path, "componentRef", "name"], `task ${name} runs a component that the package lacks`, wanted),
      allowed: known.length === 0 ? "none: the package has no `components`" : known.slice(0, 20).join(", "),
      ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
    },
  ];
}

function inputFaults({ pipeline, dag, name, task, path }: Link): readonly PackageFault[] {
  return (["parameters", "artifacts"] as const).flatMap((kind) =>
    Object.entries(task.inputs[kind]).flatMap(([input, from]) => {
      const missing = missingSource(pipeline, dag, from);
      const rule = `input ${input} of task ${name} comes from nowhere`;
      return missing === undefined ? [] : [error([...path, "inputs", kind, input], rule, missing)];
    }),
  );
}

/** What an input is taken from and that is not there. */
function missingSource(pipeline: PipelinePackage, dag: DagSite, from: TaskInput): string | undefined {
  const { parameters, artifacts } = dag.component.inputDefinitions;
  if (from.componentInputParameter !== undefined && own(parameters, from.componentInputParameter) === undefined)
    return from.componentInputParameter;
  if (from.componentInputArtifact !== undefined && own(artifacts, from.componentInputArtifact) === undefined)
    return from.componentInputArtifact;
  const { taskOutputParameter: parameter, taskOutputArtifact: artifact, taskFinalStatus: status } = from;
  if (parameter !== undefined)
    return missingOutput(pipeline, dag, {
      kind: "parameters",
      task: parameter.producerTask,
      output: parameter.outputParameterKey,
    });
  if (artifact !== undefined)
    return missingOutput(pipeline, dag, {
      kind: "artifacts",
      task: artifact.producerTask,
      output: artifact.outputArtifactKey,
    });
  return status !== undefined && own(dag.tasks, status.producerTask) === undefined
    ? `task ${status.producerTask}`
    : undefined;
}

type Output = { readonly kind: "parameters" | "artifacts"; readonly task: string; readonly output: string };

function missingOutput({ spec }: PipelinePackage, dag: DagSite, { kind, task, output }: Output): string | undefined {
  const producer = own(dag.tasks, task);
  if (producer === undefined) return `task ${task}`;
  const component = own(spec.components, producer.componentRef.name);
  // that the component is missing is told at its task
  if (component === undefined) return undefined;
  return own<unknown>(component.outputDefinitions[kind], output) === undefined
    ? `output ${output} of task ${task}`
    : undefined;
}

function waitFaults({ dag, name, task, path }: Link): readonly PackageFault[] {
  return task.dependentTasks.flatMap((other, i) =>
    own(dag.tasks, other) === undefined
      ? [error([...path, "dependentTasks", i], `task ${name} waits for a task that its DAG lacks`, other)]
      : [],
  );
}

function loopFaults({ pipeline, name, task, path }: Link): readonly PackageFault[] {
  const component = own(pipeline.spec.components, task.componentRef.name);
  const { parameterIterator: parameters, artifactIterator: artifacts } = task;
  const faults: PackageFault[] = [];
  if (parameters !== undefined) {
    const { raw, inputParameter } = parameters.items;
    const at: PackagePath = [...path, "parameterIterator", "items"];
    if (raw === undefined && inputParameter === undefined) faults.push(error(at, `the loop ${name} has no items`));
    if (raw !== undefined && !Array.isArray(parseJson(raw)))
      faults.push(error([...at, "raw"], `the items of the loop ${name} are no list`, raw.slice(0, 60)));
    if (inputParameter !== undefined && own(task.inputs.parameters, inputParameter) === undefined)
      faults.push(error([...at, "inputParameter"], `the items of the loop ${name} come from nowhere`, inputParameter));
    if (component !== undefined && own(component.inputDefinitions.parameters, parameters.itemInput) === undefined)
      faults.push(
        error(
          [...path, "parameterIterator", "itemInput"],
          `what the loop ${name} repeats has no such input`,
          parameters.itemInput,
        ),
      );
  }
  if (artifacts !== undefined) {
    const source = artifacts.items.inputArtifact ?? "";
    if (own(task.inputs.artifacts, source) === undefined)
      faults.push(
        error(
          [...path, "artifactIterator", "items"],
          `the items of the loop ${name} come from nowhere`,
          source || "nothing",
        ),
      );
    if (component !== undefined && own(component.inputDefinitions.artifacts, artifacts.itemInput) === undefined)
      faults.push(
        error(
          [...path, "artifactIterator", "itemInput"],
          `what the loop ${name} repeats has no such input`,
          artifacts.itemInput,
        ),
      );
  }
  return faults;
}

function conditionFaults({ name, task, path }: Link): readonly PackageFault[] {
  const condition = task.triggerPolicy?.condition ?? "";
  const names = [...condition.matchAll(/inputs\.parameter_values\['([^']+)'\]/g)].map(([, one]) => one ?? "");
  return names
    .filter((one) => own(task.inputs.parameters, one) === undefined)
    .map((one) =>
      error(
        [...path, "triggerPolicy", "condition"],
        `the condition of ${name} speaks of an input that it does not have`,
        one,
      ),
    );
}

/** Outputs of a DAG that no task of it makes. */
function outputFaults(pipeline: PipelinePackage, dag: DagSite): readonly PackageFault[] {
  const { parameters, artifacts } = dag.component.dag?.outputs ?? { parameters: {}, artifacts: {} };
  const wanted = [
    ...Object.entries(parameters).flatMap(([name, { valueFromParameter, valueFromOneof }]) =>
      [
        ...(valueFromParameter === undefined ? [] : [valueFromParameter]),
        ...(valueFromOneof?.parameterSelectors ?? []),
      ].map((from) => ({
        name,
        kind: "parameters" as const,
        task: from.producerSubtask,
        output: from.outputParameterKey,
      })),
    ),
    ...Object.entries(artifacts).flatMap(([name, { artifactSelectors }]) =>
      artifactSelectors.map((from) => ({
        name,
        kind: "artifacts" as const,
        task: from.producerSubtask,
        output: from.outputArtifactKey,
      })),
    ),
  ];
  return wanted.flatMap(({ name, kind, ...of }) => {
    const missing = missingOutput(pipeline, dag, { kind, ...of });
    const path: PackagePath = [...dag.path, "dag", "outputs", kind, name];
    return missing === undefined ? [] : [error(path, `output ${name} of a DAG comes from nowhere`, missing)];
  });
}

/** Tasks that would wait for each other for ever. */
function orderFaults(dag: DagSite): readonly PackageFault[] {
  const before = (name: string): readonly string[] => {
    const task = own(dag.tasks, name);
    if (task === undefined) return [];
    const inputs = [...Object.values(task.inputs.parameters), ...Object.values(task.inputs.artifacts)];
    const producers = inputs.map(
      (from) => (from.taskOutputParameter ?? from.taskOutputArtifact ?? from.taskFinalStatus)?.producerTask,
    );
    return [...task.dependentTasks, ...producers.filter((one) => one !== undefined)];
  };
  return closedWalks(Object.keys(dag.tasks), before).map((name) =>
    error([...dag.path, "dag", "tasks", name], `task ${name} waits for itself`),
  );
}

function nestingFaults({ spec }: PipelinePackage): readonly PackageFault[] {
  const inside = (name: string) =>
    Object.values(own(spec.components, name)?.dag?.tasks ?? {}).map((task) => task.componentRef.name);
  return closedWalks(Object.keys(spec.components), inside).map((name) =>
    error([0, "components", name], `component ${name} contains itself`),
  );
}

/** Nodes from which a walk leads back to themselves: one of every closed walk. */
function closedWalks(nodes: readonly string[], next: (node: string) => readonly string[]): readonly string[] {
  const state = new Map<string, "open" | "done">();
  const found = new Set<string>();
  for (const start of nodes) {
    // without recursion: a package may nest as deep as it likes
    const stack = [{ node: start, rest: [...next(start)] }];
    if (state.has(start)) continue;
    state.set(start, "open");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const node = top.rest.pop();
      if (node === undefined) {
        state.set(top.node, "done");
        stack.pop();
      } else if (state.get(node) === "open") found.add(node);
      else if (!state.has(node)) {
        state.set(node, "open");
        stack.push({ node, rest: [...next(node)] });
      }
    }
  }
  return [...found];
}

function executorFaults({ spec }: PipelinePackage): readonly PackageFault[] {
  return Object.entries(spec.components).flatMap(([name, component]) => {
    const path: PackagePath = [0, "components", name];
    const label = component.executorLabel;
    if (component.dag !== undefined) return [];
    if (label === undefined) return [error(path, `component ${name} has neither an executor nor a DAG`)];
    const executor = own(spec.deploymentSpec.executors, label);
    const at: PackagePath = [0, "deploymentSpec", "executors", label];
    if (executor === undefined) return [error([...path, "executorLabel"], `component ${name} has no executor`, label)];
    if (executor.container === undefined && executor.importer === undefined)
      return [error(at, ...noContainer(label, executor))];
    const parameter = executor.importer?.artifactUri.runtimeParameter;
    if (parameter === undefined || own(component.inputDefinitions.parameters, parameter) !== undefined) return [];
    return [error([...at, "importer", "artifactUri"], `what component ${name} imports comes from nowhere`, parameter)];
  });
}

function noContainer(
  label: string,
  executor: { readonly resolver?: unknown; readonly customJob?: unknown },
): [string, string] {
  const vertex =
    executor.resolver !== undefined ? "resolver" : executor.customJob !== undefined ? "customJob" : undefined;
  if (vertex === undefined) return [`executor ${label} has neither a container nor an importer`, "nothing to run"];
  return [`executor ${label} is one of Vertex AI, which Kubeflow Pipelines cannot run`, vertex];
}
