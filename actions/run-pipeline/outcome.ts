import type { InferOutput } from "valibot";
import type { Metric } from "../shared/domain/metric.ts";
import type { GpuRequest } from "../shared/domain/pipeline/gpus.ts";
import type { FileRefSchema, Pipeline, Release, Run } from "../shared/domain/release.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { Curve } from "../shared/domain/run/curves.ts";
import type { GpuMeter } from "../shared/domain/run/gpu-hours.ts";
import type { LineageStep } from "../shared/domain/run/model-lineage.ts";
import type { RunEnvironment, RunTask } from "../shared/domain/run/task.ts";
import type { Posted } from "../shared/ports/forge.ts";
import type { TaskLog } from "../shared/ports/pipeline-engine.ts";
import type { Limits } from "./follow/seen.ts";
import type { PlannedTask } from "./prepare/prepared.ts";
import type { RunDecision } from "./start/decide-run.ts";

/** What is the same in a plan and in a run. */
type Known = {
  readonly pipeline: Pipeline;
  readonly data: NonNullable<Release["data"]>;
  readonly decision: RunDecision;
  readonly findings: readonly Finding[];
  /** The run's folder is gone with the job. */
  readonly rehearsal: boolean;
};

export type Planned = Known & {
  readonly state: "planned";
  /** What the engine knows of the run that is adopted or retried. */
  readonly known: Run["state"] | undefined;
  /** Which one of its kind; empty for the local engine. */
  readonly endpoint: string;
  /** Tasks that run something, each once; loops are marked. */
  readonly tasks: readonly PlannedTask[];
  readonly gpus: readonly GpuRequest[];
  readonly limits: Limits;
  /** No marker keeps two jobs from starting the run at once. */
  readonly unguarded: boolean;
  readonly parameters: Run["parameters"];
  readonly model: string | undefined;
  readonly packagePath: string;
};

export type Ended = Known & {
  readonly state: "ended";
  readonly run: Run;
  readonly tasks: readonly RunTask[];
  /** All metrics; the record takes as many as fit. */
  readonly metrics: readonly Metric[];
  readonly recorded: readonly Metric[];
  readonly curves: readonly Curve[];
  readonly environment: RunEnvironment | undefined;
  /** Whether the images that tasks name were executed, at least where that could be. */
  readonly ranImages: boolean;
  readonly logs: readonly TaskLog[];
  readonly reason: string | undefined;
  readonly failedTask: string | undefined;
  /** What to do, where we know better than to mend the cause. */
  readonly advice: string | undefined;
  readonly gpus: GpuMeter;
  readonly lineage: readonly LineageStep[];
  /** Undefined where another job has it. */
  readonly packagePath: string | undefined;
  readonly details: InferOutput<typeof FileRefSchema>;
  /** How often it was tried again within this step. */
  readonly retries: number;
  /** It had ended before this step looked at it. */
  readonly wasOver: boolean;
  /** Another release than the job's own, that was gone on with. */
  readonly release: Release | undefined;
};

/** A run that goes on without this job. */
export type Detached = Known & {
  readonly state: "detached";
  /** Whether this step has started it, or has followed it for a while. */
  readonly how: "first" | "again";
  readonly releaseId: string;
  readonly run: Run;
  /** The check on the commit. */
  readonly posted: Posted;
  readonly release: Release | undefined;
};

/** There was nothing to attach to. */
export type Idle = { readonly state: "idle"; readonly why: string };

export type Outcome = Planned | Ended | Detached | Idle;
