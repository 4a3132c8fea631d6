import type { Json } from "../canonical.ts";
import type { RunStatus, RunTask, TaskState, TaskValues, TaskWait } from "../run/task.ts";
import { assignmentsOf, observedMetrics } from "./katib.ts";
import type { Kind } from "./kinds.ts";
import { type KubeObject, lastTrue, listAt, recordAt, textAt, timeAt } from "./object.ts";
import { newestPods, type PodStatus } from "./pods.ts";
import { type ObjectStatus, statusOf } from "./status.ts";
import { hasSeveralPods, podTemplatesOf } from "./templates.ts";

/** All that the cluster says of one run. */
export type Observed = {
  readonly object: KubeObject;
  readonly kind: Kind;
  readonly pods: readonly PodStatus[];
  /** Of an Experiment. */
  readonly trials: readonly KubeObject[];
  /** Why no pod could be made. */
  readonly creation?: TaskWait | undefined;
  /** The object's address, as the place of what its status tells. */
  readonly place: string;
};

const NOTHING: TaskValues = { parameters: {}, artifacts: {} };

/**
 * The run in the normal form. The object is the first task, `train`, and has the metrics and parameters that it found. Its pods are tasks of
 * their own, `train/worker-0`, unless it has only one, which is the object's task. Trials are `tune/trials-iteration-0/trial`.
 */
export function runStatusOf(observed: Observed): RunStatus {
  const { object, kind } = observed;
  const status = statusOf(object, kind);
  const name = taskNameOf(textAt(object, ["metadata", "name"]) ?? "");
  const tasks = tasksOf(name, observed, status);
  const begun = tasks.some(({ state }) => state !== "pending" && state !== "cancelled");
  const state = status.state === "pending" && begun && !status.isSuspended ? "running" : status.state;
  const wait = state === "pending" ? waitOf(observed, status) : undefined;
  return {
    state,
    canRetry: state === "cancelled" && status.isSuspended,
    tasks: tasks.map((task) => (task.path === name ? { ...task, state: rootState(state, task) } : task)),
    ...timesOf(status),
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...(status.progress === undefined ? {} : { progress: status.progress }),
    ...(wait === undefined ? {} : { wait }),
  };
}

/** `train-1a2b3c4d` is the task `train`: the name without the digits of the run's id. */
export function taskNameOf(objectName: string): string {
  return objectName.replace(/-[0-9a-f]{8}$/, "");
}

/** The path of a pod of a template, as `runStatusOf` names it. */
export function podPath(name: string, replica: string): string {
  return `${name}/${replica}`;
}

/** The path of every trial, without its iteration. */
export function trialPath(name: string, iteration?: number): string {
  return iteration === undefined ? `${name}/trials/trial` : `${name}/trials-iteration-${iteration}/trial`;
}

/** The object decides for its only pod too: a pod that failed may be tried again. */
function rootState(state: RunStatus["state"], task: RunTask): TaskState {
  if (state === "running" && task.state === "pending") return "pending";
  return state === "lost" ? "failed" : state;
}

function waitOf({ pods, trials, creation }: Observed, { isSuspended, reason }: ObjectStatus): TaskWait | undefined {
  if (isSuspended) return { kind: "quota", message: reason ?? "it is suspended" };
  if (pods.length > 0) return undefined;
  if (creation !== undefined) return creation;
  return { kind: "start", message: trials.length > 0 ? "its trials have no pods yet" : "it has no pods yet" };
}

function timesOf({ startedAtMs, finishedAtMs }: ObjectStatus): Pick<RunStatus, "startedAtMs" | "finishedAtMs"> {
  return {
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
  };
}

function tasksOf(name: string, observed: Observed, status: ObjectStatus): readonly RunTask[] {
  const { object, kind, pods } = observed;
  const root = rootTask(name, observed, status);
  if (kind.kind === "Experiment") return [root, ...trialTasks(name, observed)];
  const newest = newestPods(pods);
  if (hasSeveralPods(podTemplatesOf(object), kind)) return [root, ...replicaTasks(name, newest)];
  // of one that is tried again the last try counts
  const last = pods.toSorted((a, b) => a.createdAtMs - b.createdAtMs).at(-1);
  return [last === undefined ? root : onlyPod(root, last, status)];
}

function rootTask(name: string, { object, kind, place }: Observed, status: ObjectStatus): RunTask {
  const { parameters, metrics } = status.state === "succeeded" ? kind.outputs(object) : { parameters: {}, metrics: {} };
  const { startedAtMs, finishedAtMs, reason, state } = status;
  return {
    task: name,
    path: name,
    state,
    cached: false,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...durationOf(startedAtMs, finishedAtMs),
    ...(state === "failed" && reason !== undefined ? { error: reason } : {}),
    inputs: NOTHING,
    outputs: { parameters, artifacts: metricsArtifact(metrics, place) },
  };
}

/** A kind that has no metrics of its own gets those that its pods print: see `withMarked`. */
function metricsArtifact(metrics: Readonly<Record<string, Json>>, place: string): TaskValues["artifacts"] {
  return Object.keys(metrics).length === 0
    ? {}
    : { metrics: [{ type: "system.Metrics", uri: place, metadata: metrics }] };
}

/** The object's task with what its pod says: where it runs, what it waits for, why it failed. The object's word stands where the pod has none. */
function onlyPod(root: RunTask, pod: PodStatus, { state }: ObjectStatus): RunTask {
  const { error: said, startedAtMs: _, seconds: __, ...rest } = root;
  const isOver = state === "succeeded" || state === "failed" || state === "cancelled";
  const error = isOver ? (pod.error ?? (pod.exitCode === undefined ? said : undefined)) : undefined;
  return {
    ...rest,
    state: isOver ? state : pod.state === "pending" ? "pending" : "running",
    ...factsOf(pod, isOver),
    ...(error === undefined ? {} : { error }),
  };
}

function factsOf(pod: PodStatus, isOver: boolean): Partial<RunTask> {
  const { wait, exitCode, startedAtMs, finishedAtMs, node, name } = pod;
  return {
    pod: name,
    ...(node === undefined ? {} : { node }),
    ...(wait === undefined || isOver ? {} : { wait }),
    ...(exitCode === undefined || !(isOver || pod.state === "failed") ? {} : { exitCode }),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...durationOf(startedAtMs, finishedAtMs),
  };
}

function replicaTasks(name: string, pods: readonly PodStatus[]): readonly RunTask[] {
  const unnamed = pods.filter(({ replica }) => replica === "").toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  return pods.map((pod) => {
    const replica = pod.replica === "" ? String(unnamed.indexOf(pod)) : pod.replica;
    return {
      task: replica,
      path: podPath(name, replica),
      state: pod.state,
      cached: false,
      ...factsOf(pod, false),
      ...(pod.error === undefined ? {} : { error: pod.error }),
      inputs: NOTHING,
      outputs: NOTHING,
    };
  });
}

/** What a trial's condition means. What was stopped early has been measured. */
const TRIAL_STATES: Readonly<Record<string, TaskState>> = {
  Running: "running",
  Succeeded: "succeeded",
  EarlyStopped: "succeeded",
  Failed: "failed",
  MetricsUnavailable: "failed",
  Killed: "cancelled",
};

function trialTasks(name: string, { object, trials, pods }: Observed): readonly RunTask[] {
  const ordered = trials.toSorted((a, b) => createdAt(a) - createdAt(b) || compare(nameOf(a), nameOf(b)));
  return ordered.map((trial, i) => trialTask(object, trial, { path: trialPath(name, i), iteration: i, pods }));
}

type TrialPlace = { readonly path: string; readonly iteration: number; readonly pods: readonly PodStatus[] };

function trialTask(experiment: KubeObject, trial: KubeObject, { path, iteration, pods }: TrialPlace): RunTask {
  const own = pods.filter(({ replica }) => replica === nameOf(trial));
  const wait = own.find((pod) => pod.wait !== undefined)?.wait;
  const failed = own.find(({ state }) => state === "failed");
  const condition = lastTrue(trial);
  const said = TRIAL_STATES[condition?.type ?? ""] ?? "pending";
  const waits = wait !== undefined && (said === "pending" || said === "running");
  const state = waits ? "pending" : said;
  const startedAtMs =
    own.find((pod) => pod.startedAtMs !== undefined)?.startedAtMs ?? timeAt(trial, ["status", "startTime"]);
  const message = [condition?.reason, condition?.message].filter(Boolean).join(": ");
  const error = state === "failed" ? (failed?.error ?? message) : undefined;
  return {
    task: "trial",
    path,
    iteration: String(iteration),
    state,
    cached: false,
    pod: own.at(-1)?.name ?? nameOf(trial),
    ...(waits ? { wait } : {}),
    ...(startedAtMs === undefined || state === "pending" ? {} : { startedAtMs }),
    ...durationOf(startedAtMs, timeAt(trial, ["status", "completionTime"])),
    ...(failed?.exitCode === undefined ? {} : { exitCode: failed.exitCode }),
    ...(error === undefined || error === "" ? {} : { error }),
    inputs: { parameters: assignmentsOf(experiment, recordAt(trial, ["spec"])), artifacts: {} },
    // not as metrics: the best trial's are the run's
    outputs: {
      parameters: observedMetrics(experiment, listAt(trial, ["status", "observation", "metrics"])),
      artifacts: {},
    },
  };
}

function durationOf(startedAtMs: number | undefined, finishedAtMs: number | undefined): { readonly seconds?: number } {
  if (startedAtMs === undefined || finishedAtMs === undefined) return {};
  return { seconds: Math.max(0, finishedAtMs - startedAtMs) / 1_000 };
}

function nameOf(object: KubeObject): string {
  return textAt(object, ["metadata", "name"]) ?? "";
}

function createdAt(object: KubeObject): number {
  return timeAt(object, ["metadata", "creationTimestamp"]) ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
