import * as v from "valibot";
import type { Connection, KfpAnswer } from "./connection.ts";
import { findAnswer, readAnswer, refusal } from "./connection.ts";
import type { Names } from "./names.ts";
import type { Server } from "./server.ts";

export const PipelineSchema = v.looseObject({
  pipeline_id: v.string(),
  name: v.optional(v.string()),
  display_name: v.optional(v.string()),
});

export type Pipeline = v.InferOutput<typeof PipelineSchema>;

const API = "/apis/v2beta1/pipelines";

/** The pipeline of this name, in its namespace where there are several. */
export async function findPipeline(
  server: Server,
  { pipeline }: Pick<Names, "pipeline">,
  namespace: string | undefined,
): Promise<Pipeline | undefined> {
  const answer = await server.call({ path: `${API}/names/${encodeURIComponent(pipeline)}`, query: { namespace } });
  return findAnswer(PipelineSchema, answer, `find the pipeline ${pipeline}`);
}

export type NewPipeline = {
  readonly names: Names;
  readonly namespace: string | undefined;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
};

/** Finds the pipeline, or makes it without a version. Whoever else makes it at the same time made the same. */
export async function ensurePipeline(server: Server, wanted: NewPipeline): Promise<Pipeline> {
  const { names, namespace, description, tags } = wanted;
  const act = `create the pipeline ${names.pipeline}`;
  const found = await findPipeline(server, names, namespace);
  if (found !== undefined) return found;
  const answer = await postKnown(server, API, {
    name: names.pipeline,
    display_name: names.pipelineTitle,
    description,
    ...(namespace === undefined ? {} : { namespace }),
    ...(server.tags ? { tags } : {}),
  });
  // somebody else was faster; or the answer to us was a 500 although it was done
  const isThere = answer.state === "refused" && (answer.status === 409 || answer.status === 500);
  const other = isThere ? await findPipeline(server, names, namespace) : undefined;
  return other ?? readAnswer(PipelineSchema, answer, act);
}

/** Fields that a server may lack: `name` came with 2.14, `tags` with 2.17. */
const OPTIONAL = ["name", "tags", "description", "display_name"];

/** Posts; a field that this server does not know is left out, which it tells before it has done anything. */
async function postKnown(
  connection: Connection,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<KfpAnswer> {
  const answer = await connection.call({ method: "POST", path, json: body });
  if (answer.state === "ok" || answer.status !== 400) return answer;
  const unknown = /unknown field "(\w+)"/.exec(answer.error.message)?.[1];
  if (unknown === undefined || !OPTIONAL.includes(unknown) || !(unknown in body)) return answer;
  const { [unknown]: _, ...known } = body;
  // before there was `name`, `display_name` was it
  return postKnown(connection, path, unknown === "name" ? { ...known, display_name: body.name } : known);
}

/** Removes one version of a pipeline; one that is gone is removed. */
export async function removeVersion(server: Server, pipelineId: string, versionId: string): Promise<void> {
  const answer = await server.call({ method: "DELETE", path: `${API}/${pipelineId}/versions/${versionId}` });
  if (answer.state === "refused" && answer.status !== 404) throw refusal(`remove the version ${versionId}`, answer);
}
