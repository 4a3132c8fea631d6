import { type Answer, failure, type JsonObject, ok, Refused } from "./answer.ts";
import { checkedTags, invalid, textOf } from "./fields.ts";
import { type Listable, listBody, pageOf } from "./listing.ts";
import { isObject, readMessage } from "./proto-json.ts";
import { type KfpState, type Pipeline, serverNow, timeText } from "./state.ts";
import { VERSION_MESSAGE, versionsOf } from "./versions.ts";

const PIPELINES: Listable<Pipeline> = {
  plural: "pipelines",
  type: "Pipeline",
  model: "pipelines",
  prefix: "pipelines.",
  idOf: (one) => one.id,
  tagsOf: (one) => one.tags,
  columns: {
    id: { column: "UUID", of: (one) => one.id },
    pipeline_id: { column: "UUID", of: (one) => one.id },
    name: { column: "Name", of: (one) => one.name },
    display_name: { column: "DisplayName", of: (one) => one.displayName },
    created_at: { column: "CreatedAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    description: { column: "Description", of: (one) => one.description },
    namespace: { column: "Namespace", of: (one) => one.namespace },
  },
};

const PIPELINE_MESSAGE = {
  pipeline_id: "any",
  name: "any",
  display_name: "any",
  description: "any",
  created_at: "any",
  namespace: "any",
  error: "any",
  tags: "any",
} as const;

export function createPipeline(state: KfpState, text: string): Answer {
  const body = readMessage(text, PIPELINE_MESSAGE);
  return ok(pipelineBody(addPipeline(state, body)));
}

/** Throws the refusal of the service. */
export function addPipeline(state: KfpState, body: JsonObject): Pipeline {
  const name = textOf(body.name) || textOf(body.display_name);
  const prefix = "Failed to create a pipeline due to server error: ";
  if (name.length > 128)
    throw new Refused(
      failure(
        13,
        "Failed to create a pipeline as pipeline conversion failed: InternalServerError: Failed to convert API pipeline to model pipeline: Invalid input error: Pipeline.Name length cannot exceed 128",
        "",
      ),
    );
  if (name === "") throw invalid(prefix, "name is required");
  if (state.settings.store === "kubernetes" && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    throw invalid(
      prefix,
      `Pipeline.pipelines.kubeflow.org "${name}" is invalid: metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters`,
    );
  const tags = checkedTags(body.tags, prefix);
  const namespace = state.settings.multiUser ? textOf(body.namespace) : "";
  if ([...state.pipelines.values()].some((one) => one.name === name && one.namespace === namespace)) {
    const inner = `Failed to create a new pipeline. The name ${name} already exist. Please specify a new name`;
    throw new Refused(
      failure(6, `${prefix}Failed to create a pipeline in PipelineStore: Already exist error: ${inner}`, inner),
    );
  }
  const pipeline: Pipeline = {
    id: state.newId("pipeline"),
    name,
    displayName: textOf(body.display_name) || name,
    description: textOf(body.description),
    namespace,
    createdMs: serverNow(state),
    tags,
  };
  state.pipelines.set(pipeline.id, pipeline);
  return pipeline;
}

/** From a URL: this server reaches none, as one whose allowed domains are not set. */
export function createByUrl(text: string): Answer {
  const body = readMessage(text, { pipeline: PIPELINE_MESSAGE, pipeline_version: VERSION_MESSAGE });
  const version = body.pipeline_version;
  const place = isObject(version) && isObject(version.package_url) ? version.package_url.pipeline_url : undefined;
  const inner = place === undefined ? "invalid pipeline spec URL: " : "Pipeline URL validation failed";
  return failure(3, `Failed to create a pipeline: Invalid input error: ${inner}`, inner);
}

export function getPipeline(state: KfpState, id: string): Answer {
  const found = state.pipelines.get(id);
  return found ? ok(pipelineBody(found)) : noPipeline(id);
}

function noPipeline(id: string): Answer {
  const inner = `Pipeline ${id} not found`;
  return failure(
    5,
    `Failed to get a pipeline ${id}. Check error stack: Failed to get a pipeline with id ${id}: ResourceNotFoundError: ${inner}`,
    inner,
  );
}

export function getPipelineByName(state: KfpState, name: string, query: URLSearchParams): Answer {
  const namespace = state.settings.multiUser ? (query.get("namespace") ?? "") : "";
  const found = [...state.pipelines.values()].find((one) => one.name === name && one.namespace === namespace);
  if (found) return ok(pipelineBody(found));
  const inner = `Namespace/Pipeline ${namespace}/${name} not found`;
  return failure(
    5,
    `Failed to get a pipeline with name ${name} and namespace ${namespace}. Check error stack.: Failed to get a pipeline named ${name} in namespace ${namespace}: ResourceNotFoundError: ${inner}`,
    inner,
  );
}

export function listPipelines(state: KfpState, query: URLSearchParams): Answer {
  const namespace = state.settings.multiUser ? (query.get("namespace") ?? "") : "";
  const own = [...state.pipelines.values()].filter((one) => one.namespace === namespace);
  const page = pageOf(state, own, { of: PIPELINES, query });
  return ok(listBody("pipelines", { ...page, items: page.items.map(pipelineBody) }));
}

export function patchPipeline(state: KfpState, id: string, text: string): Answer {
  const found = state.pipelines.get(id);
  if (!found) return noPipeline(id);
  const body = readMessage(text, PIPELINE_MESSAGE);
  if (body.display_name !== undefined) found.displayName = textOf(body.display_name);
  if (body.tags !== undefined) found.tags = checkedTags(body.tags, "Failed to update a pipeline: ");
  return ok(pipelineBody(found));
}

export function deletePipeline(state: KfpState, id: string, query: URLSearchParams): Answer {
  if (!state.pipelines.has(id)) return noPipeline(id);
  const versions = versionsOf(state, id);
  const [first] = versions;
  if (first && query.get("cascade") !== "true") {
    const inner = `Failed to delete pipeline with id ${id} as it has existing pipeline versions (e.g. ${first.id}). Set cascade=true to delete all versions`;
    return failure(3, `Failed to delete pipeline ${id}. Check error stack: Invalid input error: ${inner}`, inner);
  }
  for (const version of versions) state.versions.delete(version.id);
  state.pipelines.delete(id);
  return ok({});
}

export function pipelineBody(one: Pipeline): JsonObject {
  return {
    pipeline_id: one.id,
    display_name: one.displayName,
    name: one.name,
    ...(one.description === "" ? {} : { description: one.description }),
    created_at: timeText(one.createdMs),
    ...(one.namespace === "" ? {} : { namespace: one.namespace }),
    ...(Object.keys(one.tags).length === 0 ? {} : { tags: one.tags }),
  };
}
