import type { GenericSchema, InferOutput } from "valibot";

type Common = {
  /** One sentence, ending with the allowed values where they are not plain. */
  readonly description: string;
  readonly required?: true;
  /** Masked as it is read. */
  readonly secret?: true;
  /** Only these modes take it; elsewhere it is an error to set it. */
  readonly modes?: readonly string[];
  /** Stands in where the input is empty. */
  readonly env?: `ML_RELEASE_${string}`;
};

/** Kinds whose value follows from their text alone. */
export type PlainKind =
  | { readonly kind: "string"; readonly pattern?: RegExp; readonly example?: string; readonly maxLength?: number }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly min?: number; readonly max?: number }
  | { readonly kind: "number"; readonly min?: number; readonly max?: number }
  /** Read as milliseconds. */
  | { readonly kind: "duration"; readonly minMs?: number; readonly maxMs?: number }
  /** Read as bytes. */
  | { readonly kind: "size"; readonly minBytes?: number; readonly maxBytes?: number }
  /** `5%` or `0.05`, read as a fraction from 0 to 1. */
  | { readonly kind: "fraction"; readonly min?: number; readonly max?: number }
  /** `instead`: what to do in place of a value that is looked for here, and is another input's. */
  | { readonly kind: "enum"; readonly values: readonly string[]; readonly instead?: Readonly<Record<string, string>> }
  /** Separated by line breaks or commas outside brackets; `#` starts a comment. */
  | { readonly kind: "list"; readonly pattern?: RegExp; readonly example?: string };

export type Kind =
  | PlainKind
  /** `key: value` lines as YAML; every value a string. */
  | { readonly kind: "map" }
  | { readonly kind: "yaml"; readonly schema: GenericSchema }
  /** Relative to `working-directory`; must stay inside the workspace, symlinks resolved, and exist. Read as an absolute path. */
  | { readonly kind: "workspace-path" }
  /** Any path, made absolute; need not exist. */
  | { readonly kind: "path" }
  /** A path as above, or an address (`scheme://…`), which stays as it is. */
  | { readonly kind: "place" };

export type InputDeclaration = Common & Kind & { readonly default?: string };

type Value<D> = D extends { kind: "boolean" }
  ? boolean
  : D extends { kind: "integer" | "number" | "duration" | "size" | "fraction" }
    ? number
    : D extends { kind: "enum"; values: readonly (infer V)[] }
      ? V
      : D extends { kind: "list" }
        ? readonly string[]
        : D extends { kind: "map" }
          ? Readonly<Record<string, string>>
          : D extends { kind: "yaml"; schema: infer S extends GenericSchema }
            ? InferOutput<S>
            : string;

/** The typed values by input name. What is neither required nor defaulted may be undefined. */
export type Inputs<D extends Record<string, InputDeclaration>> = {
  readonly [K in keyof D]: D[K] extends { required: true } | { default: string }
    ? Value<D[K]>
    : Value<D[K]> | undefined;
};

export type Manifest<D extends Record<string, InputDeclaration> = Record<string, InputDeclaration>> = {
  /** The action's folder: `build-images`. */
  readonly name: string;
  readonly description: string;
  readonly branding: { readonly icon: string; readonly color: string };
  readonly inputs: D;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
};

/** The one source of an action's manifest. Keeps literal types, so that `InputsOf` knows each value's type. */
export function defineAction<const D extends Record<string, InputDeclaration>>(manifest: Manifest<D>): Manifest<D> {
  return manifest;
}

export type InputsOf<M> = M extends Manifest<infer D> ? Inputs<D> : never;

/** The outputs that every action has. */
export const commonOutputs = {
  release: {
    description: "The release record, one line of canonical JSON: give it to the next job's actions as `release`.",
  },
  report: { description: "Folder with the report files: summary.md, report.json." },
} as const;

/** The inputs that every action has; `modes` lists the action's own verb first. */
export function commonInputs<const M extends readonly [string, ...string[]]>(modes: M, timeout: string) {
  return {
    mode: {
      kind: "enum",
      values: modes,
      default: modes[0],
      description: `What to do: ${modes.map((mode) => `\`${mode}\``).join(", ")}.`,
    },
    release: {
      kind: "string",
      description:
        "The release record to go on with: its text, a path, or an id to be found in the store. Empty: the job's own, or the store's record of this tag.",
    },
    store: {
      kind: "string",
      env: "ML_RELEASE_STORE",
      description:
        "The model store: a folder, or a bucket of any S3-compatible server, `s3://bucket/prefix`. Empty: a folder under ML_RELEASE_HOME.",
    },
    timeout: {
      kind: "duration",
      default: timeout,
      minMs: 1_000,
      description: "Longest time for the whole step, such as `90s`, `15m`, `6h`.",
    },
    "github-token": {
      kind: "string",
      secret: true,
      default: "${{ github.token }}",
      description: "Token for GitHub's API; the job's own by default.",
    },
    "working-directory": {
      kind: "string",
      default: ".",
      description: "Folder inside the workspace that relative paths start from.",
    },
  } as const satisfies Record<string, InputDeclaration>;
}

/** The inputs of every action that tells other catalogs of a version; `modes` are those that do. */
export function catalogInputs<const M extends readonly [string, ...string[]]>(modes: M) {
  return {
    "kubeflow-registry": {
      kind: "string",
      modes,
      pattern: /^https?:\/\/[^\s@]+$/,
      example: "https://registry.example.com",
      description: "Address of a model registry of Kubeflow (Hub) that is told of the version. Empty: none is.",
    },
    "kubeflow-registry-token": {
      kind: "string",
      secret: true,
      modes,
      description:
        "A bearer token for `kubeflow-registry`. Empty: the one in the file that KF_PIPELINES_SA_TOKEN_PATH names, read for each request.",
    },
    mlflow: {
      kind: "string",
      modes,
      pattern: /^https?:\/\/\S+$/,
      example: "https://mlflow.example.com",
      description: "Address of an MLflow tracking server (2.x, 3.x) that is told of the version. Empty: none is.",
    },
    "mlflow-token": {
      kind: "string",
      secret: true,
      modes,
      description: "A bearer token for MLflow. Empty: MLFLOW_TRACKING_TOKEN of the job.",
    },
    "mlflow-username": {
      kind: "string",
      modes,
      description: "With `mlflow-password`: a user of MLflow. Empty: MLFLOW_TRACKING_USERNAME of the job.",
    },
    "mlflow-password": {
      kind: "string",
      secret: true,
      modes,
      description: "The password of `mlflow-username`. Empty: MLFLOW_TRACKING_PASSWORD of the job.",
    },
    "mlflow-experiment": {
      kind: "string",
      modes,
      maxLength: 250,
      description: "The experiment of the runs that show versions in MLflow. Empty: named as the model is.",
    },
    "on-publish-failure": {
      kind: "enum",
      values: ["fail", "warn"],
      default: "fail",
      modes,
      description:
        "A catalog that cannot be told: `fail` the step, or `warn`. The version is in the store all the same, and the next run of the step tells what is missing.",
    },
  } as const satisfies Record<string, InputDeclaration>;
}

/** The inputs of every action that works on a cluster: how it is reached. `namespace` is the action's own, since it says whose. */
export const clusterInputs = {
  kubeconfig: {
    kind: "string",
    description:
      "Access to Kubernetes: the path of a kubeconfig, or its text (from a secret). Empty: `KUBECONFIG`, `~/.kube/config`, or the service account of the pod.",
  },
  context: { kind: "string", description: "The context of the kubeconfig. Empty: its current one." },
} as const satisfies Record<string, InputDeclaration>;

/** The name of a namespace of Kubernetes. */
export const NAMESPACE_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The inputs of whoever checks signatures of versions. */
export function verificationInputs<const M extends readonly string[]>(modes: M) {
  return {
    "verification-key": {
      kind: "string",
      modes,
      description:
        "The public key in PEM that the version must be signed with. Empty, as `verification-identity` too: its signature is not checked.",
    },
    "verification-identity": {
      kind: "string",
      modes,
      maxLength: 1_000,
      example: "https://github.com/acme/digits/.github/workflows/release.yml@refs/tags/*",
      description:
        "Who must have signed the version without a key, as its certificate names them; a `*` at the end stands for any rest.",
    },
    "verification-issuer": {
      kind: "string",
      default: "https://token.actions.githubusercontent.com",
      modes,
      description: "Who must have known the signer of `verification-identity`.",
    },
    "trusted-root": {
      kind: "workspace-path",
      modes,
      description:
        "For `verification-identity`: the trusted root of Sigstore that certificates and logs are checked with, as a file (`gh attestation trusted-root` writes one). Empty: the one that its public instance publishes.",
    },
  } as const satisfies Record<string, InputDeclaration>;
}
