import { isJsonObject } from "../canonical.ts";
import { conditionsOf, type KubeObject, textAt, valueAt } from "../manifest/object.ts";
import { type Container, containersOf, endOf, errorOf, waitOf } from "../manifest/pods.ts";
import type { TaskWait } from "../run/task.ts";

/** How a pod that should serve for ever stands. `leaving`: it is being removed, or was moved off its node. */
export type PodHealth =
  | { readonly state: "ready"; readonly name: string; readonly restarts: number }
  | { readonly state: "waiting"; readonly name: string; readonly wait: TaskWait; readonly node?: string }
  | { readonly state: "failed"; readonly name: string; readonly why: string; readonly log?: FailedLog }
  | { readonly state: "leaving"; readonly name: string };

/** Whose log tells why, and whether it is of the run before the present one. */
export type FailedLog = { readonly container: string; readonly isPrevious: boolean };

/** In the pod's own words. What comes again by itself is a failure at once; what may still pass is waited for. */
export function podHealthOf(pod: KubeObject): PodHealth {
  const name = textAt(pod, ["metadata", "name"]) ?? "";
  if (textAt(pod, ["metadata", "deletionTimestamp"]) !== undefined || isDisrupted(pod))
    return { state: "leaving", name };
  const containers = containersOf(pod);
  const failing = containers.find(hasFailed);
  if (failing !== undefined || textAt(pod, ["status", "phase"]) === "Failed") return failureOf(pod, name, failing);
  const never = containers.find((one) => NEVER.includes(reasonOf(one)));
  const wait = waitOf(pod) ?? { kind: "starting", message: "its containers start", pod: name };
  if (never !== undefined || wait.kind === "image-invalid")
    return { state: "failed", name, why: `${never === undefined ? "" : `${never.name}: `}${wait.message}` };
  const isReady = conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True");
  if (!isReady) {
    const node = textAt(pod, ["spec", "nodeName"]);
    return { state: "waiting", name, wait: startingOf(pod, wait), ...(node === undefined ? {} : { node }) };
  }
  return { state: "ready", name, restarts: restartsOf(pod) };
}

/** `pod fraud-7c9: ImagePullBackOff: …`. */
export function formatHealth(health: PodHealth): string {
  switch (health.state) {
    case "ready":
      return `pod ${health.name} is ready`;
    case "leaving":
      return `pod ${health.name} is being removed`;
    case "waiting":
      return `pod ${health.name}: ${health.wait.message}`;
    case "failed":
      return `pod ${health.name}: ${health.why}`;
  }
}

/** A pull that failed twice; the kubelet goes on for ever. */
const NEVER = ["ImagePullBackOff"];

function reasonOf({ state }: Container): string {
  return textAt(state, ["waiting", "reason"]) ?? "";
}

/** A container that should go on ended; init containers end well with 0. One that ran out of memory does so again, restarted or not. */
function hasFailed(container: Container): boolean {
  const { isInit, state, last } = container;
  const ended = state.terminated;
  if (isJsonObject(ended)) return ended.exitCode !== 0 || !isInit;
  if (reasonOf(container) === "CrashLoopBackOff") return true;
  return isJsonObject(last) && last.reason === "OOMKilled";
}

function failureOf(pod: KubeObject, name: string, failing: Container | undefined): PodHealth {
  const end = endOf(pod);
  const said = errorOf(pod, end);
  const code = end === undefined ? undefined : `exit code ${end.exitCode}`;
  const isOver = end?.exitCode === 0 ? "ended by itself, though it should serve" : undefined;
  const words = [
    failing === undefined ? undefined : `${failing.isInit ? "init container" : "container"} ${failing.name}`,
    failing === undefined || reasonOf(failing) === "" ? undefined : reasonOf(failing),
    isOver,
    code,
    said,
  ];
  const why = words.filter((one) => one !== undefined && one !== "").join(": ");
  if (end === undefined) return { state: "failed", name, why };
  return { state: "failed", name, why, log: { container: end.container, isPrevious: end.isPrevious } };
}

/** Its node went, or something more important needs the place: whoever made the pod makes another. */
function isDisrupted(pod: KubeObject): boolean {
  const reason = textAt(pod, ["status", "reason"]) ?? "";
  return (
    textAt(pod, ["status", "phase"]) === "Failed" &&
    (["Evicted", "NodeShutdown", "Shutdown", "NodeAffinity", "Preempting"].includes(reason) ||
      conditionsOf(pod).some(({ type, status }) => type === "DisruptionTarget" && status === "True"))
  );
}

/** A pod whose containers run, and that does not say that it is ready. */
function startingOf(pod: KubeObject, wait: TaskWait): TaskWait {
  const runs = containersOf(pod).some(({ isInit, state }) => !isInit && isJsonObject(state.running));
  if (!runs || wait.kind !== "starting") return wait;
  const name = wait.pod === undefined ? {} : { pod: wait.pod };
  return { kind: "starting", message: "its containers run, and it is not ready: see its readiness probe", ...name };
}

function restartsOf(pod: KubeObject): number {
  return ["initContainerStatuses", "containerStatuses"]
    .flatMap((key) => {
      const statuses = valueAt(pod, ["status", key]);
      return Array.isArray(statuses) ? statuses : [];
    })
    .reduce((sum, one) => sum + Number(valueAt(one, ["restartCount"]) ?? 0), 0);
}
