import type { JsonObject } from "../domain/canonical.ts";
import type { Digest } from "../domain/digest.ts";
import type { RunsImages } from "../domain/pipeline/images.ts";
import type { PackageFault, PipelinePackage } from "../domain/pipeline/package.ts";
import type { Parameters } from "../domain/pipeline/parameters.ts";
import type { Source } from "../domain/release.ts";
import type { RunEnvironment, RunStatus, RunTask } from "../domain/run/task.ts";

/** What is run, in its final form: images are digests. */
type Final = {
  readonly name: string;
  readonly version: string;
  /** As text: what is uploaded, applied or run. */
  readonly text: string;
  readonly digest: Digest;
};

/** A compiled pipeline. */
export type PipelineWork = Final & { readonly kind: "pipeline"; readonly package: PipelinePackage };

/** One Kubernetes object that trains: a TrainJob, PyTorchJob, Experiment, Job, … without its name, which the engine derives from the run's id. */
export type ManifestWork = Final & { readonly kind: "manifest"; readonly object: JsonObject };

export type Work = PipelineWork | ManifestWork;

/** A run that is asked for. Its id is chosen by us, so that a lost answer is settled by asking for it, never by a second run. */
export type RunRequest<W extends Work = PipelineWork> = {
  readonly runId: string;
  readonly attempt: number;
  readonly work: W;
  /** A value for every parameter that the pipeline declares, but for optional ones. */
  readonly parameters: Parameters;
  /** What asks for it: goes into descriptions, tags and labels. */
  readonly origin: RunOrigin;
};

export type RunOrigin = { readonly releaseId: string; readonly source: Source };

/** What a run that is over left behind. */
export type RunResults = {
  /** Every execution; artifacts with their digests where the engine can tell them. */
  readonly tasks: readonly RunTask[];
  readonly environment?: RunEnvironment;
  /** The end of what the failed tasks printed. */
  readonly logs: readonly TaskLog[];
  /** What could not be brought back, and why, in sentences: missing metrics are an error only where a gate names them. */
  readonly notices: readonly string[];
};

export type TaskLog = {
  /** The execution's `path`. */
  readonly task: string;
  /** 60 lines at most, of 64 Ki characters at most (`domain/run/log-tail.ts`). Of a program of anybody: no line of it is ours. */
  readonly tail: string;
  /** Where the whole of it is. */
  readonly place?: string;
};

/**
 * What runs pipelines, or objects that train. The same id is the same run, whoever asks and however often.
 * Implementations: `kfp.local` on this machine; Kubeflow Pipelines; Kubernetes objects.
 */
export interface PipelineEngine<W extends Work = PipelineWork> {
  readonly kind: "local" | "kubeflow" | "manifest";
  /** Which one of its kind: part of a run's identity. */
  readonly endpoint: string;
  /** Where its runs live, where it has places of its own for them and was given one. */
  readonly namespace?: string;
  /** Whether tasks run in the images that their executors name; `containers`: those that are no Python components, and of these the built ones. */
  readonly runsImages: RunsImages;
  /** How often to look at a run: the pause grows with the time that it takes. */
  readonly lookMs: { readonly min: number; readonly max: number };
  /** Whatever would make this run fail or go wrong, found before anything is paid for. Nothing is started. */
  check(request: RunRequest<W>): Promise<readonly PackageFault[]>;
  /** Starts the run; one that has ended without success is tried again, and what has finished in it is kept. No-op on a live or succeeded one. */
  submit(request: RunRequest<W>): Promise<void>;
  /** What is known of a run now; undefined where nobody has heard of it. `UNAVAILABLE` says nothing about the run: ask again. */
  state(runId: string): Promise<RunStatus | undefined>;
  /** Resolves as soon as something may have changed, at the latest when the signal is aborted; never rejects. Absent where only looking helps. */
  change?(runId: string, signal: AbortSignal): Promise<void>;
  results(runId: string): Promise<RunResults>;
  /** Ends a run; nothing of it is running when this returns, or the answer says what is. Answers what was done, in sentences. Idempotent. */
  cancel(runId: string): Promise<readonly string[]>;
}
