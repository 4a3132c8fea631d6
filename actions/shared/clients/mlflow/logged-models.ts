import * as v from "valibot";
import { isUnknownRoute, type Mlflow, readAnswer } from "./connection.ts";
import { MetricDataSchema } from "./metric-data.ts";
import type { RunContents } from "./run-contents.ts";
import { TAG } from "./tags.ts";

const ROUTE = "/api/2.0/mlflow/logged-models";

const ModelSchema = v.object({
  info: v.object({ model_id: v.string(), status: v.optional(v.string(), "") }),
  data: v.optional(v.object({ metrics: v.optional(v.array(MetricDataSchema), []) })),
});

export type LoggedModel = { readonly id: string; readonly isReady: boolean; readonly metrics: ReadonlySet<string> };

type Wanted = {
  readonly experiment: string;
  readonly runId: string;
  readonly model: string;
  readonly version: string;
};

/**
 * The logged model of a version (MLflow 3), by its tags; made where it is not there. Undefined where the server knows none: 2.x, and what
 * only speaks a part of the API.
 */
export async function ensureLoggedModel(
  server: Mlflow,
  wanted: Wanted,
  { name, params, identity }: RunContents,
): Promise<LoggedModel | undefined> {
  const found = await findLoggedModel(server, wanted);
  if (found.state === "unknown") return undefined;
  if (found.state === "found") return found.model;
  const { experiment, model, runId } = wanted;
  const made = await server.ask(`create the logged model ${name}`, v.object({ model: ModelSchema }), {
    method: "POST",
    path: ROUTE,
    json: {
      experiment_id: experiment,
      name: model,
      source_run_id: runId,
      params: params.slice(0, FIRST_PARAMS),
      tags: identity,
    },
  });
  return modelOf(made.model);
}

/** More of them in one request some servers refuse; all of them are in the run. */
const FIRST_PARAMS = 100;

type Found =
  | { readonly state: "found"; readonly model: LoggedModel }
  | { readonly state: "none" }
  | { readonly state: "unknown" };

async function findLoggedModel(server: Mlflow, { experiment, model, version }: Wanted): Promise<Found> {
  const filter = `tags.\`${TAG.model}\` = '${model}' and tags.\`${TAG.version}\` = '${version}'`;
  const answer = await server.call({
    method: "POST",
    path: `${ROUTE}/search`,
    json: { experiment_ids: [experiment], filter, max_results: 1 },
    repeatable: true,
  });
  if (isUnknownRoute(answer)) return { state: "unknown" };
  const schema = v.object({ models: v.optional(v.array(ModelSchema), []) });
  const [first] = readAnswer(schema, answer, `find the logged model of ${model} ${version}`).models;
  return first === undefined ? { state: "none" } : { state: "found", model: modelOf(first) };
}

/** From now on it is shown: everything of it is there. */
export async function markReady(server: Mlflow, modelId: string): Promise<void> {
  await server.ask(`make the logged model ${modelId} ready`, v.unknown(), {
    method: "PATCH",
    path: `${ROUTE}/${encodeURIComponent(modelId)}`,
    json: { model_id: modelId, status: "LOGGED_MODEL_READY" },
    repeatable: true,
  });
}

function modelOf({ info, data }: v.InferOutput<typeof ModelSchema>): LoggedModel {
  return {
    id: info.model_id,
    isReady: info.status === "LOGGED_MODEL_READY",
    metrics: new Set(data?.metrics.map(({ key }) => key)),
  };
}
