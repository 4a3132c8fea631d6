import type { TaskWait } from "../../domain/run/task.ts";

type Kind = TaskWait["kind"];

/** The words of Kubernetes and Argo at the head of a pending pod's message, and what they mean. The first that fits. */
const WAITS: readonly (readonly [RegExp, Kind])[] = [
  [/\b(InvalidImageName|ErrImageNeverPull)\b/, "image-invalid"],
  [/\b(ErrImagePull|ImagePullBackOff|RegistryUnavailable)\b/, "image-pull"],
  [/exceeded quota|\bquota\b.*(exceeded|forbidden)|must specify limits|failed quota/i, "quota"],
  [
    /\b(CreateContainerConfigError|CreateContainerError|FailedMount|RunContainerError|CreatePodSandboxError)\b/,
    "config",
  ],
  [/Unschedulable|nodes? (are|is) available|didn't match|Insufficient /, "unschedulable"],
];

/** Why a pending pod has not begun, from the message of its node: `Unschedulable: 0/4 nodes are available: …`. */
export function waitOf(message: string, pod: string | undefined): TaskWait {
  const kind = WAITS.find(([words]) => words.test(message))?.[1] ?? "starting";
  const text = message.replace(/^(Unschedulable|Pending): */, "").trim();
  return { kind, message: text === "" ? "the pod has not started yet" : text, ...(pod === undefined ? {} : { pod }) };
}

export type PodFailure = {
  readonly exitCode?: number;
  /** Where the exit code does not say it: memory, eviction, preemption, a node that went away. */
  readonly error?: string;
};

const ENDS: readonly (readonly [RegExp, string])[] = [
  [/OOMKilled/, "it ran out of memory"],
  [
    /imminent node shutdown|node (was|is) shut(ting)? down|NodeShutdown|Terminated\b.*shutdown/i,
    "its node was shut down",
  ],
  [/preempt/i, "it was preempted by a pod of higher priority, or its node was taken back"],
  [/evict|low on resource/i, "it was evicted from its node"],
  [/pod deleted/i, "its pod was deleted"],
  [/DeadlineExceeded|exceeded its deadline|active on the node longer/i, "it took longer than its deadline"],
  [/exceeded quota|failed quota/i, "the quota of the namespace is used up"],
];

/** Reads the message of a failed pod's node: `main: Error (exit code 1)`, `OOMKilled (exit code 137)`, `pod deleted`. */
export function failureOf(message: string, exitCode: string | undefined): PodFailure {
  const code = Number(exitCode ?? /exit code (-?\d+)/.exec(message)?.[1] ?? Number.NaN);
  const meaning = ENDS.find(([words]) => words.test(message))?.[1];
  const said = /^(\w+: )?Error \(exit code -?\d+\)$/.test(message) ? "" : message;
  const error = meaning === undefined ? said : `${meaning}: ${message}`;
  return { ...(Number.isInteger(code) ? { exitCode: code } : {}), ...(error === "" ? {} : { error }) };
}
