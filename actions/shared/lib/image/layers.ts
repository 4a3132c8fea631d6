import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGunzip, createZstdDecompress, gzip, type ZlibOptions } from "node:zlib";
import type { Digest } from "../../domain/digest.ts";
import { type Descriptor, layerPacking, MEDIA_TYPES } from "../../domain/image/manifest.ts";
import type { Blob } from "../../ports/image-store.ts";
import { ReleaseError } from "../error.ts";

/** A layer's plain tar, by its own digest; opened as often as needed. */
export type PlainLayer = { readonly diffId: Digest; open(): AsyncIterable<Uint8Array> };

export type PackedLayer = { readonly descriptor: Descriptor; readonly blob: Blob };

/**
 * 1 to 9. Level 4 takes a third of the time of the usual 6 for 5 % more bytes (100 MB of shared libraries). Changing it changes
 * digests: BUILDER_CLASSES must change with it.
 */
const GZIP_LEVEL = 4;

/** Compressed by themselves, several at once: a gzip file may have many members, and every engine reads them. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCKS_AT_ONCE = 4;

/** Packs a layer into a file: the same bytes for the same layer. Fails where the plain bytes are not those of the diff id. */
export async function packLayer(layer: PlainLayer, file: string): Promise<PackedLayer> {
  const [plain, packed] = [createHash("sha256"), createHash("sha256")];
  let size = 0;
  async function* members(): AsyncIterable<Uint8Array> {
    for await (const member of compressBlocks(blocksOf(layer.open(), plain))) {
      packed.update(member);
      size += member.length;
      yield member;
    }
  }
  await pipeline(Readable.from(members(), { objectMode: false }), createWriteStream(file));
  const saw = `sha256:${plain.digest("hex")}`;
  if (saw !== layer.diffId)
    throw new ReleaseError("INTEGRITY", {
      rule: "a layer changed while it was read",
      saw,
      allowed: layer.diffId,
      hint: "nothing may write into the build context during a build",
    });
  const digest: Digest = `sha256:${packed.digest("hex")}`;
  return { descriptor: { mediaType: MEDIA_TYPES.gzipLayer, digest, size }, blob: fileBlob(file, { digest, size }) };
}

const compress = promisify<Uint8Array, ZlibOptions, Buffer>(gzip);

/** In order, a few ahead of the one that is taken. */
async function* compressBlocks(blocks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const running: Promise<Buffer>[] = [];
  for await (const block of blocks) {
    running.push(compress(block, { level: GZIP_LEVEL }));
    const first = running.length >= BLOCKS_AT_ONCE ? running.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const rest of running) yield await rest;
}

/** The same blocks however the bytes come. */
async function* blocksOf(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, BLOCK_BYTES - length);
      parts.push(part);
      length += part.length;
      rest = rest.subarray(part.length);
      if (length < BLOCK_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
    }
  }
  yield Buffer.concat(parts);
}

export function fileBlob(file: string, { digest, size }: { readonly digest: Digest; readonly size: number }): Blob {
  return { digest, size, open: () => createReadStream(file, { highWaterMark: 1024 * 1024 }) };
}

/** A part of a file as a stream. */
export function openPart(file: string, offset: number, size: number): AsyncIterable<Uint8Array> {
  if (size === 0) return Readable.from([]);
  return createReadStream(file, { start: offset, end: offset + size - 1, highWaterMark: 1024 * 1024 });
}

/** The plain tar of a stored layer. Throws `PROTOCOL` for a packing that is not known. */
export function unpackLayer(
  { mediaType }: Pick<Descriptor, "mediaType">,
  packed: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const packing = layerPacking(mediaType);
  switch (packing) {
    case "none":
      return packed;
    case "gzip":
      return through(packed, createGunzip());
    case "zstd":
      return through(packed, createZstdDecompress());
    case undefined:
      throw new ReleaseError("PROTOCOL", {
        rule: "a layer must be a tar archive",
        saw: mediaType,
        allowed: "plain, gzip, zstd",
      });
  }
}

/** Whatever a local archive is packed with, by its first bytes; undefined for what is no tar that we read. */
export async function openArchive(file: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { size } = await stat(file);
  const start: Buffer[] = [];
  for await (const chunk of openPart(file, 0, Math.min(size, 512))) start.push(Buffer.from(chunk));
  const head = Buffer.concat(start);
  if (head[0] === 0x1f && head[1] === 0x8b) return through(createReadStream(file), createGunzip());
  if (head.length === 512 && head.toString("latin1", 257, 262) === "ustar") return createReadStream(file);
  return undefined;
}

/** Archives that docker would unpack and we do not: xz, bzip2, zstd. */
export async function isPackedOtherwise(file: string): Promise<boolean> {
  const start: Buffer[] = [];
  for await (const chunk of openPart(file, 0, Math.min((await stat(file)).size, 6))) start.push(Buffer.from(chunk));
  const head = Buffer.concat(start).toString("hex");
  return ["fd377a585a00", "425a68", "28b52ffd"].some((magic) => head.startsWith(magic));
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: NodeJS.ReadWriteStream,
): AsyncIterable<Uint8Array> {
  const done = pipeline(Readable.from(source, { objectMode: false }), transform);
  // Awaited below; until then a failure must not be taken for unhandled.
  done.catch(() => {});
  yield* transform as AsyncIterable<Uint8Array>;
  await done;
}
