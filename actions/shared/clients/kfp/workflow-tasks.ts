import { iterationOf, type RunTask, type TaskState } from "../../domain/run/task.ts";
import { isDagDriver, placeOf, podName, timeOf } from "./node-place.ts";
import { failureOf, waitOf } from "./pod-reason.ts";
import type { Workflow, WorkflowNode } from "./workflow.ts";

/** When a pod went from waiting to running, where that is known: Argo tells when it was made. */
export type RunningSince = (node: {
  readonly id: string;
  readonly name: string;
  readonly madeAtMs: number;
}) => number | undefined;

/** Every task that has begun in any way, by the names that the package gives them. */
export function workflowTasks(workflow: Workflow, runningSince: RunningSince): readonly RunTask[] {
  const nodes = [...workflow.nodes.values()];
  const parts = nodes.flatMap((node) => partOf(node, workflow) ?? []);
  return [...Map.groupBy(parts, ({ path }) => path)].flatMap(([path, of]) => {
    const task = taskOf({ path, parts: of, workflow, runningSince });
    return task === undefined ? [] : [task];
  });
}

type Role = "task" | "driver" | "pod";
type Part = { readonly path: string; readonly name: string; readonly role: Role; readonly node: WorkflowNode };

/** What a node is of which task; undefined for DAGs, loops and their items. */
function partOf(node: WorkflowNode, workflow: Workflow): Part | undefined {
  const around = node.boundaryID === undefined ? undefined : workflow.nodes.get(node.boundaryID);
  const own = node.displayName === "" ? (node.name.split(".").at(-1) ?? "") : node.displayName;
  if (isTask(around)) {
    const path = placeOf(around as WorkflowNode, workflow);
    return path === undefined ? undefined : { ...path, role: "pod", node };
  }
  const role = roleOf(node, own);
  if (role === undefined) return undefined;
  const path = placeOf(node, workflow, role === "driver" ? own.replace(/-driver$/, "") : own);
  return path === undefined ? undefined : { ...path, role, node };
}

function roleOf(node: WorkflowNode, own: string): Role | undefined {
  if (isTask(node)) return "task";
  const isPod = node.type === "Pod" || node.type === "Plugin" || node.type === "HTTP";
  if (/(^|-)system-(container|dag)-driver$/.test(node.templateName) && own.endsWith("-driver")) return "driver";
  if (isPod) return "pod";
  // what never became a pod: by its condition, or after a failure
  const isExecutor = /(^|-)system-container-impl$|^system-importer/.test(node.templateName);
  return isExecutor && (node.type === "Skipped" || node.type === "Retry") ? "task" : undefined;
}

function isTask(node: WorkflowNode | undefined): boolean {
  return node !== undefined && /(^|-)system-container-executor$/.test(node.templateName);
}

const none = { parameters: {}, artifacts: {} } as const;

type TaskParts = {
  readonly path: string;
  readonly parts: readonly Part[];
  readonly workflow: Workflow;
  readonly runningSince: RunningSince;
};

function taskOf({ path, parts, workflow, runningSince }: TaskParts): RunTask | undefined {
  const [first] = parts;
  const task = parts.find(({ role }) => role === "task")?.node;
  const driver = parts.findLast(({ role }) => role === "driver")?.node;
  const pod = lastPod(parts);
  if (first === undefined) return undefined;
  // a driver alone whose DAG went on is not a task: it is told while it waits, and when it failed
  const isDag = task === undefined && pod === undefined;
  if (isDag && driver !== undefined && isDagDriver(driver) && !isTrouble(driver)) return undefined;
  const state = stateOf({ task, driver, pod, isTerminated: workflow.isTerminated });
  const failing = pod !== undefined && isFailed(pod) ? pod : driver !== undefined && isFailed(driver) ? driver : task;
  const wait = state === "pending" ? waitOfParts(pod, driver, workflow) : undefined;
  const iteration = iterationOf(path);
  return {
    task: first.name,
    path,
    ...(iteration === undefined ? {} : { iteration }),
    state,
    ...(wait === undefined ? {} : { wait }),
    cached: state === "succeeded" && pod?.phase === "Skipped",
    ...timesOf(state, pod ?? task, runningSince),
    ...(state === "failed" && failing !== undefined ? failedAs(failing, driver) : {}),
    ...(pod === undefined || pod.phase === "Skipped" ? {} : { pod: podName(pod, workflow) }),
    ...(pod?.hostNodeName === undefined ? {} : { node: pod.hostNodeName }),
    inputs: none,
    outputs: none,
  };
}

/** The last try. `executor` of several tries is a node that only holds them. */
function lastPod(parts: readonly Part[]): WorkflowNode | undefined {
  const pods = parts.filter(({ role, node }) => role === "pod" && node.type !== "Retry").map(({ node }) => node);
  return pods.toSorted((a, b) => tryOf(a) - tryOf(b)).at(-1);
}

function tryOf({ displayName }: WorkflowNode): number {
  return Number(/\((\d+)\)$/.exec(displayName)?.[1] ?? -1);
}

function isFailed({ phase }: WorkflowNode): boolean {
  return phase === "Failed" || phase === "Error";
}

function isTrouble(node: WorkflowNode): boolean {
  return isFailed(node) || node.phase === "Pending";
}

type Parts = {
  readonly task: WorkflowNode | undefined;
  readonly driver: WorkflowNode | undefined;
  readonly pod: WorkflowNode | undefined;
  readonly isTerminated: boolean;
};

function stateOf({ task, driver, pod, isTerminated }: Parts): TaskState {
  const lead = task ?? pod;
  if (lead === undefined) return driver === undefined ? "pending" : driverState(driver, isTerminated);
  switch (lead.phase) {
    case "Succeeded":
      return "succeeded";
    case "Failed":
    case "Error":
      return isTerminated && isEnded(pod ?? lead) ? "cancelled" : "failed";
    case "Skipped":
      return "skipped";
    case "Omitted":
      return driver !== undefined && isFailed(driver) ? driverState(driver, isTerminated) : "skipped";
    default:
      return pod?.phase === "Running" || (pod !== undefined && isOverPhase(pod.phase)) ? "running" : "pending";
  }
}

function driverState(driver: WorkflowNode, isTerminated: boolean): TaskState {
  if (!isFailed(driver)) return "pending";
  return isTerminated && isEnded(driver) ? "cancelled" : "failed";
}

/** By the end of the workflow, and not by itself before that. */
function isEnded({ message }: WorkflowNode): boolean {
  return !/exit code [1-9]|OOMKilled/.test(message) || /exit code (137|143)/.test(message);
}

function isOverPhase(phase: string): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Error";
}

function waitOfParts(pod: WorkflowNode | undefined, driver: WorkflowNode | undefined, workflow: Workflow) {
  if (pod !== undefined) return waitOf(pod.message, podName(pod, workflow));
  if (driver === undefined) return waitOf("", undefined);
  const wait = waitOf(driver.message, podName(driver, workflow));
  if (driver.phase === "Pending") return { ...wait, message: `its driver waits: ${wait.message}` };
  // a matter of seconds: one that is at work for minutes is stuck
  const isAtWork = driver.phase === "Running";
  return {
    ...wait,
    kind: isAtWork ? ("start" as const) : wait.kind,
    message: isAtWork ? "its driver is at work" : wait.message,
  };
}

/** The driver's failure is told as such: the task's own code never ran. */
function failedAs(node: WorkflowNode, driver: WorkflowNode | undefined): Partial<RunTask> {
  const { exitCode, error } = failureOf(node.message, node.outputs?.exitCode);
  if (node !== driver)
    return { ...(exitCode === undefined ? {} : { exitCode }), ...(error === undefined ? {} : { error }) };
  return { error: `its driver failed before the task began: ${node.message === "" ? node.phase : node.message}` };
}

/** Since the container began, without what its pod waited. */
function timesOf(
  state: TaskState,
  node: WorkflowNode | undefined,
  runningSince: RunningSince,
): Pick<RunTask, "startedAtMs" | "seconds"> {
  const madeAtMs = timeOf(node?.startedAt);
  if (node === undefined || madeAtMs === undefined || state === "pending" || state === "skipped") return {};
  const finishedAtMs = timeOf(node.finishedAt);
  const ranAtMs = runningSince({ id: node.id, name: node.displayName, madeAtMs }) ?? madeAtMs;
  // clocks of the server and of the cluster may differ
  const startedAtMs = ranAtMs < madeAtMs || ranAtMs > (finishedAtMs ?? Number.POSITIVE_INFINITY) ? madeAtMs : ranAtMs;
  if (finishedAtMs === undefined || finishedAtMs < startedAtMs) return { startedAtMs };
  return { startedAtMs, seconds: (finishedAtMs - startedAtMs) / 1_000 };
}
