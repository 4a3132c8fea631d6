import { type Component, own, type PipelinePackage, type PipelineTask } from "../pipeline/package.ts";

/** One execution of a run as an engine records it: tasks, and the DAGs around them, which are executions of their own. */
export type ExecutionNode = {
  readonly id: string;
  /** The DAG around it; absent of the run's own DAG. */
  readonly parent?: string;
  /** The task's name in that DAG; older engines give its display name. */
  readonly name: string;
  readonly isDag: boolean;
  /** A DAG that stands for all iterations; its iterations are DAGs in it. */
  readonly isLoop: boolean;
  readonly iteration?: number;
};

/** Which execution of the run it is, in the words of `RunTask`. */
export type ExecutionPlace = { readonly task: string; readonly path: string };

/** No pipeline is nested deeper; a record that is would never end. */
const DEEPEST = 64;

/**
 * The place of every execution: names of the DAGs around it, loops with their iteration (`for-loop-1-iteration-0/train`), and its own. With
 * the package, display names become the names that the package gives. What contains itself has no place.
 */
export function executionPlaces(
  nodes: readonly ExecutionNode[],
  pipeline: PipelinePackage | undefined,
): ReadonlyMap<string, ExecutionPlace> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const known = new Map<string, Site | undefined>();
  const components = pipeline?.spec.components ?? {};
  const root: Site = { task: "", path: "", depth: 0, component: pipeline?.spec.root };

  function siteOf(node: ExecutionNode, depth: number): Site | undefined {
    if (known.has(node.id)) return known.get(node.id);
    const site = depth > DEEPEST ? undefined : findSite(node, depth);
    known.set(node.id, site);
    return site;
  }

  function findSite(node: ExecutionNode, depth: number): Site | undefined {
    const parent = node.parent === undefined ? undefined : byId.get(node.parent);
    if (node.parent === undefined && node.isDag) return root;
    if (parent === undefined) return inside(root, node);
    const around = siteOf(parent, depth + 1);
    if (around === undefined || around.depth >= DEEPEST) return undefined;
    if (!parent.isLoop || node.iteration === undefined) return inside(around, node);
    const iteration = { ...around, depth: around.depth + 1, path: `${around.path}-iteration-${node.iteration}` };
    return node.isDag && !node.isLoop ? iteration : inside(iteration, node);
  }

  function inside(around: Site, node: ExecutionNode): Site {
    const tasks = around.component?.dag?.tasks ?? {};
    const task = nameIn(tasks, node.name);
    const component = own(components, own(tasks, task)?.componentRef.name ?? "");
    return { task, path: around.path === "" ? task : `${around.path}/${task}`, depth: around.depth + 1, component };
  }

  return new Map(
    nodes.flatMap((node) => {
      const site = siteOf(node, 0);
      return site === undefined ? [] : [[node.id, { task: site.task, path: site.path }] as const];
    }),
  );
}

type Site = ExecutionPlace & { readonly depth: number; readonly component: Component | undefined };

function nameIn(tasks: Readonly<Record<string, PipelineTask>>, name: string): string {
  if (Object.hasOwn(tasks, name)) return name;
  const shown = Object.entries(tasks).filter(([, task]) => task.taskInfo?.name === name);
  return shown.length === 1 && shown[0] !== undefined ? shown[0][0] : name;
}
