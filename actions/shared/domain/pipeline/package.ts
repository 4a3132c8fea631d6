import * as v from "valibot";
import type { Json } from "../canonical.ts";

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
});

const IteratorSchema = v.looseObject({
  itemInput: v.optional(v.string()),
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

const DagSchema = v.looseObject({ tasks: v.optional(v.record(v.string(), TaskSchema), {}) });

const ComponentSchema = v.looseObject({
  executorLabel: v.optional(v.string()),
  dag: v.optional(DagSchema),
  inputDefinitions: v.optional(PortsSchema, {}),
  outputDefinitions: v.optional(PortsSchema, {}),
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
});

const SpecSchema = v.looseObject({
  pipelineInfo: v.looseObject({ name: v.pipe(v.string(), v.minLength(1)) }),
  schemaVersion: v.optional(v.string()),
  sdkVersion: v.optional(v.string()),
  root: ComponentSchema,
  components: v.optional(v.record(v.string(), ComponentSchema), {}),
  deploymentSpec: v.optional(v.looseObject({ executors: v.optional(v.record(v.string(), ExecutorSchema), {}) }), {}),
});

const PlatformSchema = v.looseObject({
  platforms: v.record(
    v.string(),
    v.looseObject({
      deploymentSpec: v.optional(
        v.looseObject({
          executors: v.optional(v.record(v.string(), v.record(v.string(), v.unknown())), {}),
        }),
        {},
      ),
    }),
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
export type DeclaredParameter = Component["inputDefinitions"]["parameters"][string];

export type PipelinePackage = {
  readonly spec: PipelineSpec;
  readonly platform?: PlatformSpec;
  /** Both documents as they were read: what the package's digest is made of. */
  readonly documents: readonly Json[];
};

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

/** Reads the documents of a package: one, or two with the settings of a platform. What KFP 1 compiled is named as such. */
export function readPackage(documents: readonly Json[]): ReadPackage {
  const [first, second, ...more] = documents;
  if (isKfp1(first)) return refused([0, "kind"], kfp1Fault);
  if (first === undefined || more.length > 0)
    return refused([0], {
      rule: "a pipeline package has one document, or two with the settings of a platform",
      saw: String(documents.length),
    });
  const spec = v.safeParse(SpecSchema, first);
  const platform = second === undefined || second === null ? undefined : v.safeParse(PlatformSchema, second);
  const endless = documents.flatMap((document, i) => notFinite(document, [i]));
  const faults = [...issueFaults(0, spec.issues), ...issueFaults(1, platform?.issues), ...endless];
  if (faults.length > 0 || !spec.success) return { state: "bad", faults };
  const rest = platform?.success ? { platform: platform.output } : {};
  return { state: "ok", package: { spec: spec.output, ...rest, documents } };
}

const kfp1Fault = {
  rule: "the package was compiled by KFP 1: it is an Argo workflow",
  allowed: "a package of KFP 2 (pipelineInfo, root, components, deploymentSpec)",
  hint: "compile the pipeline with kfp 2: kfp.compiler.Compiler().compile(pipeline, 'pipeline.yaml')",
};

function isKfp1(document: Json | undefined): boolean {
  const kind = v.safeParse(v.looseObject({ apiVersion: v.string(), kind: v.string() }), document);
  return kind.success && kind.output.kind === "Workflow" && kind.output.apiVersion.startsWith("argoproj.io/");
}

function refused(path: PackagePath, fault: Omit<PackageFault, "level" | "path">): ReadPackage {
  return { state: "bad", faults: [{ level: "error", path, ...fault }] };
}

/** YAML has infinities, JSON has none: neither the package's digest nor a parameter could be written. */
function notFinite(value: Json | undefined, path: PackagePath): readonly PackageFault[] {
  if (typeof value === "number" && !Number.isFinite(value))
    return [{ level: "error", path, rule: "a number in a package must be finite", saw: String(value) }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => notFinite(one, [...path, key]));
}

function issueFaults(document: number, issues: readonly v.BaseIssue<unknown>[] | undefined): readonly PackageFault[] {
  return (issues ?? []).map((issue) => {
    const keys = (issue.path ?? []).map((item) => item.key as string | number);
    return {
      level: "error",
      path: [document, ...keys],
      rule: `is no pipeline package of KFP 2: ${keys.join(".") || "the document"} does not fit`,
      saw: issue.received,
      ...(issue.expected === null ? {} : { allowed: issue.expected }),
    };
  });
}
