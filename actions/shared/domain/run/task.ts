import type { Json } from "../canonical.ts";
import type { Digest } from "../digest.ts";
import type { RunState } from "../release.ts";

export type TaskState = "pending" | "running" | "succeeded" | "failed" | "skipped" | "cancelled";

/**
 * What an execution that has not begun waits for, in the engine's own words. `start`: nothing at all has happened yet. `unschedulable`: no
 * node has room. `image-pull`: the image does not come. `image-invalid`: it never will. `config`: a secret, volume or setting is missing.
 * `quota`: the namespace may not have more. `starting`: nothing is wrong.
 */
export type TaskWait = {
  readonly kind: "start" | "unschedulable" | "image-pull" | "image-invalid" | "config" | "quota" | "starting";
  /** `0/4 nodes are available: 4 Insufficient nvidia.com/gpu`. Told anew when it changes; how long it may last goes by the kind. */
  readonly message: string;
  readonly pod?: string;
};

/** One execution of a task; a task in a loop has one for each iteration. */
export type RunTask = {
  readonly task: string;
  /** Unique in the run: names of the DAGs around it, loops with their iteration, and its own. */
  readonly path: string;
  /** `2`, in nested loops `2.0`: which iteration this is. */
  readonly iteration?: string;
  readonly state: TaskState;
  /** Of a pending one. */
  readonly wait?: TaskWait;
  /** Its outputs come from an earlier execution. */
  readonly cached: boolean;
  readonly startedAtMs?: number;
  readonly seconds?: number;
  readonly exitCode?: number;
  /** Why it failed, where the exit code does not say it. */
  readonly error?: string;
  /** Where its output is, as the engine names it. */
  readonly log?: string;
  /** Where it ran. */
  readonly pod?: string;
  readonly node?: string;
  readonly inputs: TaskValues;
  readonly outputs: TaskValues;
};

export type TaskValues = {
  readonly parameters: Readonly<Record<string, Json>>;
  readonly artifacts: Readonly<Record<string, readonly RunArtifact[]>>;
};

export type RunArtifact = {
  /** `system.Model`, `system.Metrics`, … */
  readonly type: string;
  readonly uri: string;
  readonly metadata: Readonly<Record<string, Json>>;
  /** Of one file: of its bytes. Of a folder, and of every model: the root digest of its signing manifest. */
  readonly digest?: Digest;
  readonly bytes?: number;
  /** Of an input: the path of the execution that made it, where the engine knows it. Of an output that was kept: the run that made it. */
  readonly producer?: string;
};

/** What an engine knows of a run right now. */
export type RunStatus = {
  readonly state: RunState;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Why it is in this state, where the tasks do not say it. */
  readonly reason?: string;
  /** How far it is, where the tasks do not say it: `42 %, 1h20m left`, `5 of 12 trials succeeded`. */
  readonly progress?: string;
  /** Where people look at it. */
  readonly url?: string;
  /** Of a run of which nothing has begun: what it waits for. */
  readonly wait?: TaskWait;
  /** Whether the engine can try this run again and keep what has finished. */
  readonly canRetry: boolean;
  readonly tasks: readonly RunTask[];
};

/** What the tasks of a run got: processors, memory, accelerators, Python and its packages. */
export type RunEnvironment = {
  readonly os?: string;
  readonly architecture?: string;
  readonly python?: string;
  readonly cpu?: { readonly name: string; readonly count: number };
  readonly memoryBytes?: number;
  readonly gpus: readonly Gpu[];
  readonly packages?: Readonly<Record<string, string>>;
  readonly kfp?: string;
};

export type Gpu = {
  readonly name: string;
  readonly count: number;
  readonly memoryBytes?: number;
  readonly driver?: string;
};

/** Whether a run will not change any more by itself. */
export function isOver(state: RunState): boolean {
  return state !== "pending" && state !== "running";
}

/** `for-loop-8-iteration-2/for-loop-10-iteration-0/train` is iteration `2.0`. */
export function iterationOf(path: string): string | undefined {
  const numbers = [...path.matchAll(/-iteration-(\d+)(?=\/)/g)].map(([, number]) => number);
  return numbers.length === 0 ? undefined : numbers.join(".");
}

/** An output that Kubeflow adds to every execution: the place of its log. */
export const LOG_ARTIFACT = "executor-logs";

/** What Kubeflow keeps among an artifact's metadata for itself. */
export const HOUSEKEEPING: readonly string[] = ["display_name", "store_session_info"];
