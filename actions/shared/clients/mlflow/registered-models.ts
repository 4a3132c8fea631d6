import * as v from "valibot";
import { type Mlflow, readAnswer, refusal, says } from "./connection.ts";

const ROUTE = "/api/2.0/mlflow/registered-models";

const ModelSchema = v.object({
  registered_model: v.object({
    name: v.string(),
    aliases: v.optional(v.array(v.object({ alias: v.string(), version: v.string() })), []),
  }),
});

/** Which of MLflow's versions each alias points at. */
export type Aliases = Readonly<Record<string, string>>;

/** The registered model of this name, made where it is not there. */
export async function ensureModel(server: Mlflow, name: string, description: string): Promise<Aliases> {
  const known = await findModel(server, name);
  if (known !== undefined) return known;
  const json = { name, description };
  const answer = await server.call({ method: "POST", path: `${ROUTE}/create`, json });
  if (answer.state === "refused" && !says(answer, "RESOURCE_ALREADY_EXISTS"))
    throw refusal(`create the registered model ${name}`, answer);
  return (await findModel(server, name)) ?? {};
}

/** Its aliases; undefined where there is no such model. */
async function findModel(server: Mlflow, name: string): Promise<Aliases | undefined> {
  const answer = await server.call({ path: `${ROUTE}/get`, query: { name } });
  if (says(answer, "RESOURCE_DOES_NOT_EXIST")) return undefined;
  const { registered_model } = readAnswer(ModelSchema, answer, `find the registered model ${name}`);
  return Object.fromEntries(registered_model.aliases.map(({ alias, version }) => [alias, version]));
}

/** Points it there, whatever it pointed at: MLflow has no compare-and-swap. */
export async function setAlias(
  server: Mlflow,
  { name, alias, version }: { readonly name: string; readonly alias: string; readonly version: string },
): Promise<void> {
  await server.ask(`point the alias ${alias} of ${name} at version ${version}`, v.unknown(), {
    method: "POST",
    path: `${ROUTE}/alias`,
    json: { name, alias, version },
    repeatable: true,
  });
}

/** What MLflow keeps for itself: its own word for the newest version, whatever that is. */
export function isReservedAlias(alias: string): boolean {
  return alias.toLowerCase() === "latest";
}

/** Whether models can be seen with these credentials. Nothing is written. */
export async function seeModels(server: Mlflow): Promise<void> {
  const schema = v.object({ registered_models: v.optional(v.array(v.unknown())) });
  await server.ask("list registered models", schema, { path: `${ROUTE}/search`, query: { max_results: "1" } });
}
