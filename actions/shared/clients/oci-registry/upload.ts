import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer } from "../../lib/http.ts";
import type { Blob } from "../../ports/image-store.ts";
import type { Connection, Scope } from "./connection.ts";

export type Upload = {
  readonly connection: Connection;
  readonly path: string;
  readonly blob: Blob;
  /** Larger blobs go in pieces of this size, each repeated by itself. */
  readonly chunkBytes: number;
};

/** In one piece where it is small enough to send again as a whole, else in pieces. */
export async function uploadBlob(upload: Upload): Promise<void> {
  const { connection, path, blob, chunkBytes } = upload;
  const started = await startUpload(connection, path);
  const location = blob.size <= chunkBytes ? started : await uploadChunks(upload, started);
  const isWhole = blob.size <= chunkBytes;
  location.searchParams.set("digest", blob.digest);
  await connection.request({
    method: "PUT",
    to: location,
    scope: pushScope(path),
    headers: { "content-type": "application/octet-stream" },
    ...(isWhole ? { body: { size: blob.size, open: () => blob.open() } } : {}),
    timeoutMs: timeoutFor(isWhole ? blob.size : 0),
    okStatus: [201, 204],
  });
}

export async function startUpload(connection: Connection, path: string): Promise<URL> {
  const answer = await connection.request({
    method: "POST",
    to: `${path}/blobs/uploads/`,
    scope: pushScope(path),
    attempts: 4,
    okStatus: [202],
  });
  return nextLocation(connection, answer);
}

export function pushScope(path: string): Scope {
  return { path, actions: "pull,push" };
}

/** At least a minute, and never less than 1 MB/s. */
export function timeoutFor(bytes: number): number {
  return 60_000 + Math.ceil(bytes / 1_000);
}

const CHUNK_ATTEMPTS = 5;

async function uploadChunks(upload: Upload, started: URL): Promise<URL> {
  let location = started;
  let offset = 0;
  for await (const chunk of chunksOf(upload.blob.open(), upload.chunkBytes)) {
    location = await sendChunk(upload, { location, chunk, offset });
    offset += chunk.length;
  }
  return location;
}

type Piece = { readonly location: URL; readonly chunk: Uint8Array; readonly offset: number };

/** A piece whose answer was lost is not sent blindly again: the registry is asked how far it is. */
async function sendChunk({ connection, path }: Upload, piece: Piece): Promise<URL> {
  const end = piece.offset + piece.chunk.length;
  let location = piece.location;
  let from = piece.offset;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await connection.request({
        method: "PATCH",
        to: location,
        scope: pushScope(path),
        headers: { "content-type": "application/octet-stream", "content-range": `${from}-${end - 1}` },
        body: piece.chunk.subarray(from - piece.offset),
        timeoutMs: timeoutFor(piece.chunk.length),
        okStatus: [202],
      });
      return nextLocation(connection, answer);
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE") || attempt >= CHUNK_ATTEMPTS) throw error;
      const status = await connection.request({ to: location, scope: pushScope(path), okStatus: [204] });
      location = nextLocation(connection, status);
      from = receivedBytes(status);
      if (from < piece.offset || from > end) throw lostTrack(from, piece.offset);
      if (from === end) return location;
    }
  }
}

/** `Range: 0-<last byte>`; an upload with nothing in it answers `0-0` or nothing. */
function receivedBytes(answer: HttpAnswer): number {
  const last = /(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1];
  return last === undefined || last === "0" ? 0 : Number(last) + 1;
}

function nextLocation(connection: Connection, answer: HttpAnswer): URL {
  const location = answer.headers.get("location");
  if (location !== null) return connection.locate(location);
  throw new ReleaseError("PROTOCOL", {
    rule: "the registry gave no Location to upload to",
    saw: String(answer.status),
  });
}

function lostTrack(saw: number, offset: number): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: "the registry lost a part of an upload",
    saw: `it has ${saw} bytes`,
    allowed: `${offset} or more`,
    hint: "run the step again: what is whole is not sent again",
  });
}

async function* chunksOf(source: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of source) {
    let rest = part;
    while (length + rest.length >= size) {
      parts.push(rest.subarray(0, size - length));
      rest = rest.subarray(size - length);
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
    }
    if (rest.length > 0) parts.push(rest);
    length += rest.length;
  }
  if (length > 0) yield Buffer.concat(parts);
}
