import * as v from "valibot";
import { type Mlflow, readAnswer, refusal, says } from "./connection.ts";
import { MetricDataSchema } from "./metric-data.ts";

const Tags = v.optional(v.array(v.object({ key: v.string(), value: v.optional(v.string(), "") })), []);
const InputSchema = v.object({
  tags: Tags,
  dataset: v.object({
    name: v.string(),
    digest: v.string(),
    source: v.optional(v.string(), ""),
    profile: v.optional(v.string(), ""),
  }),
});
const RunSchema = v.object({
  info: v.object({
    run_id: v.string(),
    experiment_id: v.string(),
    status: v.optional(v.string(), "RUNNING"),
    artifact_uri: v.optional(v.string(), ""),
  }),
  data: v.optional(v.object({ metrics: v.optional(v.array(MetricDataSchema), []), params: Tags, tags: Tags }), {
    metrics: [],
    params: [],
    tags: [],
  }),
  inputs: v.optional(v.object({ dataset_inputs: v.optional(v.array(InputSchema), []) })),
  outputs: v.optional(v.object({ model_outputs: v.optional(v.array(v.object({ model_id: v.string() })), []) })),
});
const ModelSchema = v.object({
  info: v.object({
    model_id: v.string(),
    experiment_id: v.string(),
    name: v.optional(v.string(), ""),
    artifact_uri: v.string(),
    source_run_id: v.optional(v.string(), ""),
  }),
  data: v.optional(v.object({ metrics: v.optional(v.array(MetricDataSchema), []), params: Tags }), {
    metrics: [],
    params: [],
  }),
});

/** A run that somebody else's training wrote. */
export type SourceRun = v.InferOutput<typeof RunSchema>;
export type SourceModel = v.InferOutput<typeof ModelSchema>;

export async function readRun(server: Mlflow, runId: string): Promise<SourceRun> {
  const read = { path: "/api/2.0/mlflow/runs/get", query: { run_id: runId } };
  return (await server.ask(`find run ${runId}`, v.object({ run: RunSchema }), read)).run;
}

export async function readModel(server: Mlflow, modelId: string): Promise<SourceModel> {
  const read = { path: `/api/2.0/mlflow/logged-models/${encodeURIComponent(modelId)}` };
  return (await server.ask(`find the logged model ${modelId}`, v.object({ model: ModelSchema }), read)).model;
}

const VersionSchema = v.object({
  name: v.string(),
  version: v.string(),
  source: v.optional(v.string(), ""),
  run_id: v.optional(v.string(), ""),
});
export type SourceVersion = v.InferOutput<typeof VersionSchema>;

export async function readVersion(server: Mlflow, name: string, version: string): Promise<SourceVersion> {
  const read = { path: "/api/2.0/mlflow/model-versions/get", query: { name, version } };
  const schema = v.object({ model_version: VersionSchema });
  return (await server.ask(`find version ${version} of ${name}`, schema, read)).model_version;
}

/** The version that an alias points at now. Of an alias that is not there the server says that a parameter is wrong. */
export async function readAlias(server: Mlflow, name: string, alias: string): Promise<SourceVersion> {
  const act = `find the alias ${alias} of ${name}`;
  const answer = await server.call({ path: "/api/2.0/mlflow/registered-models/alias", query: { name, alias } });
  if (says(answer, "INVALID_PARAMETER_VALUE"))
    throw refusal(act, { ...answer, status: 404, error: { ...answer.error, code: "RESOURCE_DOES_NOT_EXIST" } });
  return readAnswer(v.object({ model_version: VersionSchema }), answer, act).model_version;
}

/** Where the files of a version lie. */
export async function readDownloadUri(server: Mlflow, { name, version }: SourceVersion): Promise<string> {
  const read = { path: "/api/2.0/mlflow/model-versions/get-download-uri", query: { name, version } };
  const act = `find the files of version ${version} of ${name}`;
  return (await server.ask(act, v.object({ artifact_uri: v.string() }), read)).artifact_uri;
}
