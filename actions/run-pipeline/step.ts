import type { ModelStore } from "../shared/ports/model-store.ts";
import type { PipelineEngine } from "../shared/ports/pipeline-engine.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Compile } from "./read-pipeline.ts";
import type { DataWish } from "./resolve-data.ts";

/** What the user asked for. */
export type Wishes = {
  readonly mode: "run" | "plan";
  readonly pipeline: string;
  readonly function: string | undefined;
  readonly data: Readonly<Record<string, DataWish>> | undefined;
  /** By name, or the path of a YAML file. */
  readonly parameters: Readonly<Record<string, unknown>> | string | undefined;
  readonly "model-artifact": string | undefined;
  readonly "pipeline-name": string | undefined;
  readonly version: string | undefined;
  readonly retries: number;
  readonly "on-failed": "retry" | "adopt";
};

export type RunStep = Step<Wishes>;

export type Ports = {
  readonly store: ModelStore;
  readonly engine: PipelineEngine;
  readonly compile: Compile;
  /** The `working-directory`, absolute: what relative paths in inputs and errors start from. */
  readonly folder: string;
};
