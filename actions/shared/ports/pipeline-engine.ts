import type { Digest } from "../domain/digest.ts";
import type { PackageFault, PipelinePackage } from "../domain/pipeline/package.ts";
import type { Parameters } from "../domain/pipeline/parameters.ts";
import type { RunEnvironment, RunStatus, RunTask } from "../domain/run/task.ts";

/** A run that is asked for. Its id is chosen by us, so that a lost answer is settled by asking for it, never by a second run. */
export type RunRequest = {
  readonly runId: string;
  readonly attempt: number;
  readonly pipeline: {
    readonly name: string;
    readonly version: string;
    readonly package: PipelinePackage;
    /** The package as text, images pinned: what is uploaded or run. */
    readonly text: string;
    readonly digest: Digest;
  };
  /** A value for every parameter that the pipeline declares, but for optional ones. */
  readonly parameters: Parameters;
};

/** What a run that is over left behind. */
export type RunResults = {
  /** Every execution; artifacts with their digests where the engine can tell them. */
  readonly tasks: readonly RunTask[];
  readonly environment?: RunEnvironment;
  /** The end of what the failed tasks printed. */
  readonly logs: readonly TaskLog[];
};

export type TaskLog = {
  /** The execution's `path`. */
  readonly task: string;
  readonly tail: string;
  /** Where the whole of it is. */
  readonly place?: string;
};

/**
 * What runs compiled pipelines. The same id is the same run, whoever asks and however often.
 * Implementations: `kfp.local` on this machine; Kubeflow Pipelines will come.
 */
export interface PipelineEngine {
  readonly kind: "local" | "kubeflow" | "manifest";
  /** Which one of its kind: part of a run's identity. */
  readonly endpoint: string;
  /** Whether tasks run in the images that their executors name. */
  readonly runsImages: boolean;
  /** How often to look at a run: the pause grows with the time that it takes. */
  readonly lookMs: { readonly min: number; readonly max: number };
  /** Whatever would make this run fail or go wrong, found before anything is paid for. Nothing is started. */
  check(request: RunRequest): Promise<readonly PackageFault[]>;
  /** Starts the run; one that has ended without success is tried again, and what has finished in it is kept. No-op on a live or succeeded one. */
  submit(request: RunRequest): Promise<void>;
  /** What is known of a run now; undefined where nobody has heard of it. */
  state(runId: string): Promise<RunStatus | undefined>;
  results(runId: string): Promise<RunResults>;
  /** Ends a run; nothing of it is running when this returns. Answers what was done, in sentences. Idempotent. */
  cancel(runId: string): Promise<readonly string[]>;
}
