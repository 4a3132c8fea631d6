/** What a field may hold. */
export type Field = "string" | "strings" | "number" | "integer" | "id" | "properties" | readonly string[];

/** One kind of entity: what a body may say of it, and where it lives. */
export type Kind = {
  /** Ids and external ids are unique in a table, names in a table and a kind. */
  readonly table: "context" | "artifact" | "execution";
  readonly create: Readonly<Record<string, Field>>;
  /** What may not change is not among them. */
  readonly update: Readonly<Record<string, Field>>;
  readonly required: readonly string[];
  /** The field of the parent's id, which goes before the stored name. */
  readonly parent?: string;
  /** What a body leaves out. */
  readonly defaults: Readonly<Record<string, string>>;
  /** What a second creation of the same name under the same parent does. */
  readonly again: "conflict" | "overwrite";
};

const LIVE = ["LIVE", "ARCHIVED"] as const;
const ARTIFACT_STATES = [
  "UNKNOWN",
  "PENDING",
  "LIVE",
  "MARKED_FOR_DELETION",
  "DELETED",
  "ABANDONED",
  "REFERENCE",
] as const;
const EXECUTION_STATES = ["UNKNOWN", "NEW", "RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED"] as const;

const resource = { customProperties: "properties", description: "string", externalId: "string" } as const;

const about = {
  ...resource,
  owner: "string",
  state: LIVE,
  readme: "string",
  license: "string",
  licenseLink: "string",
  maturity: "string",
  language: "strings",
  tasks: "strings",
  provider: "string",
  libraryName: "string",
  logo: "string",
} as const;

const version = { ...resource, author: "string", state: LIVE } as const;
const service = {
  ...resource,
  modelVersionId: "id",
  runtime: "string",
  desiredState: ["DEPLOYED", "UNDEPLOYED"],
} as const;
const serve = { ...resource, lastKnownState: EXECUTION_STATES } as const;
const artifact = { ...resource, artifactType: "string", state: ARTIFACT_STATES } as const;
const model = {
  ...artifact,
  uri: "string",
  modelFormatName: "string",
  modelFormatVersion: "string",
  storageKey: "string",
  storagePath: "string",
  serviceAccountName: "string",
  modelSourceKind: "string",
  modelSourceClass: "string",
  modelSourceGroup: "string",
  modelSourceId: "string",
  modelSourceName: "string",
} as const;
const dataSet = {
  ...artifact,
  uri: "string",
  digest: "string",
  sourceType: "string",
  source: "string",
  schema: "string",
  profile: "string",
} as const;
const metric = { ...artifact, value: "number", timestamp: "string", step: "integer" } as const;
const parameter = {
  ...artifact,
  value: "string",
  parameterType: ["string", "number", "boolean", "object"],
} as const;
const named = { name: "string" } as const;

const artifactKind = (fields: Readonly<Record<string, Field>>, again: Kind["again"]): Kind => ({
  table: "artifact",
  create: { ...fields, ...named },
  update: fields,
  required: [],
  parent: "parent",
  defaults: { state: "UNKNOWN" },
  again,
});

export const KINDS = {
  registeredModel: {
    table: "context",
    create: { ...about, ...named },
    update: about,
    required: ["name"],
    defaults: { state: "LIVE" },
    again: "conflict",
  },
  modelVersion: {
    table: "context",
    create: { ...version, ...named, registeredModelId: "id" },
    update: version,
    required: ["name", "registeredModelId"],
    parent: "registeredModelId",
    defaults: { state: "LIVE" },
    again: "conflict",
  },
  servingEnvironment: {
    table: "context",
    create: { ...resource, ...named },
    update: resource,
    required: ["name"],
    defaults: {},
    again: "conflict",
  },
  inferenceService: {
    table: "context",
    create: { ...service, ...named, registeredModelId: "id", servingEnvironmentId: "id" },
    update: service,
    required: ["registeredModelId", "servingEnvironmentId"],
    parent: "servingEnvironmentId",
    defaults: { desiredState: "DEPLOYED" },
    again: "conflict",
  },
  serveModel: {
    table: "execution",
    create: { ...serve, ...named, modelVersionId: "id" },
    update: serve,
    required: ["modelVersionId"],
    parent: "parent",
    defaults: { lastKnownState: "UNKNOWN" },
    again: "conflict",
  },
  experiment: {
    table: "context",
    create: { ...resource, ...named, owner: "string", state: LIVE },
    update: { ...resource, owner: "string", state: LIVE },
    required: ["name"],
    defaults: { state: "LIVE" },
    again: "conflict",
  },
  "model-artifact": artifactKind(model, "conflict"),
  "doc-artifact": artifactKind({ ...artifact, uri: "string" }, "conflict"),
  "dataset-artifact": artifactKind(dataSet, "conflict"),
  metric: artifactKind(metric, "overwrite"),
  parameter: artifactKind(parameter, "overwrite"),
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

export const ARTIFACT_KINDS = ["model-artifact", "doc-artifact", "dataset-artifact", "metric", "parameter"] as const;
