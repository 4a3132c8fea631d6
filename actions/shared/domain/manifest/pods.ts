import { isJsonObject, type Json } from "../canonical.ts";
import type { TaskState, TaskWait } from "../run/task.ts";
import { type KubeObject, listAt, numberAt, recordAt, textAt, textsAt, timeAt } from "./object.ts";

/** What a pod says: how far it is, what it waits for, why it failed. */
export type PodStatus = {
  readonly name: string;
  /** Which of the object's pods it is: `worker-0`; "" for the only one. Its next try has the same. */
  readonly replica: string;
  readonly state: Exclude<TaskState, "skipped">;
  readonly wait?: TaskWait;
  readonly error?: string;
  readonly exitCode?: number;
  readonly node?: string;
  readonly createdAtMs: number;
  /** Since when its first container runs. */
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** The container whose log tells why it failed; undefined where the cluster ended it before any ran. */
  readonly container?: string;
  /** Its log is of a run of the container before the present one. */
  readonly isPrevious?: boolean;
};

/** Words of the kubelet, by what they mean for who waits. */
const WAITS: Readonly<Record<string, TaskWait["kind"]>> = {
  ErrImagePull: "image-pull",
  ImagePullBackOff: "image-pull",
  RegistryUnavailable: "image-pull",
  SignatureValidationFailed: "image-invalid",
  ImageInspectError: "image-invalid",
  InvalidImageName: "image-invalid",
  ErrImageNeverPull: "image-invalid",
  CreateContainerConfigError: "config",
  CreateContainerError: "config",
  RunContainerError: "config",
  PreCreateHookError: "config",
  PreStartHookError: "config",
  PostStartHookError: "config",
};

/** Reads one pod. Everything is in the pod's own words. */
export function podStatusOf(pod: KubeObject): PodStatus {
  const wait = waitOf(pod);
  const ended = endOf(pod);
  const state = stateOf(pod, wait);
  const error = state === "failed" || state === "cancelled" ? errorOf(pod, ended) : undefined;
  const startedAtMs = startOf(pod);
  const finishedAtMs = finishOf(pod);
  const node = textAt(pod, ["spec", "nodeName"]);
  return {
    name: textAt(pod, ["metadata", "name"]) ?? "",
    replica: replicaOf(textsAt(pod, ["metadata", "labels"])),
    state,
    createdAtMs: timeAt(pod, ["metadata", "creationTimestamp"]) ?? 0,
    ...(state === "pending" && wait !== undefined ? { wait } : {}),
    ...(error === undefined ? {} : { error }),
    ...(ended === undefined || state === "pending" ? {} : { exitCode: ended.exitCode, container: ended.container }),
    ...(ended?.isPrevious === true ? { isPrevious: true } : {}),
    ...(node === undefined ? {} : { node }),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined || (state !== "failed" && state !== "succeeded") ? {} : { finishedAtMs }),
  };
}

/** Of each replica the newest pod: what came before was tried again. */
export function newestPods(pods: readonly PodStatus[]): readonly PodStatus[] {
  const newest = new Map<string, PodStatus>();
  for (const pod of pods.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1))) {
    // a pod that was not told apart is one of several: its own name does it
    newest.set(pod.replica === "" ? pod.name : pod.replica, pod);
  }
  return [...newest.values()].toSorted((a, b) => compareNames(a.replica || a.name, b.replica || b.name));
}

/** By what the controllers write: trial, replica type and index, replicated job with both indices. */
export function replicaOf(labels: Readonly<Record<string, string>>): string {
  const trial = labels["katib.kubeflow.org/trial"];
  if (trial !== undefined) return trial;
  const type = labels["training.kubeflow.org/replica-type"];
  if (type !== undefined) return joined(type, labels["training.kubeflow.org/replica-index"]);
  const replicated = labels["jobset.sigs.k8s.io/replicatedjob-name"];
  const index = labels["batch.kubernetes.io/job-completion-index"];
  if (replicated !== undefined) {
    const job = labels["jobset.sigs.k8s.io/job-index"];
    return joined(replicated, job === undefined || job === "0" ? undefined : job, index);
  }
  return index ?? "";
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((one) => one !== undefined && one !== "").join("-");
}

function compareNames(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function stateOf(pod: KubeObject, wait: TaskWait | undefined): PodStatus["state"] {
  const phase = textAt(pod, ["status", "phase"]);
  if (phase === "Succeeded") return "succeeded";
  if (phase === "Failed") return "failed";
  if (textAt(pod, ["metadata", "deletionTimestamp"]) !== undefined) return "cancelled";
  if (phase === "Running") return wait !== undefined && !hasRun(pod) ? "pending" : "running";
  return "pending";
}

function hasRun(pod: KubeObject): boolean {
  return containersOf(pod).some(
    (one) => isJsonObject(one.state.running) || isJsonObject(one.state.terminated) || isJsonObject(one.last),
  );
}

export type Container = {
  readonly name: string;
  readonly isInit: boolean;
  readonly state: KubeObject;
  readonly last: Json | undefined;
};

/** Init containers first. */
export function containersOf(pod: KubeObject): readonly Container[] {
  const read = (key: string, isInit: boolean) =>
    listAt(pod, ["status", key]).map((one) => ({
      name: textAt(one, ["name"]) ?? "",
      isInit,
      state: recordAt(one, ["state"]),
      last: isJsonObject(one) ? recordAt(one, ["lastState"]).terminated : undefined,
    }));
  return [...read("initContainerStatuses", true), ...read("containerStatuses", false)];
}

/** What keeps a pod from running; asked of one that runs, it says that it starts. */
export function waitOf(pod: KubeObject): TaskWait | undefined {
  const name = textAt(pod, ["metadata", "name"]) ?? "";
  const scheduled = listAt(pod, ["status", "conditions"]).find((one) => textAt(one, ["type"]) === "PodScheduled");
  if (textAt(scheduled, ["status"]) === "False") {
    const reason = textAt(scheduled, ["reason"]) ?? "";
    const message = textAt(scheduled, ["message"]) ?? "";
    const said = reason === "Unschedulable" ? message : [reason, message].filter(Boolean).join(": ");
    return { kind: "unschedulable", message: said || "no node has room", pod: name };
  }
  for (const { state } of containersOf(pod)) {
    const reason = textAt(state, ["waiting", "reason"]) ?? "";
    const kind = WAITS[reason];
    if (kind === undefined) continue;
    return { kind, message: pullMessage(reason, textAt(state, ["waiting", "message"]) ?? ""), pod: name };
  }
  if (textAt(pod, ["spec", "nodeName"]) === undefined)
    return { kind: "starting", message: "the scheduler has not seen it yet", pod: name };
  return { kind: "starting", message: startingMessage(pod), pod: name };
}

/** The kubelet tells a failed pull and the pause after it in turn: both are the same trouble, and the first says what it is. */
function pullMessage(reason: string, message: string): string {
  const inner = /: (ErrImagePull: .*)$/s.exec(message)?.[1];
  if (reason === "ImagePullBackOff" && inner !== undefined) return inner;
  return message === "" ? reason : `${reason}: ${message}`;
}

function startingMessage(pod: KubeObject): string {
  const waiting = containersOf(pod).flatMap(({ state }) => textAt(state, ["waiting", "reason"]) ?? []);
  return waiting[0] ?? "its containers start";
}

type End = {
  readonly container: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly isPrevious: boolean;
};

/** How the container ended that failed first; of one that is started again and again its last end. */
export function endOf(pod: KubeObject): End | undefined {
  const ends = containersOf(pod).flatMap(({ name, state, last }) => {
    const now = state.terminated;
    const terminated = isJsonObject(now) ? now : isJsonObject(last) ? last : undefined;
    if (terminated === undefined) return [];
    return [
      {
        container: name,
        exitCode: numberAt(terminated, ["exitCode"]) ?? 0,
        reason: textAt(terminated, ["reason"]) ?? "",
        message: textAt(terminated, ["message"]) ?? "",
        isPrevious: !isJsonObject(now),
        atMs: timeAt(terminated, ["finishedAt"]) ?? 0,
      },
    ];
  });
  const failed = ends.filter(({ exitCode }) => exitCode !== 0).toSorted((a, b) => a.atMs - b.atMs);
  return failed[0] ?? ends.at(-1);
}

/** Undefined where the exit code says it all. `OOMKilled: container main used more than its memory limit of 2Gi`, `Evicted: The node was low on resource: memory`. */
export function errorOf(pod: KubeObject, ended: End | undefined): string | undefined {
  const podReason = [textAt(pod, ["status", "reason"]), textAt(pod, ["status", "message"])].filter(Boolean).join(": ");
  const disruption = listAt(pod, ["status", "conditions"]).find(
    (one) => textAt(one, ["type"]) === "DisruptionTarget" && textAt(one, ["status"]) === "True",
  );
  const disrupted = [textAt(disruption, ["reason"]), textAt(disruption, ["message"])].filter(Boolean).join(": ");
  if (ended?.reason === "OOMKilled") return oomMessage(pod, ended.container);
  const said = podReason || disrupted;
  if (said !== "") return said;
  if (ended === undefined)
    return textAt(pod, ["metadata", "deletionTimestamp"]) === undefined
      ? "the pod does not say why"
      : "the pod was ended";
  const words = [ended.reason === "Error" || ended.reason === "Completed" ? "" : ended.reason, ended.message.trim()];
  return words.filter(Boolean).join(": ") || undefined;
}

function oomMessage(pod: KubeObject, name: string): string {
  const spec = [...listAt(pod, ["spec", "initContainers"]), ...listAt(pod, ["spec", "containers"])].find(
    (one) => textAt(one, ["name"]) === name,
  );
  const limit = textAt(spec, ["resources", "limits", "memory"]);
  return limit === undefined
    ? `OOMKilled: container ${name} was killed for want of memory on its node: it has no limit of its own`
    : `OOMKilled: container ${name} used more than its memory limit of ${limit}`;
}

function startOf(pod: KubeObject): number | undefined {
  const times = containersOf(pod).flatMap(({ isInit, state, last }) =>
    isInit
      ? []
      : [
          timeAt(state, ["running", "startedAt"]),
          timeAt(state, ["terminated", "startedAt"]),
          timeAt(last, ["startedAt"]),
        ],
  );
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function finishOf(pod: KubeObject): number | undefined {
  const times = containersOf(pod).flatMap(({ state }) => timeAt(state, ["terminated", "finishedAt"]) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}
