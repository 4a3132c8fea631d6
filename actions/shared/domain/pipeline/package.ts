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

export const SpecSchema = v.looseObject({
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

export const PlatformSchema = v.looseObject({
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
