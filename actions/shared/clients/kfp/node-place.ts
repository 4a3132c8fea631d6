import type { Workflow, WorkflowNode } from "./workflow.ts";

// How a pipeline becomes nodes (backend/src/v2/compiler/argocompiler). A task is a node of its name, which is a DAG with one node `executor`
// (of several tries, `executor(0)`, …), beside `<task>-driver`. A sub-DAG has a driver too. A loop is a DAG with `iteration-driver` and
// `iteration-iterations(0:0)`, …, which hold `iteration-item-driver` and `iteration-item`. An exit task is below `<dag>.onExit`. Importers
// and the placeholders of volumes have no driver. The node `boundaryID` names is the DAG around.

export type NodePlace = { readonly path: string; readonly name: string };

/** Where a node stands in the pipeline: its DAGs from the outermost, loops with their iteration, and its own name. */
export function placeOf(node: WorkflowNode, workflow: Workflow, own = node.displayName): NodePlace | undefined {
  const segments: string[] = [];
  let iteration: string | undefined;
  let name = own;
  let at: WorkflowNode | undefined = node;
  for (let depth = 0; at !== undefined && depth < 100; depth++) {
    const label: string = depth === 0 ? own : at.displayName;
    const item = /^iteration-iterations\((\d+)(?::|\))/.exec(label)?.[1];
    if (item !== undefined) iteration = item;
    else if (!isFrame(label, at, workflow)) {
      segments.unshift(depth > 0 && iteration !== undefined ? `${label}-iteration-${iteration}` : label);
      iteration = depth > 0 ? undefined : iteration;
    }
    // the driver of a loop, or of one of its items, is the loop's
    if (depth === 0 && isFrame(label, at, workflow)) name = "";
    const around: WorkflowNode | undefined =
      at.boundaryID === undefined ? undefined : workflow.nodes.get(at.boundaryID);
    at = around;
  }
  if (segments.length === 0) return name === "" ? undefined : { path: name, name };
  return { path: segments.join("/"), name: name === "" ? (segments.at(-1) ?? "") : name };
}

/** Nodes that stand for nothing in the pipeline. */
function isFrame(label: string, node: WorkflowNode, workflow: Workflow): boolean {
  if (node.boundaryID === undefined) return true;
  if (label === "root") return workflow.nodes.get(node.boundaryID)?.boundaryID === undefined;
  if (label === "iteration") return isDagDriver(node);
  return label === "iteration-item" || label === "iteration-iterations" || label.endsWith(".onExit");
}

/** Of a DAG, a loop or one of its items. */
export function isDagDriver({ templateName }: WorkflowNode): boolean {
  return /(^|-)system-dag-driver$/.test(templateName);
}

/** The pipeline's own driver, before which no task is there. */
export function rootDriver(workflow: Workflow): WorkflowNode | undefined {
  return [...workflow.nodes.values()].find((node) => node.displayName === "root-driver" && isDagDriver(node));
}

/** The pod in which a node ran (Argo 3.4 and later; before, and for whoever sets it so, it is the node's id). */
export function podName(node: Pick<WorkflowNode, "id" | "templateName">, workflow: Pick<Workflow, "name">): string {
  const hash = node.id.slice(workflow.name.length + 1);
  if (!node.id.startsWith(`${workflow.name}-`) || node.templateName === "" || !/^\d+$/.test(hash)) return node.id;
  // a name of Kubernetes has at most 253 characters, of which Argo keeps 10 for the hash
  return `${`${workflow.name}-${node.templateName}`.slice(0, 243)}-${hash}`;
}

/** Times that say nothing are year 1 or 1970. */
export function timeOf(text: string | null | undefined): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}
