import type { Json } from "../canonical.ts";
import type { Digest } from "../digest.ts";
import type { RunState } from "../release.ts";

export type TaskState = "running" | "succeeded" | "failed" | "skipped" | "cancelled";

/** One execution of a task; a task in a loop has one for each iteration. */
export type RunTask = {
  readonly task: string;
  /** Unique in the run: names of the DAGs around it, loops with their iteration, and its own. */
  readonly path: string;
  /** `2`, in nested loops `2.0`: which iteration this is. */
  readonly iteration?: string;
  readonly state: TaskState;
  /** Its outputs come from an earlier execution. */
  readonly cached: boolean;
  readonly startedAtMs?: number;
  readonly seconds?: number;
  readonly exitCode?: number;
  /** Why it failed, where the exit code does not say it. */
  readonly error?: string;
  /** Where its output is, as the engine names it. */
  readonly log?: string;
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
};

/** What an engine knows of a run right now. */
export type RunStatus = {
  readonly state: RunState;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Why it is in this state, where the tasks do not say it. */
  readonly reason?: string;
  /** Where people look at it. */
  readonly url?: string;
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
