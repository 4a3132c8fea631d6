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

const ATTEMPTS = 5;
/** A job that read before we wrote writes within this time. */
const SETTLE_MS = 500;

/**
 * Says where aliases point; the champion's card becomes the model's. The server has no condition on a change and replaces the whole map of
 * properties: others' are read and written with ours, and whoever wrote looks twice whether somebody wrote over it. The store has the aliases in
 * any case.
 */
export async function pointAliases(
  connection: Connection,
  clock: Clock,
  { model, version }: { readonly model: Model; readonly version: CatalogVersion },
): Promise<"changed" | "same"> {
  const aliases = aliasProperties(version);
  const about = version.aliases.includes("champion") ? aboutModel(version.record, version.card?.text) : {};
  const isTold = (one: Model) => hasAll(one.customProperties ?? {}, aliases) && hasFields(one, about);
  const look = async () => (await findModel(connection, model.name)) ?? model;
  let current = model;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (isTold(current)) {
      if (attempt === 0) return "same";
      await clock.sleep(SETTLE_MS);
      current = await look();
      if (isTold(current)) return "changed";
    }
    await connection.update(ModelSchema, {
      method: "PATCH",
      path: `${PATH}/${current.id}`,
      json: { ...about, customProperties: merged(current.customProperties ?? {}, aliases) },
    });
    current = await look();
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
