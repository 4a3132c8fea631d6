import type { InferOutput } from "valibot";
import type { Metric } from "../shared/domain/metric.ts";
import type { GpuRequest } from "../shared/domain/pipeline/gpus.ts";
import type { FileRefSchema, Pipeline, Release, Run } from "../shared/domain/release.ts";
import type { Finding } from "../shared/domain/report.ts";
import type { Curve } from "../shared/domain/run/curves.ts";
import type { RunEnvironment, RunTask } from "../shared/domain/run/task.ts";
import type { TaskLog } from "../shared/ports/pipeline-engine.ts";
import type { RunDecision } from "./decide-run.ts";

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
  /** Tasks that run something, each once; loops are marked. */
  readonly tasks: readonly { readonly path: string; readonly times: number | "unknown"; readonly image: string }[];
  readonly gpus: readonly GpuRequest[];
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
  readonly logs: readonly TaskLog[];
  readonly reason: string | undefined;
  readonly failedTask: string | undefined;
  readonly packagePath: string;
  readonly details: InferOutput<typeof FileRefSchema>;
  /** How often it was tried again within this step. */
  readonly retries: number;
};

export type Outcome = Planned | Ended;
