import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";
import type { Connection } from "./connection.ts";
import { type Ensured, ensure } from "./ensure.ts";
import { hasAll, merged, PropertiesSchema } from "./properties.ts";
import { aboutModel, aliasProperties, modelBody } from "./version-body.ts";

const ModelSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  readme: v.optional(v.nullable(v.string())),
  license: v.optional(v.nullable(v.string())),
  libraryName: v.optional(v.nullable(v.string())),
  customProperties: PropertiesSchema,
});

type Model = v.InferOutput<typeof ModelSchema>;

const PATH = "/registered_models";

export function findModel(connection: Connection, name: string): Promise<Model | undefined> {
  return connection.find(ModelSchema, { path: "/registered_model", query: { name } });
}

export function ensureModel(connection: Connection, clock: Clock, version: CatalogVersion): Promise<Ensured<Model>> {
  const { customProperties, ...body } = modelBody(version);
  return ensure(connection, clock, {
    schema: ModelSchema,
    find: () => findModel(connection, body.name),
    path: PATH,
    json: { ...body, state: "LIVE", customProperties },
  });
}

/** The server has no condition on a change: of two at once the later wins, and the other looks whether it is there and writes it again. */
const ATTEMPTS = 5;

/**
 * Says where aliases point; the champion's card becomes the model's. Properties of others are kept: the server replaces the whole map, so that
 * they are read and written with ours.
 */
export async function pointAliases(
  connection: Connection,
  model: Model,
  version: CatalogVersion,
): Promise<"changed" | "same"> {
  const aliases = aliasProperties(version);
  const about = version.aliases.includes("champion") ? aboutModel(version.record, version.card?.text) : {};
  let current = model;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (hasAll(current.customProperties ?? {}, aliases) && hasFields(current, about))
      return attempt === 0 ? "same" : "changed";
    await connection.update(ModelSchema, {
      method: "PATCH",
      path: `${PATH}/${current.id}`,
      json: { ...about, customProperties: merged(current.customProperties ?? {}, aliases) },
    });
    current = (await findModel(connection, model.name)) ?? current;
  }
  throw new ReleaseError("CONFLICT", {
    rule: "the aliases of a model could not be told to the registry: others change it all the time",
    saw: `${model.name}: ${ATTEMPTS} changes were written over`,
    hint: "run one release of a model at a time (concurrency group)",
  });
}

function hasFields(model: Model, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, value]) => model[name] === value);
}
