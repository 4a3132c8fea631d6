import * as v from "valibot";
import {
  catalogInputs,
  commonInputs,
  commonOutputs,
  defineAction,
  type InputsOf,
  verificationInputs,
} from "../shared/runner/inputs.ts";

const registering = ["register", "plan"] as const;

/** Without a name and a password in it, which would be a secret in an address. */
const ENDPOINT_PATTERN = /^https?:\/\/[^\s@]+$/;

const URL_PATTERN = /^https?:\/\/[^\s/@]+(\/[^\s?#]*)?$/;

export const manifest = defineAction({
  name: "register-model",
  description:
    "Registers a model as an immutable version with its digest, its origin and its metrics, and moves aliases",
  branding: { icon: "archive", color: "blue" },
  inputs: {
    ...commonInputs(["register", "plan", "verify", "alias", "approve", "retire", "restore"], "1h"),
    name: {
      kind: "string",
      required: true,
      env: "ML_RELEASE_MODEL",
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      example: "digits",
      description: "Name of the model: a-z, 0-9 and -, at most 63 of them.",
    },
    version: {
      kind: "string",
      example: "1.1.0",
      description:
        "Version of the model. Empty: the tag without its leading `v`. When it is registered also `auto` (the next whole number), `calver` (the day, `2026.11.21`) or `digest` (the first 12 digits of the model's digest). In mode `alias` the version to point at, or `previous`.",
    },
    model: {
      kind: "place",
      modes: registering,
      example: "s3://artifacts/digits/model",
      description:
        "A file, a folder or a glob pattern; or a file or a folder of a bucket: `s3://bucket/key`, `gs://bucket/key`, `minio://bucket/key`, with settings as those of `store` (`?endpoint=…`); or a model of the server that `mlflow` (else MLFLOW_TRACKING_URI) names: `runs:/RUN_ID/path`, `models:/NAME/VERSION`, `models:/NAME@ALIAS`. Empty: the model artifact of the run in the release record, wherever its engine left it.",
    },
    "model-endpoint": {
      kind: "string",
      modes: registering,
      example: "https://minio.example.com?region=us-east-1",
      description:
        "The server of the bucket that the model is read from, where its address does not name one. Empty: the server of `store`, where that is a bucket, else AWS_ENDPOINT_URL_S3, else Amazon's; for `gs://` Google's.",
    },
    "model-access-key": {
      kind: "string",
      secret: true,
      modes: registering,
      description:
        "An access key for the bucket that the model is read from (of Google: an HMAC key). Empty: the job's credentials, as for `store`.",
    },
    "model-secret-key": {
      kind: "string",
      secret: true,
      modes: registering,
      description: "The secret of `model-access-key`.",
    },
    kubeconfig: {
      kind: "string",
      modes: registering,
      description:
        "Access to the cluster of Kubeflow Pipelines (the path of a kubeconfig, or its text from a secret), where the bucket of the run's model is to be found in the configuration of its launcher: the ConfigMap `kfp-launcher`, and the secret that it names. What `model-endpoint`, `model-access-key` and `model-secret-key` say goes before.",
    },
    endpoint: {
      kind: "string",
      modes: registering,
      pattern: ENDPOINT_PATTERN,
      example: "https://kubeflow.example.com/pipeline",
      description:
        "Address of the page of Kubeflow Pipelines. Where the bucket of the run's model cannot be reached, the model is downloaded there, as people do: the last resort, for a model that is one file.",
    },
    token: { kind: "string", secret: true, modes: registering, description: "A bearer token for the endpoint." },
    context: {
      kind: "string",
      modes: registering,
      description: "The context of the kubeconfig. Empty: its current one.",
    },
    namespace: {
      kind: "string",
      modes: registering,
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      example: "team-a",
      description:
        "Namespace of the run, where its launcher is configured. Empty: `kubeflow`. Of a multi-user Kubeflow: the profile.",
    },
    aliases: {
      kind: "list",
      modes: [...registering, "alias"],
      example: "staging",
      description:
        "Aliases to point at the version, besides `candidate`. In mode `alias` the ones to move. `champion` is moved by deploy-model only.",
    },
    "on-failed-gate": {
      kind: "enum",
      values: ["register", "stop"],
      default: "register",
      modes: registering,
      description:
        "A model that did not pass its gate: `register` it with its verdict and without an alias, or `stop`.",
    },
    "unsafe-pickle": {
      kind: "enum",
      values: ["fail", "warn", "allow"],
      default: "fail",
      modes: registering,
      description:
        "A model whose files would run commands or code when they are loaded, or of which that cannot be told: `fail`, `warn`, or `allow`. With `fail`, imports that are only unknown are warnings.",
    },
    "allow-imports": {
      kind: "list",
      pattern: /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\.\*)?$/,
      modes: registering,
      example: "digits.features.Scaler",
      description:
        "Imports of pickles to take for plain data: `module.name`, or `module.*` for all below that are not known to be dangerous.",
    },
    card: {
      kind: "workspace-path",
      modes: registering,
      description:
        "A model card (Markdown, with or without front matter) for the card that is kept beside the version: its text comes first, and what it says wins.",
    },
    sign: {
      kind: "enum",
      values: ["auto", "key", "keyless"],
      default: "auto",
      modes: registering,
      description:
        "How the version is signed: `key`, with the `signing-key`; `keyless`, as the workflow that runs (Sigstore: the job needs `id-token: write`; repository, workflow, commit and time are in a public log for ever, of the model only a hash); `auto`, with the key where there is one, else not.",
    },
    "fulcio-url": {
      kind: "string",
      pattern: URL_PATTERN,
      default: "https://fulcio.sigstore.dev",
      modes: registering,
      description: "The certificate authority of `sign: keyless`.",
    },
    "rekor-url": {
      kind: "string",
      pattern: URL_PATTERN,
      default: "https://rekor.sigstore.dev",
      modes: registering,
      description: "The transparency log of `sign: keyless`, version 1.",
    },
    "tsa-url": {
      kind: "string",
      pattern: URL_PATTERN,
      modes: registering,
      example: "https://timestamp.example.com",
      description: "A timestamp authority that is asked besides, for `sign: keyless`.",
    },
    "signing-key": {
      kind: "string",
      secret: true,
      modes: registering,
      description: "An EC private key (P-256, P-384, P-521) in PEM, to sign the version with. Empty: it is not signed.",
    },
    "signing-key-passphrase": {
      kind: "string",
      secret: true,
      modes: registering,
      description: "The passphrase of an encrypted `signing-key`.",
    },
    ...verificationInputs(["verify"]),
    reason: {
      kind: "string",
      maxLength: 500,
      modes: ["approve", "retire", "restore"],
      example: "load test of 2026-11-20 passed",
      description: "Why the version is approved, taken out of use or taken back: kept for ever, beside who and when.",
    },
    package: {
      kind: "enum",
      values: ["none", "tar"],
      default: "none",
      modes: registering,
      description:
        "`tar`: besides the files, the same as one archive `model.tar.gz` with the code that serves them, as SageMaker and others load it. The same files make the same bytes.",
    },
    "package-code": {
      kind: "workspace-path",
      modes: registering,
      description: "For `package: tar`: a file or a folder that goes into the archive below `code/`.",
    },
    "package-requirements": {
      kind: "workspace-path",
      modes: registering,
      description: "For `package: tar`: a file that goes into the archive as `code/requirements.txt`.",
    },
    metadata: {
      kind: "yaml",
      schema: v.record(v.string(), v.unknown()),
      modes: registering,
      description: "More fields for the version record, as YAML. What the release knows by itself need not be given.",
    },
    ...catalogInputs([...registering, "alias", "approve", "retire", "restore"]),
  },
  outputs: {
    ...commonOutputs,
    model: { description: "The model by its version: `name@version`." },
    version: { description: "The version." },
    digest: { description: "Root digest over all files of the model, `sha256:…` (OpenSSF Model Signing)." },
    uri: { description: "Where the files of the version lie, for a serving system." },
    signature: { description: "Where the signature of the version lies (`model.sig`); empty where it is not signed." },
    package: { description: "Where the archive of `package: tar` lies; empty where there is none." },
    existed: { description: "`true` where this version was registered before with the same digest." },
  },
});

export type RegisterModelInputs = InputsOf<typeof manifest>;
