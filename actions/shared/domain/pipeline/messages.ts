// The messages of a package as KFP declares them: PipelineSpec (api/v2alpha1/pipeline_spec.proto) and, in document 2, PlatformSpec with the
// settings of Kubernetes (kubernetes_executor_config.proto). A test compares both with the descriptors that the installed SDK brings.

/** What stands in a field, as protobuf's JSON writes it. */
export type FieldType =
  | "string"
  | "bool"
  | "integer"
  | "number"
  /** `3s` */
  | "duration"
  /** An object of anything. */
  | "struct"
  /** Anything. */
  | "value"
  | { readonly oneOf: readonly string[] }
  | { readonly message: MessageName }
  | { readonly list: FieldType }
  | { readonly map: FieldType };

export type Message = {
  readonly fields: Readonly<Record<string, FieldType>>;
  /** Fields of which at most one is set. */
  readonly exclusive?: readonly (readonly string[])[];
};

export type MessageName = keyof typeof TABLE;

export function messageOf(name: MessageName): Message {
  return TABLE[name];
}

const to = <N extends string>(message: N) => ({ message });
const list = <const T>(of: T) => ({ list: of });
const map = <const T>(of: T) => ({ map: of });

const PRIMITIVES = ["PRIMITIVE_TYPE_UNSPECIFIED", "INT", "DOUBLE", "STRING"] as const;
const PARAMETER_TYPES = [
  ...["PARAMETER_TYPE_ENUM_UNSPECIFIED", "NUMBER_DOUBLE", "NUMBER_INTEGER", "STRING", "BOOLEAN"],
  ...["LIST", "STRUCT", "TASK_FINAL_STATUS", "TASK_CONFIG"],
] as const;
const PASSTHROUGHS = [
  ...["NONE", "RESOURCES", "ENV", "KUBERNETES_AFFINITY", "KUBERNETES_TOLERATIONS", "KUBERNETES_NODE_SELECTOR"],
  "KUBERNETES_VOLUMES",
] as const;
const STRATEGIES = [
  ...["TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", "ALL_UPSTREAM_TASKS_COMPLETED"],
] as const;

const TABLE = {
  PipelineSpec: {
    fields: {
      pipelineInfo: to("PipelineInfo"),
      deploymentSpec: to("PipelineDeploymentConfig"),
      sdkVersion: "string",
      schemaVersion: "string",
      components: map(to("ComponentSpec")),
      root: to("ComponentSpec"),
      defaultPipelineRoot: "string",
    },
  },
  PipelineInfo: { fields: { name: "string", displayName: "string", description: "string" } },
  ComponentSpec: {
    fields: {
      inputDefinitions: to("ComponentInputsSpec"),
      outputDefinitions: to("ComponentOutputsSpec"),
      dag: to("DagSpec"),
      executorLabel: "string",
      singlePlatformSpecs: list(to("SinglePlatformSpec")),
      taskConfigPassthroughs: list(to("TaskConfigPassthrough")),
    },
    exclusive: [["dag", "executorLabel"]],
  },
  TaskConfigPassthrough: { fields: { field: { oneOf: PASSTHROUGHS }, applyToTask: "bool" } },
  ComponentInputsSpec: {
    fields: { artifacts: map(to("InputArtifactSpec")), parameters: map(to("InputParameterSpec")) },
  },
  InputArtifactSpec: {
    fields: {
      artifactType: to("ArtifactTypeSchema"),
      isArtifactList: "bool",
      isOptional: "bool",
      description: "string",
    },
  },
  InputParameterSpec: {
    fields: {
      type: { oneOf: PRIMITIVES },
      parameterType: { oneOf: PARAMETER_TYPES },
      defaultValue: "value",
      isOptional: "bool",
      description: "string",
      literals: list("value"),
    },
  },
  ComponentOutputsSpec: {
    fields: { artifacts: map(to("OutputArtifactSpec")), parameters: map(to("OutputParameterSpec")) },
  },
  OutputArtifactSpec: {
    fields: {
      artifactType: to("ArtifactTypeSchema"),
      properties: map(to("ValueOrRuntimeParameter")),
      customProperties: map(to("ValueOrRuntimeParameter")),
      metadata: "struct",
      isArtifactList: "bool",
      description: "string",
    },
  },
  OutputParameterSpec: {
    fields: { type: { oneOf: PRIMITIVES }, parameterType: { oneOf: PARAMETER_TYPES }, description: "string" },
  },
  ArtifactTypeSchema: {
    fields: { schemaTitle: "string", schemaUri: "string", instanceSchema: "string", schemaVersion: "string" },
    exclusive: [["schemaTitle", "schemaUri", "instanceSchema"]],
  },
  DagSpec: { fields: { tasks: map(to("PipelineTaskSpec")), outputs: to("DagOutputsSpec") } },
  DagOutputsSpec: {
    fields: { artifacts: map(to("DagOutputArtifactSpec")), parameters: map(to("DagOutputParameterSpec")) },
  },
  DagOutputArtifactSpec: { fields: { artifactSelectors: list(to("ArtifactSelectorSpec")) } },
  ArtifactSelectorSpec: { fields: { producerSubtask: "string", outputArtifactKey: "string" } },
  DagOutputParameterSpec: {
    fields: { valueFromParameter: to("ParameterSelectorSpec"), valueFromOneof: to("ParameterSelectorsSpec") },
    exclusive: [["valueFromParameter", "valueFromOneof"]],
  },
  ParameterSelectorSpec: { fields: { producerSubtask: "string", outputParameterKey: "string" } },
  ParameterSelectorsSpec: { fields: { parameterSelectors: list(to("ParameterSelectorSpec")) } },
  PipelineTaskSpec: {
    fields: {
      taskInfo: to("PipelineTaskInfo"),
      inputs: to("TaskInputsSpec"),
      dependentTasks: list("string"),
      cachingOptions: to("CachingOptions"),
      componentRef: to("ComponentRef"),
      triggerPolicy: to("TriggerPolicy"),
      artifactIterator: to("ArtifactIteratorSpec"),
      parameterIterator: to("ParameterIteratorSpec"),
      retryPolicy: to("RetryPolicy"),
      iteratorPolicy: to("IteratorPolicy"),
    },
    exclusive: [["artifactIterator", "parameterIterator"]],
  },
  PipelineTaskInfo: { fields: { name: "string" } },
  ComponentRef: { fields: { name: "string" } },
  CachingOptions: { fields: { enableCache: "bool", cacheKey: "string" } },
  TriggerPolicy: { fields: { condition: "string", strategy: { oneOf: STRATEGIES } } },
  RetryPolicy: {
    fields: {
      maxRetryCount: "integer",
      backoffDuration: "duration",
      backoffFactor: "number",
      backoffMaxDuration: "duration",
    },
  },
  IteratorPolicy: { fields: { parallelismLimit: "integer" } },
  ArtifactIteratorSpec: { fields: { items: to("ArtifactItemsSpec"), itemInput: "string" } },
  ArtifactItemsSpec: { fields: { inputArtifact: "string" } },
  ParameterIteratorSpec: { fields: { items: to("ParameterItemsSpec"), itemInput: "string" } },
  ParameterItemsSpec: { fields: { raw: "string", inputParameter: "string" }, exclusive: [["raw", "inputParameter"]] },
  TaskInputsSpec: {
    fields: { parameters: map(to("TaskInputParameterSpec")), artifacts: map(to("TaskInputArtifactSpec")) },
  },
  TaskInputArtifactSpec: {
    fields: { taskOutputArtifact: to("TaskOutputArtifactSpec"), componentInputArtifact: "string" },
    exclusive: [["taskOutputArtifact", "componentInputArtifact"]],
  },
  TaskOutputArtifactSpec: { fields: { producerTask: "string", outputArtifactKey: "string" } },
  TaskInputParameterSpec: {
    fields: {
      taskOutputParameter: to("TaskOutputParameterSpec"),
      runtimeValue: to("ValueOrRuntimeParameter"),
      componentInputParameter: "string",
      taskFinalStatus: to("TaskFinalStatus"),
      parameterExpressionSelector: "string",
    },
    exclusive: [["taskOutputParameter", "runtimeValue", "componentInputParameter", "taskFinalStatus"]],
  },
  TaskOutputParameterSpec: { fields: { producerTask: "string", outputParameterKey: "string" } },
  TaskFinalStatus: { fields: { producerTask: "string" } },
  ValueOrRuntimeParameter: {
    fields: { constantValue: to("Value"), runtimeParameter: "string", constant: "value" },
    exclusive: [["constantValue", "runtimeParameter", "constant"]],
  },
  Value: {
    fields: { intValue: "integer", doubleValue: "number", stringValue: "string" },
    exclusive: [["intValue", "doubleValue", "stringValue"]],
  },
  PipelineDeploymentConfig: { fields: { executors: map(to("ExecutorSpec")) } },
  ExecutorSpec: {
    fields: {
      container: to("PipelineContainerSpec"),
      importer: to("ImporterSpec"),
      resolver: to("ResolverSpec"),
      customJob: to("AIPlatformCustomJobSpec"),
    },
    exclusive: [["container", "importer", "resolver", "customJob"]],
  },
  PipelineContainerSpec: {
    fields: {
      image: "string",
      command: list("string"),
      args: list("string"),
      lifecycle: to("Lifecycle"),
      resources: to("ResourceSpec"),
      env: list(to("EnvVar")),
    },
  },
  Lifecycle: { fields: { preCacheCheck: to("Exec") } },
  Exec: { fields: { command: list("string"), args: list("string") } },
  EnvVar: { fields: { name: "string", value: "string" } },
  ResourceSpec: {
    fields: {
      cpuLimit: "number",
      memoryLimit: "number",
      cpuRequest: "number",
      memoryRequest: "number",
      resourceCpuLimit: "string",
      resourceMemoryLimit: "string",
      resourceCpuRequest: "string",
      resourceMemoryRequest: "string",
      accelerator: to("AcceleratorConfig"),
    },
  },
  AcceleratorConfig: {
    fields: { type: "string", count: "integer", resourceType: "string", resourceCount: "string" },
  },
  ImporterSpec: {
    fields: {
      artifactUri: to("ValueOrRuntimeParameter"),
      typeSchema: to("ArtifactTypeSchema"),
      properties: map(to("ValueOrRuntimeParameter")),
      customProperties: map(to("ValueOrRuntimeParameter")),
      reimport: "bool",
      metadata: "struct",
      downloadToWorkspace: "bool",
    },
  },
  ResolverSpec: { fields: { outputArtifactQueries: map(to("ArtifactQuerySpec")) } },
  ArtifactQuerySpec: { fields: { filter: "string", limit: "integer" } },
  AIPlatformCustomJobSpec: { fields: { customJob: "struct" } },
  PlatformSpec: { fields: { platforms: map(to("SinglePlatformSpec")) } },
  SinglePlatformSpec: {
    fields: {
      deploymentSpec: to("PlatformDeploymentConfig"),
      platform: "string",
      config: "struct",
      pipelineConfig: to("PipelineConfig"),
    },
  },
  PlatformDeploymentConfig: { fields: { executors: map(to("KubernetesExecutorConfig")) } },
  PipelineConfig: {
    fields: {
      resourceTtlOnCompletion: "integer",
      workspace: to("WorkspaceConfig"),
      resourceTtlOnSuccess: "integer",
      resourceTtlOnFailure: "integer",
      activeDeadlineSeconds: "integer",
    },
  },
  WorkspaceConfig: { fields: { size: "string", kubernetes: to("KubernetesWorkspaceConfig") } },
  KubernetesWorkspaceConfig: { fields: { pvcSpecPatch: "struct" } },
  KubernetesExecutorConfig: {
    fields: {
      secretAsVolume: list(to("SecretAsVolume")),
      secretAsEnv: list(to("SecretAsEnv")),
      pvcMount: list(to("PvcMount")),
      nodeSelector: to("NodeSelector"),
      podMetadata: to("PodMetadata"),
      imagePullSecret: list(to("ImagePullSecret")),
      imagePullPolicy: "string",
      configMapAsVolume: list(to("ConfigMapAsVolume")),
      configMapAsEnv: list(to("ConfigMapAsEnv")),
      activeDeadlineSeconds: "integer",
      fieldPathAsEnv: list(to("FieldPathAsEnv")),
      tolerations: list(to("Toleration")),
      genericEphemeralVolume: list(to("GenericEphemeralVolume")),
      nodeAffinity: list(to("NodeAffinityTerm")),
      podAffinity: list(to("PodAffinityTerm")),
      enabledSharedMemory: to("EnabledSharedMemory"),
      emptyDirMounts: list(to("EmptyDirMount")),
      securityContext: to("SecurityContext"),
      initContainers: list(to("InitContainer")),
    },
  },
  EnabledSharedMemory: { fields: { volumeName: "string", size: "string" } },
  SecretAsVolume: {
    fields: {
      secretName: "string",
      mountPath: "string",
      optional: "bool",
      secretNameParameter: to("TaskInputParameterSpec"),
    },
  },
  SecretAsEnv: {
    fields: {
      secretName: "string",
      keyToEnv: list(to("SecretKeyToEnvMap")),
      optional: "bool",
      secretNameParameter: to("TaskInputParameterSpec"),
    },
  },
  SecretKeyToEnvMap: { fields: { secretKey: "string", envVar: "string" } },
  PvcMount: {
    fields: {
      taskOutputParameter: to("TaskOutputParameterSpec"),
      constant: "string",
      componentInputParameter: "string",
      mountPath: "string",
      pvcNameParameter: to("TaskInputParameterSpec"),
      subPath: "string",
    },
    exclusive: [["taskOutputParameter", "constant", "componentInputParameter"]],
  },
  NodeSelector: { fields: { labels: map("string"), nodeSelectorJson: to("TaskInputParameterSpec") } },
  PodMetadata: { fields: { labels: map("string"), annotations: map("string") } },
  ConfigMapAsVolume: {
    fields: {
      configMapName: "string",
      mountPath: "string",
      optional: "bool",
      configMapNameParameter: to("TaskInputParameterSpec"),
    },
  },
  ConfigMapAsEnv: {
    fields: {
      configMapName: "string",
      keyToEnv: list(to("ConfigMapKeyToEnvMap")),
      configMapNameParameter: to("TaskInputParameterSpec"),
      optional: "bool",
    },
  },
  ConfigMapKeyToEnvMap: { fields: { configMapKey: "string", envVar: "string" } },
  GenericEphemeralVolume: {
    fields: {
      volumeName: "string",
      mountPath: "string",
      accessModes: list("string"),
      size: "string",
      defaultStorageClass: "bool",
      storageClassName: "string",
      metadata: to("PodMetadata"),
    },
  },
  ImagePullSecret: { fields: { secretName: "string", secretNameParameter: to("TaskInputParameterSpec") } },
  FieldPathAsEnv: { fields: { name: "string", fieldPath: "string" } },
  Toleration: {
    fields: {
      key: "string",
      operator: "string",
      value: "string",
      effect: "string",
      tolerationSeconds: "integer",
      tolerationJson: to("TaskInputParameterSpec"),
    },
  },
  SelectorRequirement: { fields: { key: "string", operator: "string", values: list("string") } },
  NodeAffinityTerm: {
    fields: {
      matchExpressions: list(to("SelectorRequirement")),
      matchFields: list(to("SelectorRequirement")),
      weight: "integer",
      nodeAffinityJson: to("TaskInputParameterSpec"),
    },
  },
  PodAffinityTerm: {
    fields: {
      matchPodExpressions: list(to("SelectorRequirement")),
      matchPodLabels: map("string"),
      topologyKey: "string",
      namespaces: list("string"),
      matchNamespaceExpressions: list(to("SelectorRequirement")),
      matchNamespaceLabels: map("string"),
      weight: "integer",
      anti: "bool",
    },
  },
  SecurityContext: { fields: { runAsUser: "integer", runAsGroup: "integer", runAsNonRoot: "bool" } },
  EmptyDirMount: { fields: { volumeName: "string", mountPath: "string", medium: "string", sizeLimit: "string" } },
  InitContainer: {
    fields: {
      name: "string",
      image: "string",
      command: list("string"),
      args: list("string"),
      env: list(to("EnvVar")),
      volumeMounts: list(to("VolumeMount")),
      restartPolicy: "string",
      resources: to("ResourceRequirements"),
    },
  },
  VolumeMount: { fields: { volumeName: "string", mountPath: "string" } },
  ResourceRequirements: { fields: { requests: map("string"), limits: map("string") } },
} as const;
