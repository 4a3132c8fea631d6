import type { GpuRequest } from "../pipeline/gpus.ts";
import { formatDuration } from "../quantity.ts";
import { withoutIterations } from "./gpu-hours.ts";
import { limitOf, type Overdue, type WaitBudgets, type Waiting } from "./waits.ts";

/** `digits v1.1.0 waits for a GPU since 14m: 0/4 nodes are available: … (task train asks for 2 x nvidia.com/gpu; gives up in 1m: unschedulable-timeout)` */
export function waitSentence(
  name: string,
  waiting: Waiting,
  { gpus, budgets }: { readonly gpus: readonly GpuRequest[]; readonly budgets: WaitBudgets },
): string {
  const limit = limitOf(waiting.wait, budgets);
  const left = limit === undefined ? undefined : Math.max(0, limit.budgetMs - waiting.waitedMs);
  const facts = [
    taskFact(waiting, gpus),
    left === undefined || limit?.input === undefined ? "" : `gives up in ${formatDuration(left)}: ${limit.input}`,
  ].filter((fact) => fact !== "");
  const more = facts.length === 0 ? "" : ` (${facts.join("; ")})`;
  return `${name} waits for ${wantedOf(waiting, gpus)} since ${formatDuration(waiting.waitedMs)}: ${waiting.wait.message}${more}`;
}

/** `waited 15m for a GPU: 0/4 nodes are available: …`: why a run was given up. */
export function gaveUpReason(waiting: Overdue, gpus: readonly GpuRequest[]): string {
  const { wait, path, budgetMs, input } = waiting;
  const who = path === "" ? "the run" : `task ${path}`;
  const asked = askOf(path, gpus);
  const forWhat = asked === undefined || wantedOf(waiting, gpus) !== "a GPU" ? wantedOf(waiting, gpus) : asked;
  if (input === undefined) return `${who} can never start: ${wait.message}`;
  return `${who} waited for ${forWhat} longer than ${formatDuration(budgetMs)} (${input}): ${wait.message}`;
}

/** What to do about it, in one sentence or two. */
export function waitAdvice({ wait, path }: Waiting, gpus: readonly GpuRequest[]): string {
  const asked = askOf(path, gpus);
  switch (wait.kind) {
    case "start":
      return "Nothing of the run has begun: is the engine's own controller running (Kubeflow: workflow controller and persistence agent)? Then run the step again.";
    case "unschedulable":
      return roomAdvice(wait.message, asked);
    case "quota":
      return "Raise the namespace's quota, or wait until other work in it has ended.";
    case "image-pull":
      return "Check that the image is in its registry and that the pod may pull it (an image pull secret of the task or of its service account).";
    case "image-invalid":
      return "Give the task an image that can be pulled: name and pull policy do not fit together.";
    case "config":
      return "Create the secret, config map or volume that the pod names, in its namespace.";
    case "starting":
      return "Look at the pod's events.";
  }
}

function roomAdvice(message: string, asked: string | undefined): string {
  if (/untolerated taint/.test(message))
    return "Nodes that have room bear a taint that the task does not tolerate: add the toleration (kfp.kubernetes.add_toleration), or take the taint away.";
  if (/node affinity|node selector|didn't match/i.test(message))
    return "No node with room has the labels that the task selects: check its node selector against the nodes' labels.";
  if (asked !== undefined)
    return `Bring a node with ${asked} free, ask for fewer, or set unschedulable-timeout higher where an autoscaler needs longer.`;
  return "Bring a node with room, ask for less CPU or memory, or set unschedulable-timeout higher where an autoscaler needs longer.";
}

function taskFact({ path, wait }: Waiting, gpus: readonly GpuRequest[]): string {
  if (path === "") return "";
  const asked = wait.kind === "unschedulable" || wait.kind === "quota" ? askOf(path, gpus) : undefined;
  return asked === undefined ? `task ${path}` : `task ${path} asks for ${asked}`;
}

/** `2 x nvidia.com/gpu` */
function askOf(path: string, gpus: readonly GpuRequest[]): string | undefined {
  const request = gpus.find(({ task }) => task === withoutIterations(path));
  return request === undefined ? undefined : `${request.count} x ${request.type}`;
}

function wantedOf({ wait, path }: Waiting, gpus: readonly GpuRequest[]): string {
  switch (wait.kind) {
    case "start":
      return "its first task";
    case "unschedulable":
      return askOf(path, gpus) === undefined ? "a node with room" : "a GPU";
    case "quota":
      return "quota";
    case "image-pull":
    case "image-invalid":
      return "an image";
    case "config":
      return "a setting";
    case "starting":
      return "a pod to start";
  }
}
