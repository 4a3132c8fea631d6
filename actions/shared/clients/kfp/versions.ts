import * as v from "valibot";
import type { Json } from "../../domain/canonical.ts";
import { packageDifference, packageDocuments } from "../../domain/pipeline/canonical-package.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { type KfpAnswer, listAll, readAnswer, refusal } from "./connection.ts";
import { filterText } from "./filter.ts";
import { type Names, suffixed } from "./names.ts";
import type { Server } from "./server.ts";
import type { Upload } from "./upload.ts";
import type { Labels } from "./version-labels.ts";

export const VersionSchema = v.looseObject({
  pipeline_id: v.optional(v.string()),
  pipeline_version_id: v.string(),
  name: v.optional(v.string()),
  display_name: v.optional(v.string()),
  created_at: v.optional(v.string()),
  pipeline_spec: v.optional(v.unknown()),
});

export type Version = v.InferOutput<typeof VersionSchema>;

/** What is done with a release's version: `upload` makes it, `reuse` runs what is there, `conflict` has the same name and another content. */
export type VersionDecision =
  | { readonly do: "upload"; readonly names: Names }
  | { readonly do: "reuse"; readonly names: Names; readonly version: Version }
  | { readonly do: "conflict"; readonly names: Names; readonly version: Version; readonly difference: string };

/** More versions of one release than this are a mistake. */
const MOST_SUFFIXES = 50;

/** Looks for the version by name; where its content is another one, for `-2`, `-3`, … if that is asked for. */
export async function decideVersion(
  server: Server,
  pipelineId: string,
  wanted: { readonly names: Names; readonly upload: Upload; readonly onChanged: "error" | "suffix" },
): Promise<VersionDecision> {
  let first: VersionDecision | undefined;
  for (let number = 1; number <= MOST_SUFFIXES; number++) {
    const names = number === 1 ? wanted.names : suffixed(wanted.names, number);
    const version = await findVersion(server, pipelineId, names.version);
    if (version === undefined) return { do: "upload", names };
    const difference = differenceOf(version, wanted.upload);
    if (difference === undefined) return { do: "reuse", names, version };
    first ??= { do: "conflict", names, version, difference };
    if (wanted.onChanged === "error") break;
  }
  if (first === undefined) throw new RangeError("there is always a first version");
  return first;
}

function differenceOf(version: Version, upload: Upload): string | undefined {
  // the names of what runs are not its content, and a server without an answer to compare has another one
  if (version.pipeline_spec === undefined) return "the server does not give the package back";
  return packageDifference(packageDocuments(version.pipeline_spec as Json), upload.documents);
}

const versionsOf = (pipelineId: string) => `/apis/v2beta1/pipelines/${pipelineId}/versions`;

async function findVersion(server: Server, pipelineId: string, name: string): Promise<Version | undefined> {
  const filter = filterText({ key: "name", operation: "EQUALS", values: [name] });
  const act = `find the version ${name}`;
  const query = { page_size: "20", filter };
  const list = { field: "pipeline_versions", item: VersionSchema, act };
  const versions = await listAll(server, { path: versionsOf(pipelineId), query }, list);
  const found = versions.find((version) => nameOf(version) === name);
  if (found === undefined || found.pipeline_spec !== undefined) return found;
  const answer = await server.call({ path: `${versionsOf(pipelineId)}/${found.pipeline_version_id}` });
  return readAnswer(VersionSchema, answer, act);
}

/** All versions of a pipeline, the oldest first. */
export async function listVersions(server: Server, pipelineId: string): Promise<readonly Version[]> {
  const versions = await listAll(
    server,
    { path: versionsOf(pipelineId) },
    { field: "pipeline_versions", item: VersionSchema, act: "list the versions" },
  );
  return versions.toSorted((a, b) => Date.parse(a.created_at ?? "") - Date.parse(b.created_at ?? "") || 0);
}

/** Before 2.14 the display name is the name. */
export function nameOf({ name, display_name: title }: Version): string {
  return name ?? title ?? "";
}

export type EnsureVersion = {
  readonly names: Names;
  readonly upload: Upload;
  readonly onChanged: "error" | "suffix";
  readonly labels: Labels;
};

export type EnsuredVersion = { readonly version: Version; readonly how: "uploaded" | "reused" };

/** The version with this content: what is there already, or a new one. Throws `CONFLICT` where the name stands for something else. */
export async function ensureVersion(
  server: Server,
  pipelineId: string,
  wanted: EnsureVersion,
): Promise<EnsuredVersion> {
  for (let attempt = 1; ; attempt++) {
    const decision = await decideVersion(server, pipelineId, wanted);
    if (decision.do === "reuse") return { version: decision.version, how: "reused" };
    if (decision.do === "conflict") throw new ReleaseError("CONFLICT", changedVersion(decision));
    const uploaded = await upload(server, pipelineId, { ...wanted, names: decision.names });
    if (uploaded.state === "uploaded") return { version: uploaded.version, how: "uploaded" };
    // whether or not it was done, the name says: a version is made once
    if (attempt >= 3) throw uploaded.error;
  }
}

export function changedVersion({ names, difference }: Extract<VersionDecision, { do: "conflict" }>) {
  return {
    rule: `the version ${names.versionTitle} of pipeline ${names.pipelineTitle} is there already with another content`,
    saw: `they differ in ${difference}`,
    hint: "tag a new release, give another `version`, or set on-changed-version: suffix",
  };
}

type Uploaded =
  | { readonly state: "uploaded"; readonly version: Version }
  | { readonly state: "unknown"; readonly error: unknown };

async function upload(
  server: Server,
  pipelineId: string,
  { names, upload: { text }, labels }: EnsureVersion,
): Promise<Uploaded> {
  const act = `upload the version ${names.version}`;
  try {
    const answer = await server.call({
      method: "POST",
      path: "/apis/v2beta1/pipelines/upload_version",
      // whatever of this a server does not know, it passes over
      query: {
        pipelineid: pipelineId,
        name: names.version,
        display_name: names.versionTitle,
        description: labels.description,
        tags: JSON.stringify(labels.tags),
      },
      body: multipart(text),
      timeoutMs: 120_000,
    });
    if (answer.state === "ok") return { state: "uploaded", version: readAnswer(VersionSchema, answer, act) };
    // 409 without a code: there is one of this name, by somebody who was faster
    if (isUnsettled(answer)) return { state: "unknown", error: refusal(act, answer) };
    throw refusal(act, answer);
  } catch (error) {
    if (isReleaseError(error, "UNAVAILABLE", "PROTOCOL")) return { state: "unknown", error };
    throw error;
  }
}

function isUnsettled({ status }: Extract<KfpAnswer, { state: "refused" }>): boolean {
  return status === 409 || status === 500;
}

/** The file's ending tells the server how to read it. */
function multipart(text: string): { readonly type: string; readonly bytes: Uint8Array } {
  const boundary = boundaryFor(text);
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="uploadfile"; filename="pipeline.yaml"\r\nContent-Type: application/x-yaml\r\n\r\n`;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.from(`${head}${text}\r\n--${boundary}--\r\n`),
  };
}

/** A line that is not in the text. */
function boundaryFor(text: string): string {
  let number = 0;
  while (text.includes(`ml-release-${number}`)) number++;
  return `ml-release-${number}`;
}
