import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";
import { type Connection, SERVICE } from "./connection.ts";
import { ensure } from "./ensure.ts";
import { hasAll, merged, PropertiesSchema, textOf } from "./properties.ts";
import { externalId, type VersionBody, versionBody } from "./version-body.ts";

const VersionSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  registeredModelId: v.string(),
  author: v.optional(v.nullable(v.string())),
  description: v.optional(v.nullable(v.string())),
  externalId: v.optional(v.nullable(v.string())),
  state: v.optional(v.nullable(v.string())),
  customProperties: PropertiesSchema,
});

type Version = v.InferOutput<typeof VersionSchema>;

export function findVersion(connection: Connection, modelId: string, name: string): Promise<Version | undefined> {
  return connection.find(VersionSchema, { path: "/model_version", query: { name, parentResourceId: modelId } });
}

/** The version as it should be; one of the same name with other files is a conflict that nothing of ours settles. */
export async function ensureVersion(
  connection: Connection,
  clock: Clock,
  { modelId, version }: { readonly modelId: string; readonly version: CatalogVersion },
): Promise<{ readonly how: "created" | "completed" | "found"; readonly id: string }> {
  const body = versionBody(version, connection.isTyped);
  const { how, value } = await ensure(connection, clock, {
    schema: VersionSchema,
    find: () => findVersion(connection, modelId, body.name),
    path: "/model_versions",
    json: { state: "LIVE", ...body, registeredModelId: modelId },
  });
  checkSame(value, version);
  if (how === "created") return { how, id: value.id };
  if (isWhole(value, body)) return { how, id: value.id };
  const { name: _, customProperties, ...fields } = body;
  await connection.update(VersionSchema, {
    method: "PATCH",
    path: `/model_versions/${value.id}`,
    json: { ...fields, customProperties: merged(value.customProperties ?? {}, customProperties) },
  });
  return { how: "completed", id: value.id };
}

function isWhole(there: Version, body: VersionBody): boolean {
  const { author, description, externalId, state, customProperties } = body;
  return (
    there.author === author &&
    there.description === description &&
    there.externalId === externalId &&
    (state === undefined || there.state === state) &&
    hasAll(there.customProperties ?? {}, customProperties)
  );
}

/** People may replace the whole map of properties: the external id names the digest too, and only a program sets it. */
function checkSame({ name, customProperties, externalId: id }: Version, { record }: CatalogVersion): void {
  const digest = textOf(customProperties ?? {}, "digest");
  if (digest === record.digest || (digest === undefined && id === externalId(record))) return;
  throw new ReleaseError("CONFLICT", {
    rule: `${SERVICE} has another version of this name`,
    where: { input: "kubeflow-registry" },
    saw: `${record.model} ${name} with ${digest === undefined ? "no digest: somebody else registered it" : `the digest ${digest}`}`,
    allowed: record.digest,
    hint: "nothing can be removed there: release under another version or model name, or give that version the property `digest` if it is the same",
  });
}
