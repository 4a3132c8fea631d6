import type { GpuRequest } from "../../shared/domain/pipeline/gpus.ts";
import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { DataSet } from "../../shared/domain/release.ts";
import type { Finding } from "../../shared/domain/report.ts";
import type { ModelOutput } from "../../shared/domain/run/model-output.ts";
import type { RunOrigin, Work } from "../../shared/ports/pipeline-engine.ts";

/** A task as it is known before the run; loops are marked. */
export type PlannedTask = { readonly path: string; readonly times: number | "unknown"; readonly image: string };

/** What it takes to follow a run and to conclude it: plain data, for the job that started it, or for another one. */
export type RunFacts = {
  readonly work: Pick<Work, "kind" | "name" | "version" | "digest">;
  readonly parameters: Parameters;
  readonly data: readonly DataSet[];
  /** Those of them that the tasks get by a parameter. */
  readonly handed: readonly DataSet[];
  readonly tasks: readonly PlannedTask[];
  readonly model: ModelOutput | undefined;
  readonly gpus: readonly GpuRequest[];
  /** Executors and the images that they name. */
  readonly images: Readonly<Record<string, string>>;
};

/** Everything that is known before the run, checked. */
export type Prepared = RunFacts & {
  readonly work: Work;
  readonly origin: RunOrigin;
  /** What of the parameters is part of the run's identity. */
  readonly identityParameters: Parameters;
  readonly findings: readonly Finding[];
};
