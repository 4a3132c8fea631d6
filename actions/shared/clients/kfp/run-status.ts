import type { PipelinePackage } from "../../domain/pipeline/package.ts";
import type { RunState } from "../../domain/release.ts";
import { isOver, type RunStatus, type RunTask, type TaskWait } from "../../domain/run/task.ts";
import { podName, rootDriver, timeOf } from "./node-place.ts";
import { waitOf } from "./pod-reason.ts";
import type { KfpRun } from "./runs.ts";
import { detailTasks, runningSince } from "./task-details.ts";
import type { Workflow } from "./workflow.ts";
import { type RunningSince, workflowTasks } from "./workflow-tasks.ts";

/** Everything that was read about a run. */
export type RunFacts = {
  readonly run: KfpRun;
  /** As it was last read. */
  readonly workflow: Workflow | undefined;
  /** `unknown`: nobody could or would tell whether there is one. */
  readonly workflowIs: "known" | "absent" | "unknown";
  /** Of 3.0, as its API tells them. */
  readonly nativeTasks: readonly RunTask[] | undefined;
  /** We asked for its end, or saw it being ended. */
  readonly wasEnded: boolean;
  /** The server has refused to repeat it. */
  readonly isFinal: boolean;
  readonly package: PipelinePackage | undefined;
  /** When we first saw a pod running, by its node: where the server does not tell. */
  readonly seenRunning: ReadonlyMap<string, number>;
  readonly url: string | undefined;
};

/** A run as the port tells it. Its state is decided by `state` alone: times are set before they mean anything. */
export function statusOf(facts: RunFacts): RunStatus {
  const { run, workflow, url } = facts;
  const state = stateOf(facts);
  const over = isOver(state);
  const tasks = tasksOf(facts).map((task) => (over ? settled(task) : task));
  const wait = over ? undefined : firstWait(facts, tasks);
  const reason = reasonOf(facts, state, tasks);
  const startedAtMs = timeOf(run.created_at);
  const finishedAtMs = over ? timeOf(run.finished_at) : undefined;
  const canRetry = over && state !== "succeeded" && !facts.isFinal;
  return {
    state,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    ...(reason === undefined ? {} : { reason }),
    ...(url === undefined ? {} : { url }),
    ...(wait === undefined ? {} : { wait }),
    // the server starts again what it has stored, and looks only there
    canRetry: canRetry && facts.workflowIs !== "absent" && workflow?.isOffloaded !== true,
    tasks,
  };
}

/** Whether KFP's state is one that does not change any more. */
export function isOverState(state: string | undefined): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "SKIPPED" || state === "CANCELED";
}

function stateOf(facts: RunFacts): RunState {
  switch (facts.run.state) {
    case "SUCCEEDED":
      return "succeeded";
    case "FAILED":
      return wasCancelled(facts) ? "cancelled" : "failed";
    // nothing ran, so nothing may go on from there
    case "SKIPPED":
    case "CANCELED":
      return "cancelled";
    case "RUNNING":
    case "CANCELING":
      return "running";
    case "PENDING":
    case "PAUSED":
    case "RUNTIME_STATE_UNSPECIFIED":
    case undefined:
      return "pending";
    // a state of a later server: not known to be an end
    default:
      return "running";
  }
}

/** A run that was ended ends as FAILED. Its workflow remembers why; so may the list of its states, and we. */
function wasCancelled({ run, workflow, wasEnded }: RunFacts): boolean {
  const states = run.state_history.map(({ state }) => state);
  const wasCanceling = states.lastIndexOf("CANCELING") > states.lastIndexOf("RUNNING");
  return wasEnded || wasCanceling || workflow?.isTerminated === true;
}

function tasksOf(facts: RunFacts): readonly RunTask[] {
  const { run, workflow, nativeTasks, seenRunning } = facts;
  const told = runningSince(run);
  const since: RunningSince = (node) => told(node) ?? seenRunning.get(node.id);
  const fromWorkflow = workflow === undefined || workflow.isOffloaded ? undefined : workflowTasks(workflow, since);
  if (nativeTasks === undefined) return fromWorkflow ?? detailTasks(run, facts.package);
  return withPods(nativeTasks, fromWorkflow ?? []);
}

/** What the API of 3.0 tells, and from the workflow what only pods tell: reasons, exit codes, where it ran. */
function withPods(native: readonly RunTask[], pods: readonly RunTask[]): readonly RunTask[] {
  const byPath = new Map(pods.map((task) => [task.path, task]));
  const known = new Set(native.map(({ path }) => path));
  return [
    ...native.map((task) => {
      const pod = byPath.get(task.path);
      if (pod === undefined) return task;
      const isWaiting = task.state === "running" && pod.state === "pending";
      const { wait, ...rest } = task;
      return {
        ...pick(pod),
        ...rest,
        ...(isWaiting ? { state: "pending" as const } : {}),
        ...(isWaiting || task.state === "pending" ? pickWait(pod.wait ?? wait) : {}),
      };
    }),
    ...pods.filter(({ path }) => !known.has(path)),
  ];
}

function pick({ exitCode, error, pod, node }: RunTask): Partial<RunTask> {
  return {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(error === undefined ? {} : { error }),
    ...(pod === undefined ? {} : { pod }),
    ...(node === undefined ? {} : { node }),
  };
}

function pickWait(wait: TaskWait | undefined): Pick<RunTask, "wait"> {
  return wait === undefined ? {} : { wait };
}

/** What had not ended when the run did. */
function settled(task: RunTask): RunTask {
  if (task.state !== "pending" && task.state !== "running") return task;
  const { wait: _, ...rest } = task;
  return { ...rest, state: "cancelled" };
}

/** What a run waits for of which no task has begun. */
function firstWait({ workflow }: RunFacts, tasks: readonly RunTask[]): TaskWait | undefined {
  if (tasks.length > 0) return undefined;
  if (workflow === undefined)
    return { kind: "start", message: "no step is reported: are the workflow controller and the persistence agent up?" };
  // its steps are kept where nobody shows them: that says nothing about whether there are any
  if (workflow.isOffloaded) return undefined;
  const driver = rootDriver(workflow);
  if (driver === undefined) return { kind: "start", message: "the workflow has no step yet" };
  if (driver.phase !== "Pending") return { kind: "start", message: "the pipeline's driver is at work" };
  const wait = waitOf(driver.message, podName(driver, workflow));
  const kind = wait.kind === "starting" ? "start" : wait.kind;
  return { ...wait, kind, message: `the pipeline's driver waits: ${wait.message}` };
}

function reasonOf({ run, workflow }: RunFacts, state: RunState, tasks: readonly RunTask[]): string | undefined {
  if (run.state === "CANCELING") return "it is being ended";
  if (run.state === "PAUSED") return "it is paused";
  if (run.state === "SKIPPED") return "the server skipped it: nothing was run";
  if (state === "cancelled") return "it was ended before it was done";
  if (state !== "failed" || tasks.some((task) => task.state === "failed")) return undefined;
  const driver = workflow === undefined ? undefined : rootDriver(workflow);
  const isDriver = driver?.phase === "Failed" || driver?.phase === "Error";
  if (isDriver) return `the pipeline's driver failed: ${driver?.message || driver?.phase}`;
  const said = run.error?.message ?? workflow?.message ?? "";
  return said === "" ? undefined : said;
}
