import type { VersionRecord } from "../../domain/model-version.ts";
import { formatDecision, type VersionState } from "../../domain/version-state.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";
import { nameMetrics } from "./metric-names.ts";
import { doubleProperty, type Properties, propertiesOf, storable, stringProperty } from "./properties.ts";

/** What the server keeps of a model. */
export type ModelBody = {
  readonly name: string;
  readonly owner?: string;
  readonly provider?: string;
  readonly license?: string;
  readonly libraryName?: string;
  readonly readme?: string;
  readonly customProperties: Properties;
};

/** What the server keeps of a version. */
export type VersionBody = {
  readonly name: string;
  readonly author: string;
  readonly description: string;
  readonly externalId: string;
  /** Absent where nothing was decided: people may archive a version there themselves. */
  readonly state?: "LIVE" | "ARCHIVED";
  readonly customProperties: Properties;
};

export function modelBody({ record, card }: CatalogVersion): ModelBody {
  const { author, code } = record;
  return {
    name: record.model,
    owner: author,
    ...(code === undefined ? {} : { provider: code.repository }),
    ...aboutModel(record, card?.text),
    customProperties: propertiesOf({ repository: code?.repository }),
  };
}

/** What is true of the model because it is of this version. */
export function aboutModel(
  { licence, framework }: VersionRecord,
  card: string | undefined,
): Pick<ModelBody, "license" | "libraryName" | "readme"> {
  return {
    ...(licence === undefined ? {} : { license: licence }),
    ...(framework === undefined ? {} : { libraryName: framework.name }),
    ...(card === undefined ? {} : { readme: storable(card) }),
  };
}

/** The registry has no aliases: the model says where they point. */
export function aliasProperties({ record, aliases }: CatalogVersion): Properties {
  return Object.fromEntries(aliases.map((alias) => [`alias_${alias}`, stringProperty(record.version)]));
}

/** By which a version is found again. Unique among all that a server has, where one digest may well be of two versions. */
export function externalId({ model, version, digest }: Pick<VersionRecord, "model" | "version" | "digest">): string {
  return `${model}/${version}@${digest}`;
}

/** `isTyped`: the server has metrics, parameters and data sets of its own; else they are properties. */
export function versionBody({ record, decided }: CatalogVersion, isTyped: boolean): VersionBody {
  const state = stateOf(decided);
  return {
    name: record.version,
    author: record.author,
    description: describe(record),
    externalId: externalId(record),
    ...(state === undefined ? {} : { state }),
    customProperties: {
      ...metadataProperties(record),
      ...metricProperties(record),
      ...(isTyped ? {} : untypedProperties(record)),
      ...propertiesOf(ownProperties(record)),
      ...propertiesOf(decisionProperties(decided)),
    },
  };
}

function stateOf(decided: VersionState | undefined): VersionBody["state"] {
  if (decided?.state === "retired") return "ARCHIVED";
  return decided?.last.change === "restored" ? "LIVE" : undefined;
}

function decisionProperties(decided: VersionState | undefined): Readonly<Record<string, string>> {
  if (decided === undefined) return {};
  const { approvals, last } = decided;
  const approval = approvals.at(-1);
  return {
    approval: approval === undefined ? "none" : formatDecision(approval),
    last_decision: `${last.change} by ${formatDecision(last)}`,
  };
}

function describe({ release, code, gate }: VersionRecord): string {
  const from = code === undefined ? "" : ` from ${code.repository} at ${code.commit.slice(0, 12)}`;
  return `Release ${release}${from}${gate === undefined ? "" : `; gate: ${gate.verdict}`}`;
}

/** Under names that the registry does not use itself. */
function ownProperties(record: VersionRecord): Readonly<Record<string, unknown>> {
  const { format, framework, signature, scan, code, ci, pipeline, run, gate, images, environment } = record;
  return {
    digest: record.digest,
    release: record.release,
    created_at: record.createdAt,
    licence: record.licence,
    size_bytes: record.files.reduce((sum, { size }) => sum + size, 0),
    file_count: record.files.length,
    format: format?.name,
    format_version: format?.version,
    framework: framework?.name,
    framework_version: framework?.version,
    signature,
    scan: scan?.verdict,
    repository: code?.repository,
    commit: code?.commit,
    ref: code?.ref,
    ci_url: ci?.url,
    ci_event: ci?.event,
    ci_actor: ci?.actor,
    pipeline: pipeline?.name,
    pipeline_version: pipeline?.version,
    pipeline_digest: pipeline?.packageDigest,
    run_id: run?.id,
    run_url: run?.url,
    gate: gate?.verdict,
    gate_override_by: gate?.override?.by,
    gate_override_reason: gate?.override?.reason,
    images: images && Object.fromEntries(images.map(({ name, ref }) => [name, ref])),
    environment,
  };
}

/** What the user added, by its own names. */
function metadataProperties({ metadata = {} }: VersionRecord): Properties {
  return propertiesOf(metadata);
}

/** Numbers of the whole data, so that versions are found by them: `accuracy.double_value > 0.9`. Slices are metrics of the version only. */
function metricProperties({ metrics = [] }: VersionRecord): Properties {
  const whole = nameMetrics(metrics).filter(({ metric }) => Object.keys(metric.slice ?? {}).length === 0);
  return Object.fromEntries(
    whole.map(({ name, metric: { value } }) => [
      name,
      typeof value === "number" ? doubleProperty(value) : stringProperty(value),
    ]),
  );
}

function untypedProperties({ parameters = {}, data = [], metrics = [] }: VersionRecord): Properties {
  const named = Object.entries(parameters).map(([name, value]) => [`param_${name}`, value]);
  const sets = data.flatMap(({ role, uri, digest }) => [
    [`data_${role}_uri`, uri],
    [`data_${role}_digest`, digest],
  ]);
  const slices = nameMetrics(metrics).filter(({ metric }) => Object.keys(metric.slice ?? {}).length > 0);
  return {
    ...propertiesOf(Object.fromEntries([...named, ...sets])),
    ...Object.fromEntries(
      slices.flatMap(({ name, metric: { value } }) =>
        typeof value === "number" ? [[name, doubleProperty(value)] as const] : [],
      ),
    ),
  };
}
