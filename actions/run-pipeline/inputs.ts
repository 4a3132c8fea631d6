import * as v from "valibot";
import {
  clusterInputs,
  commonInputs,
  commonOutputs,
  defineAction,
  type InputsOf,
  NAMESPACE_PATTERN,
} from "../shared/runner/inputs.ts";

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

/** Without a name and a password in it, which would be a secret in an address. */
const URL_PATTERN = /^https?:\/\/[^\s@]+$/;

const CommandSchema = v.union([
  v.pipe(
    v.string(),
    v.regex(
      /^[^\s'"`$|&;<>(){}*?\\]+( +[^\s'"`$|&;<>(){}*?\\]+)*$/,
      "must be plain words; write a list, [program, argument], for others",
    ),
  ),
  v.pipe(v.array(v.string()), v.minLength(1)),
]);

/** Modes that start a run, or would. */
const STARTING = ["run", "plan", "detach"] as const;

export const manifest = defineAction({
  name: "run-pipeline",
  description: "Compiles a pipeline, runs it, waits for it, and brings back its metrics and its model",
  branding: { icon: "play-circle", color: "blue" },
  inputs: {
    ...commonInputs(["run", "plan", "detach", "attach"], "6h"),
    pipeline: {
      kind: "workspace-path",
      modes: STARTING,
      description:
        "The pipeline: `pipeline.py`, which is compiled with the KFP SDK, or a compiled `.yaml`. This or `manifest`.",
    },
    manifest: {
      kind: "workspace-path",
      description:
        "A Kubernetes object that trains, as YAML: TrainJob, PyTorchJob, TFJob, Katib Experiment, Job, or any kind with a `success-condition`. With `attach`: the same one, whose kind says how it is followed.",
    },
    function: {
      kind: "string",
      modes: STARTING,
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      example: "training",
      description: "The function of the pipeline in `pipeline.py`. Needed where the file defines several.",
    },
    data: {
      kind: "yaml",
      modes: STARTING,
      schema: DataSchema,
      description:
        "The data by role, `train: data/train.csv`: a path, `s3://…?versionId=…`, `hf://…@COMMIT`, a `.dvc` file, or `{ uri, digest, version }`. It arrives as the parameters `ROLE_uri` and `ROLE_digest`, where the pipeline declares them.",
    },
    parameters: {
      kind: "yaml",
      modes: STARTING,
      schema: v.union([v.string(), v.record(v.string(), v.unknown())]),
      description:
        "Parameters of the pipeline as YAML, `epochs: 3`, or the path of a YAML file. Types must be those that the pipeline declares.",
    },
    "model-artifact": {
      kind: "string",
      modes: STARTING,
      pattern: /^[A-Za-z0-9_/-]+\.[A-Za-z0-9_-]+$/,
      example: "export.model",
      description: "The output that is the model, `task.output`. Empty: the pipeline's only `system.Model` output.",
    },
    "parameters-from": {
      kind: "enum",
      values: ["run"],
      modes: STARTING,
      description:
        "`run`: parameters that are not given come from the run that the release record has, such as the best trial of a Katib Experiment that a step before this one ran.",
    },
    engine: {
      kind: "enum",
      values: ["auto", "local", "kubeflow", "manifest"],
      default: "auto",
      description:
        "What runs it: `kubeflow` (Kubeflow Pipelines 2.x and 3.0), `manifest` (an object on Kubernetes) or `local` (the KFP SDK's own runner on this machine). `auto`: `manifest` with `manifest`, `kubeflow` with `endpoint`, `kubeconfig` or `context`, else `local`.",
    },
    endpoint: {
      kind: "string",
      pattern: URL_PATTERN,
      example: "https://kubeflow.example.com/pipeline",
      description:
        "Address of Kubeflow Pipelines. Empty, with a kubeconfig: the service `ml-pipeline` of `namespace` (`kubeflow`), through the API server.",
    },
    "metadata-endpoint": {
      kind: "string",
      pattern: URL_PATTERN,
      example: "https://kubeflow.example.com",
      description:
        "Where ML Metadata answers gRPC-web (KFP up to 2.18). Empty: the endpoint without `/pipeline`; through a kubeconfig `metadata-envoy-service`.",
    },
    token: { kind: "string", secret: true, description: "A bearer token for the endpoint." },
    "token-file": {
      kind: "path",
      description: "A file with a bearer token, read anew for each request, for it may rotate.",
    },
    "token-command": {
      kind: "yaml",
      schema: CommandSchema,
      description:
        "A command that prints a bearer token, run again when it expires or is refused: `[gcloud, auth, print-identity-token]`, or its words. No shell reads it.",
    },
    username: { kind: "string", description: "With `password`: login through Dex, as people do." },
    password: { kind: "string", secret: true, description: "The password of `username`." },
    "iap-audience": {
      kind: "string",
      description:
        "OAuth client id of Google's Identity-Aware Proxy in front of the endpoint. Its tokens are made with the key of `GOOGLE_APPLICATION_CREDENTIALS`, else by the machine's metadata server.",
    },
    ...clusterInputs,
    namespace: {
      kind: "string",
      pattern: NAMESPACE_PATTERN,
      example: "team-a",
      description:
        "Namespace of the run. Of a multi-user Kubeflow: the profile. Empty: the one of the kubeconfig's context.",
    },
    experiment: {
      kind: "string",
      maxLength: 128,
      description:
        "Experiment of Kubeflow that the run belongs to; made where it is missing. Empty: the repository's name.",
    },
    "service-account": {
      kind: "string",
      pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      example: "pipeline-runner",
      description: "Service account of the run's pods. Empty: the server's default.",
    },
    "pipeline-root": {
      kind: "string",
      pattern: /^[a-z][a-z0-9+.-]*:\/\/\S+$/,
      example: "s3://bucket/pipelines",
      description: "Where artifacts are written. Empty: the package's, else the server's default.",
    },
    caching: {
      kind: "enum",
      values: ["package", "on", "off"],
      default: "package",
      description:
        "Whether Kubeflow may take a task's outputs from an earlier run: as the package says, or for every task.",
    },
    "on-changed-version": {
      kind: "enum",
      values: ["error", "suffix"],
      default: "error",
      description: "The version is there with another package: an `error`, or upload it with a `suffix`.",
    },
    "keep-versions": {
      kind: "integer",
      min: 1,
      max: 10_000,
      description: "After a run that succeeded, keep as many of the newest versions of this pipeline. Empty: all.",
    },
    "success-condition": {
      kind: "string",
      maxLength: 512,
      description: "For a `manifest` of another kind: when it has succeeded, such as `status.phase == Succeeded`.",
    },
    "failure-condition": {
      kind: "string",
      maxLength: 512,
      description: "For a `manifest` of another kind: when it has failed.",
    },
    "start-timeout": {
      kind: "duration",
      default: "5m",
      minMs: 1_000,
      description: "How long nothing at all may happen, or a setting (secret, volume) may be missing.",
    },
    "unschedulable-timeout": {
      kind: "duration",
      default: "15m",
      minMs: 1_000,
      description: "How long a pod may find no node that has room, or no quota. An autoscaler needs some minutes.",
    },
    "image-pull-timeout": {
      kind: "duration",
      default: "5m",
      minMs: 1_000,
      description: "How long an image may not come. One that never can, such as an invalid name, ends the run at once.",
    },
    "max-outage": {
      kind: "duration",
      default: "10m",
      minMs: 0,
      description:
        "How long the engine may not answer while a run is followed. An outage is never taken for a failed run.",
    },
    "max-gpu-hours": {
      kind: "number",
      min: 0.01,
      description:
        "The run is ended when its tasks have had their GPUs for longer, all GPUs added up. Empty: no bound.",
    },
    "on-cancel": {
      kind: "enum",
      values: ["terminate", "keep"],
      default: "terminate",
      description: "When the job is cancelled: `terminate` the run, or `keep` it going, to be attached to later.",
    },
    "metrics-from": {
      kind: "enum",
      values: ["auto", "api", "metadata", "logs"],
      default: "auto",
      description:
        "Where metrics of a Kubeflow run are read: the API (3.0), ML Metadata, marker lines in logs. `auto`: the first that has them.",
    },
    "pipeline-name": {
      kind: "string",
      modes: STARTING,
      maxLength: 128,
      description: "Name of the pipeline. Empty: the name in the package.",
    },
    version: {
      kind: "string",
      modes: STARTING,
      pattern: /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,95}$/,
      example: "v1.1.0",
      description: "Version of the pipeline. Empty: the release's id.",
    },
    retries: {
      kind: "integer",
      modes: STARTING,
      default: "0",
      min: 0,
      max: 10,
      description: "How often a run that failed is tried again within this step; tasks that have finished are kept.",
    },
    "on-failed": {
      kind: "enum",
      modes: STARTING,
      values: ["retry", "adopt"],
      default: "retry",
      description: "A run of this release that failed before: `retry` it, or `adopt` its failure.",
    },
    "allow-cpu": {
      kind: "boolean",
      modes: STARTING,
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
      modes: STARTING,
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
      modes: STARTING,
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      example: "AWS_REGION",
      description: "Environment variables that the tasks get. Of the job's environment they see nothing else.",
    },
  },
  outputs: {
    ...commonOutputs,
    "run-id": { description: "Id of the run: the same for the same release, engine, package, parameters and data." },
    "run-url": { description: "Where to look at the run; for the local engine its folder." },
    state: {
      description:
        "`succeeded`, `failed`, `cancelled` or `lost`; where the run goes on, `pending` or `running`; empty where there is none.",
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
