import { posix } from "node:path";
import { isIgnoredInModel, sortFiles } from "../../domain/signing-manifest.ts";
import { cachedSource } from "../../lib/cached-source.ts";
import { ReleaseError } from "../../lib/error.ts";
import { collectYoung } from "../../lib/heap.ts";
import { MAX_FILES, tooManyFiles } from "../../lib/model-files.ts";
import { checkModelPath } from "../../lib/model-path.ts";
import type { SourceFile } from "../../ports/source-file.ts";
import { type Connection, connectS3, type S3Options } from "./connection.ts";
import { isSameEtag } from "./etag.ts";
import type { ModelAddress } from "./model-address.ts";
import { type Objects, objectsOf } from "./objects.ts";
import { wholeOf } from "./read-value.ts";
import type { Words } from "./refusal.ts";
import { STANDARD } from "./traits.ts";

export type SourceBucket = Omit<S3Options, "address" | "words"> & {
  readonly model: ModelAddress;
  readonly signal?: AbortSignal | undefined;
};

type Bucket = { readonly connection: Connection; readonly objects: Objects; readonly signal: AbortSignal | undefined };
type Found = { readonly path: string; readonly key: string; readonly size: number; readonly etag: string };

/**
 * The files of a model in a bucket: everything below a key, else the object of that key; sorted as the manifest is. An object is told by its
 * ETag: whatever is read of another one is thrown away. Throws `NOT_FOUND` where nothing is, `REFUSED` for what is no model.
 */
export async function findObjects({ model, signal, ...options }: SourceBucket): Promise<readonly SourceFile[]> {
  const { bucket, key, server } = model;
  const address = { bucket, prefix: key, tags: {}, conditions: "required", ...server } as const;
  const connection = connectS3({ ...options, address, words: MODEL_WORDS });
  const found: Bucket = { connection, objects: objectsOf(connection, address, STANDARD), signal };
  const below = await filesBelow(found, key);
  const files = below.length > 0 ? below : await fileAt(found, key);
  if (files.length > 0) return sortFiles(files).map((file) => objectFile(found, model, file));
  throw new ReleaseError("NOT_FOUND", {
    rule: "the model must exist",
    where: { file: addressOf(model, key) },
    saw: `nothing at ${connection.server}`,
    hint: "check the address, the server, and that the training run wrote it",
  });
}

const MODEL_WORDS: Words = {
  input: "model",
  place: "the bucket of the model",
  server:
    "`model` and `model-endpoint`: a server that is known inside of a cluster only needs a port-forward or an ingress",
  credential:
    "`model-access-key` and `model-secret-key`, or, where they are empty, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the job's env",
  policy: "",
};

async function filesBelow({ connection, signal }: Bucket, key: string): Promise<readonly Found[]> {
  const files: Found[] = [];
  let after: string | undefined;
  do {
    const Prefix = `${key}/`;
    const page = await connection.ask({ does: "ListObjectsV2", key: Prefix, signal }, (client, options) =>
      client.listObjectsV2({ Bucket: connection.bucket, Prefix, ContinuationToken: after }, options),
    );
    if (page.state !== "answered") break;
    for (const { Key = "", Size: size = 0, ETag: etag = "" } of page.answer.Contents ?? []) {
      const path = Key.slice(Prefix.length);
      // Consoles and file systems on buckets make an empty object of the name of a folder.
      const isFolder = size === 0 && (path === "" || path.endsWith("/"));
      if (isFolder || isIgnoredInModel(path)) continue;
      files.push({ path: checkModelPath(path, `s3://${connection.bucket}/${Key}`), key: Key, size, etag });
      if (files.length > MAX_FILES) throw tooManyFiles(`s3://${connection.bucket}/${key}`);
    }
    after = page.answer.IsTruncated === true ? page.answer.NextContinuationToken : undefined;
  } while (after !== undefined);
  return files;
}

async function fileAt({ objects }: Bucket, key: string): Promise<readonly Found[]> {
  const head = await objects.head(key);
  return head === undefined ? [] : [{ path: posix.basename(key), key, size: head.size, etag: head.etag }];
}

function objectFile(bucket: Bucket, model: ModelAddress, { path, key, size, etag }: Found): SourceFile {
  const { connection, objects } = bucket;
  const source = addressOf(model, key);
  const changed = () => changedError(source);
  return { path, source, size, read, open: (act) => act(cachedSource(size, fetch)) };

  async function* read(signal = bucket.signal): AsyncGenerator<Uint8Array> {
    const first = await objects.stream(key, { from: 0, signal });
    if (first.state !== "answered" || !isSameEtag(first.answer.head.etag, etag) || first.answer.head.size !== size)
      throw changed();
    let uncollected = 0;
    for await (const chunk of wholeOf({ connection, objects, signal, changed }, key, first.answer)) {
      yield chunk;
      uncollected += chunk.length;
      giveBack(chunk);
      if (uncollected < COLLECTED_BYTES) continue;
      collectYoung();
      uncollected = 0;
    }
  }

  async function fetch(at: number, length: number): Promise<Uint8Array> {
    const part = await objects.part(key, { at, length }, bucket.signal);
    if (part.state !== "answered" || !isSameEtag(part.answer.head.etag, etag)) throw changed();
    const { bytes } = part.answer;
    if (bytes.length === length) return bytes;
    throw new ReleaseError("PROTOCOL", {
      rule: `${connection.server} must answer with the part of a file that it is asked for`,
      where: { file: source },
      saw: `${bytes.length} bytes`,
      allowed: `${length} bytes from byte ${at} on`,
      hint: "check that it speaks S3, and what stands before it",
    });
  }
}

/** How much is read until what it came in is collected. */
const COLLECTED_BYTES = 4 * 1024 * 1024;

/** Else the collector lets some 64 MB of pieces pile up. One that shares its memory with others is left to it. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer.byteLength === byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function addressOf({ scheme, bucket }: ModelAddress, key: string): string {
  return `${scheme}://${bucket}/${key}`;
}

function changedError(file: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file of the model must not change while it is read",
    where: { file },
    saw: "another object than was found at first",
    hint: "wait until whatever writes it has ended, then run the step again",
  });
}
