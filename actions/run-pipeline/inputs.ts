import * as v from "valibot";
import { commonInputs, commonOutputs, defineAction, type InputsOf } from "../shared/runner/inputs.ts";

const DataSchema = v.record(
  v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,39}$/, "must be a role: a-z, 0-9, _ and -, at most 40 of them")),
  v.union([
    v.string(),
    v.strictObject({
      uri: v.string(),
      digest: v.optional(v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, "must be sha256:<64 hex>"))),
      version: v.optional(v.pipe(v.string(), v.minLength(1))),
    }),
  ]),
);

export const manifest = defineAction({
  name: "run-pipeline",
  description: "Compiles a pipeline, runs it, waits for it, and brings back its metrics and its model",
  branding: { icon: "play-circle", color: "blue" },
  inputs: {
    ...commonInputs(["run", "plan"], "6h"),
    pipeline: {
      kind: "workspace-path",
      required: true,
      description: "The pipeline: `pipeline.py`, which is compiled with the KFP SDK, or a compiled `.yaml`.",
    },
    function: {
      kind: "string",
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      example: "training",
      description: "The function of the pipeline in `pipeline.py`. Needed where the file defines several.",
    },
    data: {
      kind: "yaml",
      schema: DataSchema,
      description:
        "The data by role, `train: data/train.csv`: a path, `s3://…?versionId=…`, `hf://…@COMMIT`, a `.dvc` file, or `{ uri, digest, version }`. It arrives as the parameters `ROLE_uri` and `ROLE_digest`, where the pipeline declares them.",
    },
    parameters: {
      kind: "yaml",
      schema: v.union([v.string(), v.record(v.string(), v.unknown())]),
      description:
        "Parameters of the pipeline as YAML, `epochs: 3`, or the path of a YAML file. Types must be those that the pipeline declares.",
    },
    "model-artifact": {
      kind: "string",
      pattern: /^[A-Za-z0-9_/-]+\.[A-Za-z0-9_-]+$/,
      example: "export.model",
      description: "The output that is the model, `task.output`. Empty: the pipeline's only `system.Model` output.",
    },
    engine: {
      kind: "enum",
      values: ["auto", "local"],
      default: "auto",
      description:
        "What runs the pipeline: `local` is the KFP SDK's own runner on this machine, and what `auto` takes.",
    },
    "pipeline-name": {
      kind: "string",
      maxLength: 128,
      description: "Name of the pipeline. Empty: the name in the package.",
    },
    version: {
      kind: "string",
      pattern: /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,95}$/,
      example: "v1.1.0",
      description: "Version of the pipeline. Empty: the release's id.",
    },
    retries: {
      kind: "integer",
      default: "0",
      min: 0,
      max: 10,
      description: "How often a run that failed is tried again within this step; tasks that have finished are kept.",
    },
    "on-failed": {
      kind: "enum",
      values: ["retry", "adopt"],
      default: "retry",
      description: "A run of this release that failed before: `retry` it, or `adopt` its failure.",
    },
    "allow-cpu": {
      kind: "boolean",
      default: "false",
      description: "Run a pipeline that asks for GPUs on a machine that has none.",
    },
    python: {
      kind: "string",
      default: "python3",
      description: "The Python that the virtual environment is made from: a name on the PATH, or a path.",
    },
    requirements: {
      kind: "workspace-path",
      description: "A file of requirements for the pipeline and its tasks, besides the KFP SDK.",
    },
    kfp: {
      kind: "list",
      default: "kfp==2.17.0, kfp-pipeline-spec==2.17.0, kfp-server-api==2.17.0",
      pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*\s*[=<>~!].*$/,
      example: "kfp==2.17.0",
      description: "The KFP SDK as requirements. A package that the file of requirements names is taken from there.",
    },
    "pass-env": {
      kind: "list",
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      example: "AWS_REGION",
      description: "Environment variables that the tasks get. Of the job's environment they see nothing else.",
    },
  },
  outputs: {
    ...commonOutputs,
    "run-id": { description: "Id of the run: the same for the same release, package, parameters and data." },
    "run-url": { description: "Where to look at the run; for the local engine its folder." },
    state: {
      description: "`succeeded`, `failed`, `cancelled` or `lost`; in a plan what is known: also `running`, or empty.",
    },
    metrics: { description: "The metrics as a JSON list: name, slice, value, n, task, dataset." },
    artifacts: { description: "The artifacts as a JSON list: task, output, type, uri, digest." },
    package: { description: "Path of the compiled package, images pinned by digest." },
    adopted: { description: "`true` where an earlier run was taken over." },
    "failed-task": { description: "The task that failed first." },
    reason: { description: "Why the run is in this state, in one sentence." },
  },
});

export type RunPipelineInputs = InputsOf<typeof manifest>;
