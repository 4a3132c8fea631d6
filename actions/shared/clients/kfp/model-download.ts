import { posix } from "node:path";
import type { Digest } from "../../domain/digest.ts";
import { artifactFile, brokenOff, MOST_BREAKS } from "../../lib/artifact-file.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { hashHere } from "../../lib/hash.ts";
import type { HttpRequest } from "../../lib/http.ts";
import { checkModelPath } from "../../lib/model-path.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SourceFile } from "../../ports/source-file.ts";
import { explainDownload, FOLDER_HINT } from "./download-refusal.ts";

/** Where the launcher left an artifact. */
type KeptArtifact = { readonly scheme: "s3" | "minio"; readonly bucket: string; readonly key: string };

type DownloadOptions = {
  /** Of the server: below it are its API and its page. */
  readonly base: string;
  readonly stream: (wanted: HttpRequest) => Promise<{
    readonly headers: Headers;
    readonly body: AsyncIterable<Uint8Array>;
  }>;
  /** A server for several users asks for it. */
  readonly namespace?: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
};

/**
 * A model that is one file, by the download of Kubeflow's page: the route that hands on the bytes as they are (`/artifacts/get` unpacks what is
 * compressed). It tells neither size nor ETag and takes no ranges, so that the file is read once to know them: whatever is read later is held
 * against its digest. Throws `REFUSED` for a folder, of which it gives an archive or nothing.
 */
export async function downloadModel(options: DownloadOptions, artifact: KeptArtifact): Promise<SourceFile> {
  const { scheme, bucket, key } = artifact;
  const source = `${scheme}://${bucket}/${key}`;
  const path = checkModelPath(posix.basename(key), source);
  const open = opener(options, artifact, source);
  const { size, digest } = await measure(open, source, options.signal);
  return artifactFile({ path, source, size, digest, service: SERVICE }, async (_, signal) => ({
    from: 0,
    etag: undefined,
    body: await open(signal ?? options.signal),
  }));
}

const SERVICE = "Kubeflow";

type Open = (signal: AbortSignal | undefined) => Promise<AsyncIterable<Uint8Array>>;

function opener({ base, stream, namespace, clock }: DownloadOptions, artifact: KeptArtifact, source: string): Open {
  const { scheme, bucket, key } = artifact;
  const path = [scheme, bucket, ...key.split("/")].map(encodeURIComponent).join("/");
  const url = new URL(`${base}/artifacts/${path}`);
  if (namespace !== undefined) url.searchParams.set("namespace", namespace);
  return async (signal) => {
    const { headers, body } = await stream({
      service: SERVICE,
      url,
      clock,
      headers: { "accept-encoding": "identity" },
      explain: (refused) => explainDownload(refused, source),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!isArchiveOf(key, headers)) return body;
    await body[Symbol.asyncIterator]().return?.();
    throw folder(source);
  };
}

/** Newer servers pack what lies below a key that is none itself, and name it so. */
function isArchiveOf(key: string, headers: Headers): boolean {
  const named = /filename="([^"]*)"/.exec(headers.get("content-disposition") ?? "")?.[1];
  const isGzip = /^application\/gzip\b/.test(headers.get("content-type") ?? "");
  return isGzip && named === `${posix.basename(key).replaceAll(/[^A-Za-z0-9._-]/g, "_")}.tar.gz`;
}

/** Reads all of it. An answer that breaks off is asked for again from its start. */
async function measure(
  open: Open,
  source: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly size: number; readonly digest: Digest }> {
  for (let breaks = 0; ; breaks++) {
    const hash = hashHere();
    let size = 0;
    const body = await open(signal);
    try {
      for await (const chunk of body) {
        hash.update(chunk);
        size += chunk.length;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (isReleaseError(error) || breaks === MOST_BREAKS) throw brokenOff(error, { service: SERVICE, source });
      continue;
    }
    if (size > 0) return { size, digest: hash.digest() };
    throw new ReleaseError("INTEGRITY", {
      rule: "a model must have a content",
      where: { file: source },
      saw: `an empty answer of ${SERVICE}`,
      hint: "check that the training run wrote it",
    });
  }
}

function folder(source: string): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: `a model that comes through ${SERVICE}'s download must be one file`,
    where: { file: source },
    saw: "a folder, as an archive that is made anew for each request",
    hint: FOLDER_HINT,
  });
}
