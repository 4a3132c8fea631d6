import * as v from "valibot";
import {
  catalogInputs,
  clusterInputs,
  commonInputs,
  commonOutputs,
  defineAction,
  type InputsOf,
  NAMESPACE_PATTERN,
  verificationInputs,
} from "../shared/runner/inputs.ts";

const deploying = ["deploy", "plan", "promote"] as const;
const parts = "such as `5%` or `0.05`";

export const manifest = defineAction({
  name: "deploy-model",
  description:
    "Brings a model version into service by a canary that is judged on evidence, and promotes it or rolls it back",
  branding: { icon: "send", color: "green" },
  inputs: {
    ...commonInputs(["deploy", "plan", "recover", "reconcile", "promote", "abort", "status", "replay"], "6h"),
    model: {
      kind: "string",
      env: "ML_RELEASE_MODEL",
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(@[A-Za-z0-9][A-Za-z0-9._+-]{0,62})?$/,
      example: "digits@1.1.0",
      description:
        "Model to deploy: `name@version`, `name@alias` or `name@previous` (the champion before this one); for recover, reconcile, promote, abort and status the name. Empty: the model of the release record.",
    },
    target: {
      kind: "string",
      default: "local",
      example: "kserve/digits",
      description:
        "Where the model serves: `local` (servers on this machine behind a weighted splitter on 127.0.0.1), `deployment/NAME`, `kserve/NAME` (an InferenceService), `rollout/NAME` (of Argo Rollouts), or `auto`: the one of these in the namespace that has the model's name.",
    },
    namespace: {
      kind: "string",
      pattern: NAMESPACE_PATTERN,
      example: "prod",
      description: "Namespace of the target. Empty: the one of the kubeconfig's context.",
    },
    ...clusterInputs,
    strategy: {
      kind: "enum",
      values: ["canary", "rolling", "recreate"],
      modes: deploying,
      description:
        "How the version comes into service: `canary` (default) beside stable, `rolling` pod by pod, `recreate` after stable has ended (a GPU that exists once; nothing answers meanwhile). The last two with `deployment/NAME`.",
    },
    capacity: {
      kind: "enum",
      values: ["extra", "borrow", "assume-autoscaler"],
      instead: { recreate: "set strategy: recreate, with which the old pods end before the new ones come" },
      modes: deploying,
      description:
        "Where a candidate on a cluster has its room: `extra` (default) beside all of stable, refused before anything is changed where the nodes or the quota have none; `borrow` (`deployment/NAME` with an HTTPRoute and two pods or more): pods go from stable to the candidate one by one, and come back at the end; `assume-autoscaler`: as `extra`, and what is short is only told, since nodes are added when pods wait.",
    },
    container: {
      kind: "string",
      pattern: NAMESPACE_PATTERN,
      example: "server",
      description:
        "Container of the pod that serves the model, for `deployment/NAME` and `rollout/NAME`. Needed where a pod has several.",
    },
    service: {
      kind: "string",
      pattern: NAMESPACE_PATTERN,
      example: "digits",
      description:
        "Service by which users reach `deployment/NAME`. Empty: the one that chooses its pods, of several the one of its name.",
    },
    drain: {
      kind: "duration",
      description: "How long requests under way have before the pods that they are on end. Default: 30s.",
    },
    prometheus: {
      kind: "string",
      pattern: /^https?:\/\/\S+$/,
      example: "https://prometheus.example.com",
      description:
        "Address of the Prometheus that counts the traffic of a target on a cluster. Its canaries need one; `metrics` in the rollout file says which queries.",
    },
    "prometheus-token": { kind: "string", secret: true, description: "A bearer token for Prometheus." },
    "prometheus-headers": {
      kind: "map",
      secret: true,
      description: "More headers for Prometheus, such as `X-Scope-OrgID: team-a`.",
    },
    environment: {
      kind: "string",
      maxLength: 255,
      example: "production",
      description:
        "GitHub environment whose deployments show this rollout (permission `deployments: write`). The one that the job's own `environment:` made is used where there is one. Empty: none is written.",
    },
    rollout: {
      kind: "workspace-path",
      modes: deploying,
      description:
        "Rollout file (YAML) with any of: steps, look, step-duration, max-step-duration, bake, alpha, margin, max-ratio, max-error-rate, min-requests, max-failed-requests, on-no-data, on-inconclusive, rate, request-timeout, latency-bound, breaker, duel, series, metrics. An input goes before the file.",
    },
    steps: {
      kind: "list",
      modes: deploying,
      example: "5%, 25%, 50%",
      description: `The candidate's share of the traffic step by step, rising, ${parts}. Default: 5%, 25%, 50%. With \`rollout/NAME\` its own steps are taken.`,
    },
    look: { kind: "duration", minMs: 100, modes: deploying, description: "Time between two looks. Default: 10s." },
    "step-duration": {
      kind: "duration",
      modes: deploying,
      description: "How long a step lasts where nothing is proved sooner. Default: 2m.",
    },
    "max-step-duration": {
      kind: "duration",
      modes: deploying,
      description:
        "How long a step may be drawn out until there are enough requests, or proof in the last. Default: 10m.",
    },
    bake: {
      kind: "duration",
      modes: deploying,
      description: "How long the promoted version is watched while the former one still runs. Default: 1m.",
    },
    alpha: {
      kind: "number",
      min: 0,
      max: 0.5,
      modes: deploying,
      description: "Rate of false alarms, and of false promotions, however often one looks. Default: 0.05.",
    },
    margin: {
      kind: "number",
      min: 1,
      modes: deploying,
      description: "How many times as bad as stable is not yet an alarm. Default: 1.25.",
    },
    "max-ratio": {
      kind: "number",
      min: 1,
      modes: deploying,
      description: "A candidate this many times as bad as stable is not promoted. Default: 2.",
    },
    "max-error-rate": {
      kind: "fraction",
      modes: deploying,
      description:
        "A candidate whose bad rate is proved to lie under this may be promoted where bad events are too rare for a ratio. Default: 1%.",
    },
    "min-requests": {
      kind: "integer",
      min: 1,
      modes: deploying,
      description: "Requests that the candidate must meet in each step. Default: 100.",
    },
    "on-no-data": {
      kind: "enum",
      values: ["hold", "rollback"],
      modes: deploying,
      description: "What to do where too few requests came: `hold` (default) or `rollback`.",
    },
    "on-inconclusive": {
      kind: "enum",
      values: ["hold", "rollback"],
      modes: deploying,
      description: "What to do where there is neither alarm nor proof in the end: `hold` (default) or `rollback`.",
    },
    "allow-hold": { kind: "boolean", default: "false", description: "Whether a step that ends in `held` succeeds." },
    "allow-downgrade": {
      kind: "boolean",
      default: "false",
      modes: deploying,
      description: "Whether a version that is older than stable may be deployed.",
    },
    gates: {
      kind: "string",
      modes: deploying,
      description:
        "Gate lines, or the path of a file with them: evaluated where neither record nor version has a verdict.",
    },
    ...verificationInputs(deploying),
    serve: {
      kind: "yaml",
      schema: v.union([v.string(), v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1))]),
      modes: deploying,
      description:
        "Target local: the server's command, `python3 server.py` or as a list `[python3, server.py]`, for where no container engine runs. No shell. It gets MODEL_DIR, MODEL_NAME, MODEL_VERSION, HOST, PORT.",
    },
    "serve-context": {
      kind: "workspace-path",
      modes: deploying,
      description: "Target local: the folder that `serve` runs in; a copy of it is kept with the version.",
    },
    "serve-env": {
      kind: "map",
      modes: deploying,
      description: "Target local: more variables for the server, `NAME: value`.",
    },
    "serve-as": {
      kind: "enum",
      values: ["auto", "container", "process"],
      default: "auto",
      modes: deploying,
      description:
        "Target local: as a `container` of the serving image, as a `process`, or `auto`: a container where an engine runs and the release has the image.",
    },
    image: {
      kind: "string",
      default: "serving",
      modes: deploying,
      description:
        "Name of the serving image in the release record; on a cluster it is put into the pods of the version where the release has one.",
    },
    payloads: {
      kind: "workspace-path",
      modes: deploying,
      description:
        'Requests for smoke test, comparison (`duel`) and, on target local, traffic, as JSON Lines: `{ "request": …, "expect"?: …, "tolerance"?: …, "slice"?: { name: text } }`. Needed by target local, whose traffic is ours to send.',
    },
    rate: {
      kind: "number",
      min: 0,
      max: 2_000,
      modes: deploying,
      description: "Target local: requests per second that are sent. Default: 50.",
    },
    smoke: {
      kind: "string",
      pattern: /^(auto|v2|v1|torchserve|\/\S*)$/,
      example: "auto, v2, v1, torchserve, or /healthz",
      default: "auto",
      modes: deploying,
      description:
        "What the version is asked before it gets any traffic: `v2` (Open Inference Protocol, Triton), `v1` (KServe, TensorFlow Serving), `torchserve`, a path such as `/healthz` that must be answered with 2xx, or `auto`: whichever of these it speaks.",
    },
    "latency-bound": {
      kind: "duration",
      minMs: 1,
      modes: deploying,
      description: "An answer that takes longer is slow. Empty: nothing is.",
    },
    "ready-timeout": {
      kind: "duration",
      minMs: 100,
      modes: deploying,
      description:
        "Longest time for the version to become ready. Pods that cannot start fail at once. Default: 2m; on a cluster 15m.",
    },
    port: {
      kind: "integer",
      default: "0",
      min: 0,
      max: 65_535,
      modes: deploying,
      description: "Target local: port of the splitter on 127.0.0.1. 0: the one of the release before, else any.",
    },
    keep: {
      kind: "boolean",
      description:
        "Target local: whether the champion serves on after the step, on a machine that stays, so that the next release finds it. Empty: as what serves now was started, else not. `false` ends it, also in mode abort.",
    },
    evidence: {
      kind: "path",
      modes: ["replay"],
      description: "Evidence file to judge again. Needed by mode replay.",
    },
    ...catalogInputs(["deploy", "recover", "reconcile", "promote", "abort"]),
  },
  outputs: {
    ...commonOutputs,
    decision: { description: "`promoted`, `rolled-back`, `held` or `refused`; `aborted` by mode abort." },
    reason: { description: "Why, in one sentence." },
    exposure: { description: "The version's share of the traffic when the step ended, from 0 to 1." },
    url: { description: "Where the model serves; empty where nothing serves after the step." },
    evidence: { description: "Path of the evidence file: every look with its counts, e-values and verdict." },
  },
});

export type DeployModelInputs = InputsOf<typeof manifest>;
