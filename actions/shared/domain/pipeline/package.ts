import * as v from "valibot";
import { isJsonObject, type Json } from "../canonical.ts";
import { readMessage } from "./proto-json.ts";

// A compiled Kubeflow pipeline: PipelineSpec (api/v2alpha1/pipeline_spec.proto) and, in a second document, PlatformSpec.
// Only what is read here is named; everything else is kept and handed on as it is.

const ParameterSchema = v.looseObject({
  parameterType: v.optional(v.string(), "STRING"),
  defaultValue: v.optional(v.unknown()),
  isOptional: v.optional(v.boolean()),
  literals: v.optional(v.array(v.unknown())),
  description: v.optional(v.string()),
});

const ArtifactSchema = v.looseObject({
  artifactType: v.optional(v.looseObject({ schemaTitle: v.optional(v.string()) }), {}),
  isArtifactList: v.optional(v.boolean()),
  isOptional: v.optional(v.boolean()),
});

const PortsSchema = v.looseObject({
  parameters: v.optional(v.record(v.string(), ParameterSchema), {}),
  artifacts: v.optional(v.record(v.string(), ArtifactSchema), {}),
});

const InputSchema = v.looseObject({
  runtimeValue: v.optional(v.looseObject({ constant: v.optional(v.unknown()) })),
  componentInputParameter: v.optional(v.string()),
  componentInputArtifact: v.optional(v.string()),
  taskOutputParameter: v.optional(v.looseObject({ producerTask: v.string(), outputParameterKey: v.string() })),
  taskOutputArtifact: v.optional(v.looseObject({ producerTask: v.string(), outputArtifactKey: v.string() })),
  taskFinalStatus: v.optional(v.looseObject({ producerTask: v.string() })),
  parameterExpressionSelector: v.optional(v.string()),
});

const IteratorSchema = v.looseObject({
  itemInput: v.optional(v.string(), ""),
  items: v.optional(
    v.looseObject({
      raw: v.optional(v.string()),
      inputParameter: v.optional(v.string()),
      inputArtifact: v.optional(v.string()),
    }),
    {},
  ),
});

const TaskSchema = v.looseObject({
  taskInfo: v.optional(v.looseObject({ name: v.optional(v.string()) })),
  componentRef: v.looseObject({ name: v.string() }),
  dependentTasks: v.optional(v.array(v.string()), []),
  inputs: v.optional(
    v.looseObject({
      parameters: v.optional(v.record(v.string(), InputSchema), {}),
      artifacts: v.optional(v.record(v.string(), InputSchema), {}),
    }),
    {},
  ),
  triggerPolicy: v.optional(v.looseObject({ condition: v.optional(v.string()), strategy: v.optional(v.string()) })),
  parameterIterator: v.optional(IteratorSchema),
  artifactIterator: v.optional(IteratorSchema),
  iteratorPolicy: v.optional(v.looseObject({ parallelismLimit: v.optional(v.number()) })),
  retryPolicy: v.optional(v.looseObject({ maxRetryCount: v.optional(v.number()) })),
});

const ParameterSelectorSchema = v.looseObject({ producerSubtask: v.string(), outputParameterKey: v.string() });

const DagOutputsSchema = v.looseObject({
  parameters: v.optional(
    v.record(
      v.string(),
      v.looseObject({
        valueFromParameter: v.optional(ParameterSelectorSchema),
        valueFromOneof: v.optional(
          v.looseObject({ parameterSelectors: v.optional(v.array(ParameterSelectorSchema), []) }),
        ),
      }),
    ),
    {},
  ),
  artifacts: v.optional(
    v.record(
      v.string(),
      v.looseObject({
        artifactSelectors: v.optional(
          v.array(v.looseObject({ producerSubtask: v.string(), outputArtifactKey: v.string() })),
          [],
        ),
      }),
    ),
    {},
  ),
});

const DagSchema = v.looseObject({
  tasks: v.optional(v.record(v.string(), TaskSchema), {}),
  outputs: v.optional(DagOutputsSchema, {}),
});

const ComponentSchema = v.looseObject({
  executorLabel: v.optional(v.string()),
  dag: v.optional(DagSchema),
  inputDefinitions: v.optional(PortsSchema, {}),
  outputDefinitions: v.optional(PortsSchema, {}),
  taskConfigPassthroughs: v.optional(
    v.array(v.looseObject({ field: v.optional(v.string()), applyToTask: v.optional(v.boolean(), false) })),
    [],
  ),
});

const Count = v.optional(v.union([v.string(), v.number()]));

const ContainerSchema = v.looseObject({
  image: v.optional(v.string()),
  command: v.optional(v.array(v.string()), []),
  args: v.optional(v.array(v.string()), []),
  resources: v.optional(
    v.looseObject({
      accelerator: v.optional(
        v.looseObject({
          resourceType: v.optional(v.string()),
          resourceCount: Count,
          type: v.optional(v.string()),
          count: Count,
        }),
      ),
    }),
  ),
});

const ImporterSchema = v.looseObject({
  artifactUri: v.optional(
    v.looseObject({ constant: v.optional(v.unknown()), runtimeParameter: v.optional(v.string()) }),
    {},
  ),
  downloadToWorkspace: v.optional(v.boolean()),
});

const ExecutorSchema = v.looseObject({
  container: v.optional(ContainerSchema),
  importer: v.optional(ImporterSchema),
  // of Vertex AI
  resolver: v.optional(v.unknown()),
  customJob: v.optional(v.unknown()),
});

const SpecSchema = v.looseObject({
  pipelineInfo: v.looseObject({ name: v.pipe(v.string(), v.minLength(1)) }),
  schemaVersion: v.optional(v.string()),
  sdkVersion: v.optional(v.string()),
  root: ComponentSchema,
  components: v.optional(v.record(v.string(), ComponentSchema), {}),
  deploymentSpec: v.optional(v.looseObject({ executors: v.optional(v.record(v.string(), ExecutorSchema), {}) }), {}),
});

const TolerationSchema = v.looseObject({
  key: v.optional(v.string()),
  operator: v.optional(v.string()),
  value: v.optional(v.string()),
  effect: v.optional(v.string()),
  tolerationJson: v.optional(InputSchema),
});

const SettingsSchema = v.looseObject({
  nodeSelector: v.optional(
    v.looseObject({
      labels: v.optional(v.record(v.string(), v.string()), {}),
      nodeSelectorJson: v.optional(InputSchema),
    }),
  ),
  tolerations: v.optional(v.array(TolerationSchema)),
  initContainers: v.optional(v.array(v.looseObject({ name: v.optional(v.string()), image: v.optional(v.string()) }))),
});

const PlatformSchema = v.looseObject({
  platforms: v.optional(
    v.record(
      v.string(),
      v.looseObject({
        deploymentSpec: v.optional(
          v.looseObject({ executors: v.optional(v.record(v.string(), SettingsSchema), {}) }),
          {},
        ),
        pipelineConfig: v.optional(v.looseObject({ workspace: v.optional(v.unknown()) })),
      }),
    ),
    {},
  ),
});

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type PipelineSpec = DeepReadonly<v.InferOutput<typeof SpecSchema>>;
export type PlatformSpec = DeepReadonly<v.InferOutput<typeof PlatformSchema>>;
export type Component = PipelineSpec["root"];
export type PipelineTask = NonNullable<Component["dag"]>["tasks"][string];
export type TaskInput = PipelineTask["inputs"]["parameters"][string];
export type Executor = PipelineSpec["deploymentSpec"]["executors"][string];
/** What Kubernetes does for the tasks of an executor. */
export type KubernetesSettings = PlatformSpec["platforms"][string]["deploymentSpec"]["executors"][string];
export type DeclaredParameter = Component["inputDefinitions"]["parameters"][string];

export type PipelinePackage = {
  readonly spec: PipelineSpec;
  readonly platform?: PlatformSpec;
  /** Both documents as they were read: what the package's digest is made of. */
  readonly documents: readonly Json[];
};

/** What a record has under a name, but nothing that every object has. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Keys from the root of a document; the first is the number of the document. */
export type PackagePath = readonly [document: number, ...keys: (string | number)[]];

/** What is wrong with a package, or worth knowing, and where in it. */
export type PackageFault = {
  readonly level: "error" | "warning" | "notice";
  readonly path: PackagePath;
  readonly rule: string;
  readonly saw?: string;
  readonly allowed?: string;
  readonly hint?: string;
};

export type ReadPackage =
  | { readonly state: "ok"; readonly package: PipelinePackage }
  | { readonly state: "bad"; readonly faults: readonly PackageFault[] };

/** Reads the documents of a package: one, or two with the settings of a platform. What is something else of KFP's is named as such. */
export function readPackage(documents: readonly Json[]): ReadPackage {
  const [first, second, ...more] = withoutEmpty(documents);
  const other = otherForm(first);
  if (other !== undefined) return refused(other);
  if (first !== undefined && first !== null && !isJsonObject(first)) return refused(noObjectFault(first));
  if (first === undefined || first === null || more.length > 0) return refused({ path: [0], ...countFault(documents) });
  const spec = readMessage("PipelineSpec", first, [0]);
  const platform = second === undefined ? undefined : readMessage("PlatformSpec", second, [1]);
  const endless = documents.flatMap((document, i) => notFinite(document, [i]));
  const shaped = v.safeParse(SpecSchema, spec.value);
  const shapedPlatform = platform === undefined ? undefined : v.safeParse(PlatformSchema, platform.value);
  const faults = [...spec.faults, ...(platform?.faults ?? []), ...endless];
  // what has the wrong type has been told already, with its place in the document as it was written
  if (faults.length > 0) return { state: "bad", faults };
  if (!shaped.success) return { state: "bad", faults: issueFaults(0, shaped.issues) };
  if (shapedPlatform?.success === false) return { state: "bad", faults: issueFaults(1, shapedPlatform.issues) };
  const rest = shapedPlatform === undefined ? {} : { platform: shapedPlatform.output };
  const read: PipelinePackage = { spec: shaped.output, ...rest, documents };
  const version = versionFault(read);
  return version === undefined ? { state: "ok", package: read } : refused(version);
}

/** The documents up to the last one that holds something: a file may end in `---`. */
function withoutEmpty(documents: readonly Json[]): readonly Json[] {
  const last = documents.findLastIndex((document) => document !== null && document !== undefined);
  return documents.slice(0, last + 1);
}

function countFault(documents: readonly Json[]): Pick<PackageFault, "rule" | "saw" | "hint"> {
  const isEmpty = withoutEmpty(documents).length === 0;
  return {
    rule: "a pipeline package has one document, or two with the settings of a platform",
    saw: isEmpty ? "nothing" : `${documents.length} documents${documents[0] === null ? ", the first one empty" : ""}`,
    hint: "compile the pipeline with kfp 2, or give pipeline.py itself",
  };
}

function noObjectFault(document: Json): Fault {
  const saw = Array.isArray(document) ? "a list" : `${JSON.stringify(document)?.slice(0, 40)}`;
  return { path: [0], rule: "is no pipeline package of KFP 2", saw, allowed: ALLOWED, hint: COMPILE };
}

const COMPILE = "compile the pipeline with kfp 2: kfp.compiler.Compiler().compile(pipeline, 'pipeline.yaml')";
const ALLOWED = "a package of KFP 2 (pipelineInfo, root, components, deploymentSpec)";

/** Other things of KFP that somebody may take for a package. */
function otherForm(document: Json | undefined): Fault | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const { apiVersion, kind, implementation, pipelineSpec, pipeline_spec } = document as Record<string, Json>;
  if (typeof apiVersion === "string" && apiVersion.startsWith("argoproj.io/") && typeof kind === "string")
    return {
      path: [0, "kind"],
      rule: "the package was compiled by KFP 1: it is an Argo workflow",
      allowed: ALLOWED,
      hint: COMPILE,
    };
  if (typeof apiVersion === "string" && apiVersion.startsWith("pipelines.kubeflow.org/"))
    return {
      path: [0, "kind"],
      rule: "is a manifest for Kubernetes, not a package",
      saw: `kind: ${typeof kind === "string" ? kind : JSON.stringify(kind)}`,
      allowed: ALLOWED,
      hint: "compile the pipeline without --kubernetes-manifest-format",
    };
  const job = pipelineSpec === undefined ? "pipeline_spec" : "pipelineSpec";
  if (pipelineSpec !== undefined || pipeline_spec !== undefined)
    return {
      path: [0, job],
      rule: "is a job that wraps a package, as the first betas of KFP 2 and Vertex AI write it",
      saw: `${job} beside ${
        Object.keys(document)
          .filter((key) => key !== job)
          .join(", ") || "nothing"
      }`,
      allowed: ALLOWED,
      hint: `${COMPILE}; parameters go into the input \`parameters\``,
    };
  if (implementation !== undefined)
    return {
      path: [0, "implementation"],
      rule: "is a component of KFP 1, not a pipeline",
      allowed: ALLOWED,
      hint: "load it in a pipeline with kfp.components.load_component_from_file, and compile that",
    };
  return undefined;
}

/** The only version that API servers read, since 2.0. */
const SCHEMA_VERSION = "2.1.0";

function versionFault({ spec }: PipelinePackage): Fault | undefined {
  if (spec.schemaVersion === SCHEMA_VERSION) return undefined;
  return {
    path: spec.schemaVersion === undefined ? [0] : [0, "schemaVersion"],
    rule: "a package must have the schema version that the servers of KFP 2 read",
    saw: `${spec.schemaVersion ?? "no schemaVersion"}${spec.sdkVersion === undefined ? "" : `, by ${spec.sdkVersion}`}`,
    allowed: SCHEMA_VERSION,
    hint: "compile the pipeline with kfp 2.0 or later",
  };
}

type Fault = Omit<PackageFault, "level">;

function refused(fault: Fault): ReadPackage {
  return { state: "bad", faults: [{ level: "error", ...fault }] };
}

/** YAML has infinities, JSON has none: neither the package's digest nor a parameter could be written. */
function notFinite(value: Json | undefined, path: PackagePath): readonly PackageFault[] {
  if (typeof value === "number" && !Number.isFinite(value))
    return [{ level: "error", path, rule: "a number in a package must be finite", saw: String(value) }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => notFinite(one, [...path, key]));
}

function issueFaults(document: number, issues: readonly v.BaseIssue<unknown>[]): readonly PackageFault[] {
  return issues.map((issue) => {
    const keys = (issue.path ?? []).map((item) => item.key as string | number);
    const name = keys.join(".") || "the document";
    const isMissing = issue.received === "undefined";
    return {
      level: "error",
      path: [document, ...keys],
      rule: `is no pipeline package of KFP 2: ${name} ${isMissing ? "is missing" : "does not fit"}`,
      saw: isMissing ? "nothing" : issue.received,
      ...(issue.expected === null ? {} : { allowed: issue.expected }),
    };
  });
}
