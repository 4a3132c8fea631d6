import { type Answer, failure, type JsonObject, ok } from "./answer.ts";
import { checkedTags, textOf } from "./fields.ts";
import { type Listable, listBody, pageOf } from "./listing.ts";
import { readMessage } from "./proto-json.ts";
import { type KfpState, type PipelineVersion, timeText } from "./state.ts";

const VERSIONS: Listable<PipelineVersion> = {
  plural: "pipeline versions",
  type: "PipelineVersion",
  model: "pipeline_versions",
  prefix: "pipeline_versions.",
  idOf: (one) => one.id,
  tagsOf: (one) => one.tags,
  columns: {
    id: { column: "UUID", of: (one) => one.id },
    pipeline_version_id: { column: "UUID", of: (one) => one.id },
    name: { column: "Name", of: (one) => one.name },
    display_name: { column: "DisplayName", of: (one) => one.displayName },
    created_at: { column: "CreatedAtInSec", of: (one) => Math.floor(one.createdMs / 1_000) },
    description: { column: "Description", of: (one) => one.description },
    pipeline_id: { column: "PipelineId", of: (one) => one.pipelineId },
  },
};

export const VERSION_MESSAGE = {
  pipeline_id: "any",
  pipeline_version_id: "any",
  name: "any",
  display_name: "any",
  description: "any",
  created_at: "any",
  package_url: { pipeline_url: "any" },
  code_source_url: "any",
  pipeline_spec: "any",
  error: "any",
  tags: "any",
} as const;

export function versionsOf(state: KfpState, pipelineId: string): readonly PipelineVersion[] {
  return [...state.versions.values()].filter((one) => one.pipelineId === pipelineId);
}

export function getVersion(state: KfpState, pipelineId: string, id: string): Answer {
  const found = state.versions.get(id);
  return found && found.pipelineId === pipelineId ? ok(versionBody(found)) : noVersion(id);
}

function noVersion(id: string): Answer {
  const inner = `PipelineVersion ${id} not found`;
  return failure(
    5,
    `Failed to get a pipeline version ${id}: Failed to get a pipeline version with id ${id}: ResourceNotFoundError: ${inner}`,
    inner,
  );
}

export function listVersions(state: KfpState, pipelineId: string, query: URLSearchParams): Answer {
  const page = pageOf(state, versionsOf(state, pipelineId), { of: VERSIONS, query });
  return ok(listBody("pipeline_versions", { ...page, items: page.items.map(versionBody) }));
}

export function patchVersion(state: KfpState, id: string, text: string): Answer {
  const found = state.versions.get(id);
  if (!found) return noVersion(id);
  const body = readMessage(text, VERSION_MESSAGE);
  if (body.display_name !== undefined) found.displayName = textOf(body.display_name);
  if (body.tags !== undefined) found.tags = checkedTags(body.tags, "Failed to update a pipeline version: ");
  if (body.description !== undefined && !state.switches.has("patch-keeps-description"))
    state.versions.set(id, { ...found, description: textOf(body.description) });
  return ok(versionBody(state.versions.get(id) ?? found));
}

export function deleteVersion(state: KfpState, id: string): Answer {
  return state.versions.delete(id) ? ok({}) : noVersion(id);
}

/** By URL, which this server does not allow. */
export function createVersionByUrl(text: string): Answer {
  readMessage(text, VERSION_MESSAGE);
  const inner = "Pipeline URL validation failed";
  return failure(3, `Failed to create a pipeline version: Invalid input error: ${inner}`, inner);
}

export function versionBody(one: PipelineVersion): JsonObject {
  return {
    pipeline_id: one.pipelineId,
    pipeline_version_id: one.id,
    display_name: one.displayName,
    name: one.name,
    ...(one.description === "" ? {} : { description: one.description }),
    created_at: timeText(one.createdMs),
    pipeline_spec: one.spec,
    ...(Object.keys(one.tags).length === 0 ? {} : { tags: one.tags }),
  };
}
