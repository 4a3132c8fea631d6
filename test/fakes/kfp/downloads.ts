import { gunzipSync, gzipSync } from "node:zlib";
import type { Answer } from "./answer.ts";
import type { KfpState } from "./state.ts";

// What Kubeflow's page serves beside the API: artifacts as they lie in their buckets. Neither size nor ETag, no ranges.

/** `GET /artifacts/{source}/{bucket}/{key}`: the bytes as they are. */
export function downloadArtifact(
  state: KfpState,
  { source = "", bucket = "", key = "" }: Readonly<Record<string, string>>,
  query: URLSearchParams,
): Answer {
  const refused = refusalOf(state, query);
  if (refused !== undefined) return refused;
  const bytes = state.objects.get(`${source}://${bucket}/${key}`);
  if (bytes !== undefined) return attachment(key.split("/").at(-1) ?? "", bytes);
  return state.settings.release === "3.0" ? packed(state, `${source}://${bucket}/${key}/`) : notThere();
}

/** `GET /artifacts/get`: for people to look at, so that what is compressed is unpacked. */
export function previewArtifact(state: KfpState, query: URLSearchParams): Answer {
  const refused = refusalOf(state, query);
  if (refused !== undefined) return refused;
  const bytes = state.objects.get(`${query.get("source")}://${query.get("bucket")}/${query.get("key")}`);
  if (bytes === undefined) return notThere();
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return attachment("artifact", isGzip ? gunzipSync(bytes) : bytes);
}

/** A server for several users gives artifacts by their namespace only. */
function refusalOf({ settings }: KfpState, query: URLSearchParams): Answer | undefined {
  const namespace = query.get("namespace");
  if (!settings.multiUser) return undefined;
  if (!namespace) return text(400, "Namespace parameter is required when authentication is enabled");
  return namespace === settings.namespace
    ? undefined
    : text(403, "Artifact does not belong to the requested namespace");
}

/** Newer servers answer for a folder with an archive; nobody has to be able to read this one. */
function packed({ objects }: KfpState, prefix: string): Answer {
  const below = [...objects].filter(([address]) => address.startsWith(prefix)).map(([, bytes]) => bytes);
  if (below.length === 0) return text(404, `No objects found at ${prefix}`);
  const answer = attachment(`${prefix.split("/").at(-2)}.tar.gz`, gzipSync(Buffer.concat(below)));
  return { ...answer, headers: { ...answer.headers, "content-type": "application/gzip" } };
}

function notThere(): Answer {
  return text(500, "Failed to get object in bucket: S3Error: The specified key does not exist.");
}

function attachment(name: string, body: Uint8Array): Answer {
  const disposition = `attachment; filename="${name}"; filename*=UTF-8''${encodeURIComponent(name)}`;
  return {
    status: 200,
    headers: {
      "x-content-type-options": "nosniff",
      "content-disposition": disposition,
      "transfer-encoding": "chunked",
    },
    body,
  };
}

function text(status: number, body: string): Answer {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
    body,
  };
}
