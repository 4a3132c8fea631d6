import { parseAllDocuments } from "yaml";
import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { type Answer, type Asked, type JsonObject, plainOk, plainText, Refused, uploadError } from "./answer.ts";
import { checkedTags } from "./fields.ts";
import { addPipeline, pipelineBody } from "./pipelines.ts";
import { isObject } from "./proto-json.ts";
import { type KfpState, type PipelineVersion, serverNow, type Tags } from "./state.ts";
import { versionBody } from "./versions.ts";

const MAX_PACKAGE_BYTES = 32 * 1024 * 1024;

/** A pipeline and a first version of the same name; the answer tells the pipeline only. */
export function uploadPipeline(state: KfpState, asked: Asked, query: URLSearchParams): Answer {
  const file = fileOf(asked);
  const spec = specOf(file);
  const name = query.get("name") || query.get("display_name") || file.name;
  const failed = "Failed to create a pipeline and a pipeline version";
  const tags = tagsOf(query);
  if (spec === "empty") return uploadError(500, failed, "json");
  if (spec === "unknown") return uploadError(400, "unknown template format", "json");
  try {
    const pipeline = addPipeline(state, {
      name,
      display_name: query.get("display_name") ?? "",
      description: query.get("description") ?? "",
      namespace: query.get("namespace") ?? "",
      tags,
    });
    addVersion(state, { pipelineId: pipeline.id, name, displayName: name, description: "", spec, tags: {} });
    return plainOk(pipelineBody(pipeline));
  } catch (error) {
    if (error instanceof Refused) return uploadError(error.answer.status, failed, "json");
    throw error;
  }
}

export function uploadVersion(state: KfpState, asked: Asked, query: URLSearchParams): Answer {
  const failed = "Failed to create a pipeline version";
  const file = fileOf(asked);
  const pipelineId = query.get("pipelineid") ?? "";
  const name = query.get("name") || query.get("display_name") || file.name;
  const tags = tagsOf(query);
  if (name.length > 127) return plainText(400, "Invalid input error: PipelineVersion.Name length cannot exceed 127\n");
  if (!state.pipelines.has(pipelineId)) return uploadError(400, failed, "text");
  const spec = specOf(file);
  if (spec === "empty") return uploadError(500, failed, "json");
  if (spec === "unknown") return uploadError(400, "unknown template format", "json");
  const isTaken = [...state.versions.values()].some((one) => one.pipelineId === pipelineId && one.name === name);
  if (isTaken) return uploadError(409, failed, "json");
  const version = addVersion(state, {
    pipelineId,
    name,
    displayName: query.get("display_name") || name,
    description: query.get("description") ?? "",
    spec,
    tags,
  });
  return plainOk(versionBody(version));
}

function addVersion(state: KfpState, fields: Omit<PipelineVersion, "id" | "createdMs">): PipelineVersion {
  const version = { ...fields, id: state.newId("version"), createdMs: serverNow(state) };
  state.versions.set(version.id, version);
  return version;
}

function tagsOf(query: URLSearchParams): Tags {
  const text = query.get("tags");
  if (text === null || text === "") return {};
  try {
    const parsed = JSON.parse(text) as Json;
    if (!isObject(parsed) || Object.values(parsed).some((value) => typeof value !== "string")) throw new Error("shape");
    return checkedTags(parsed, "");
  } catch (error) {
    if (error instanceof Refused)
      throw new Refused(uploadError(400, JSON.parse(String(error.answer.body)).message, "text"));
    throw new Refused(
      uploadError(
        400,
        "Failed to parse tags query parameter. Expected JSON object with string keys and values",
        "text",
      ),
    );
  }
}

type UploadedFile = { readonly name: string; readonly bytes: Buffer };

/** The multipart field `uploadfile`. */
function fileOf(asked: Asked): UploadedFile {
  const unread = new Refused(uploadError(400, "Failed to read pipeline from file", "text"));
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/.exec(asked.headers["content-type"] ?? "")?.[1];
  if (asked.method !== "POST" || boundary === undefined) throw unread;
  const body = Buffer.from(asked.body);
  const mark = `--${boundary}`;
  for (let at = body.indexOf(mark); at >= 0; ) {
    const next = body.indexOf(mark, at + mark.length);
    const headEnd = body.indexOf("\r\n\r\n", at);
    if (headEnd < 0 || next < 0) break;
    const head = body.toString("utf8", at + mark.length, headEnd);
    if (/name="uploadfile"/.test(head)) {
      const file = { name: /filename="([^"]*)"/.exec(head)?.[1] ?? "", bytes: body.subarray(headEnd + 4, next - 2) };
      return checkedFile(file);
    }
    at = next;
  }
  throw unread;
}

/** The name tells how it is read. Archives are not opened here. */
function checkedFile(file: UploadedFile): UploadedFile {
  const isText = /\.(ya?ml|json)$/.test(file.name);
  if (!isText || file.bytes.length > MAX_PACKAGE_BYTES)
    throw new Refused(uploadError(400, "Failed to read a pipeline spec file", "text"));
  return file;
}

const SPEC_KEYS = new Set([
  "pipelineInfo",
  "deploymentSpec",
  "schemaVersion",
  "sdkVersion",
  "components",
  "root",
  "defaultPipelineRoot",
]);

function specOf({ bytes }: UploadedFile): JsonObject | "empty" | "unknown" {
  const text = bytes.toString();
  if (text.trim() === "") return "empty";
  const [first, second] = parseAllDocuments(text, { schema: "core" }).map((one) => one.toJS() as Json);
  if (!isSpec(first)) return "unknown";
  return isObject(second)
    ? { pipeline_spec: sorted(first), platform_spec: sorted(second) }
    : (sorted(first) as JsonObject);
}

export function isSpec(value: Json | undefined): value is JsonObject {
  if (!isObject(value) || Object.keys(value).some((key) => !SPEC_KEYS.has(key))) return false;
  const info = value.pipelineInfo;
  return isObject(info) && typeof info.name === "string" && info.name !== "" && isObject(value.root);
}

/** As protobuf's Struct gives it back: keys in order. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] as Json)]),
  );
}
