import type { Forge } from "../shared/ports/forge.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { PipelineEngine, Work } from "../shared/ports/pipeline-engine.ts";
import type { Step } from "../shared/ports/step.ts";
import type { Compile } from "./prepare/read-pipeline.ts";
import type { DataWish } from "./prepare/resolve-data.ts";

/** What the user asked for. Durations are milliseconds. */
export type Wishes = {
  readonly mode: "run" | "plan" | "detach" | "attach";
  readonly release: string | undefined;
  readonly timeout: number;
  readonly pipeline: string | undefined;
  readonly manifest: string | undefined;
  readonly function: string | undefined;
  readonly data: Readonly<Record<string, DataWish>> | undefined;
  /** By name, or the path of a YAML file. */
  readonly parameters: Readonly<Record<string, unknown>> | string | undefined;
  readonly "parameters-from": "run" | undefined;
  readonly "success-condition": string | undefined;
  readonly "failure-condition": string | undefined;
  readonly "model-artifact": string | undefined;
  readonly caching: "package" | "on" | "off";
  readonly "pipeline-name": string | undefined;
  readonly version: string | undefined;
  readonly retries: number;
  readonly "on-failed": "retry" | "adopt";
  readonly "start-timeout": number;
  readonly "unschedulable-timeout": number;
  readonly "image-pull-timeout": number;
  readonly "max-outage": number;
  readonly "max-gpu-hours": number | undefined;
  readonly "on-cancel": "terminate" | "keep";
};

export type RunStep = Step<Wishes>;

export type Ports = {
  readonly store: ModelStore;
  readonly forge: Forge;
  /** Takes the kind of work that `manifest` or `pipeline` gives. */
  readonly engine: PipelineEngine<Work>;
  readonly compile: Compile;
  /** The `working-directory`, absolute: what relative paths in inputs and errors start from. */
  readonly folder: string;
};
