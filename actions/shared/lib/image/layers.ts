import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip, createZstdDecompress } from "node:zlib";
import type { Digest } from "../../domain/digest.ts";
import { type Descriptor, layerPacking, MEDIA_TYPES } from "../../domain/image/manifest.ts";
import type { Blob } from "../../ports/image-store.ts";
import { ReleaseError } from "../error.ts";
import { sha256File } from "../hash.ts";

/** A layer's plain tar, by its own digest; opened as often as needed. */
export type PlainLayer = { readonly diffId: Digest; open(): AsyncIterable<Uint8Array> };

export type PackedLayer = { readonly descriptor: Descriptor; readonly blob: Blob };

/**
 * 1 to 9. Level 4 takes a third of the time of the usual 6 for 5 % more bytes (100 MB of shared libraries). Changing it changes
 * digests: BUILDER_CLASSES must change with it.
 */
const GZIP_LEVEL = 4;

/** Packs a layer into a file: the same bytes for the same layer. Fails where the plain bytes are not those of the diff id. */
export async function packLayer(layer: PlainLayer, file: string): Promise<PackedLayer> {
  const hash = createHash("sha256");
  async function* plain(): AsyncIterable<Uint8Array> {
    for await (const chunk of layer.open()) {
      hash.update(chunk);
      yield chunk;
    }
  }
  await pipeline(
    Readable.from(plain(), { objectMode: false }),
    createGzip({ level: GZIP_LEVEL }),
    createWriteStream(file),
  );
  const saw = `sha256:${hash.digest("hex")}`;
  if (saw !== layer.diffId)
    throw new ReleaseError("INTEGRITY", {
      rule: "a layer changed while it was read",
      saw,
      allowed: layer.diffId,
      hint: "nothing may write into the build context during a build",
    });
  const { digest, size } = await sha256File(file);
  return { descriptor: { mediaType: MEDIA_TYPES.gzipLayer, digest, size }, blob: fileBlob(file, { digest, size }) };
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
