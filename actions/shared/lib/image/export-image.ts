import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Digest, hexOf } from "../../domain/digest.ts";
import type { ImageStore } from "../../ports/image-store.ts";
import { type NewTarEntry, writeTar } from "../tar/write-tar.ts";
import { once } from "./put-image.ts";
import { readImage } from "./read-image.ts";

export type ExportedImage = {
  /** The digest of the configuration, which docker and podman call the image's id. */
  readonly id: Digest;
  /** A name that the engine gives it while loading: `<repository>:sha256-<hex>`. */
  readonly name: string;
};

export type ImageExport = {
  readonly repository: string;
  readonly digest: string;
  /** `linux/amd64`; needed where the digest is an index. */
  readonly platform: string;
  /** Where the archive is written. */
  readonly file: string;
};

/**
 * Writes an image as an archive that `docker load` and `podman load` take, layers packed as they are stored and checked against their
 * digests on the way.
 */
export async function exportImage(
  store: ImageStore,
  { repository, digest, platform, file }: ImageExport,
): Promise<ExportedImage> {
  const { manifest, configBytes } = await readImage(store, repository, { reference: digest, platform });
  const config = `${hexOf(manifest.config.digest)}.json`;
  const name = engineName(repository, digest);
  const layers = manifest.layers.map((layer) => ({ ...layer, path: `${hexOf(layer.digest)}.tar` }));
  const index = Buffer.from(
    JSON.stringify([{ Config: config, RepoTags: [name], Layers: layers.map(({ path }) => path) }]),
  );
  const unique = [...new Map(layers.map((layer) => [layer.path, layer])).values()];
  const entries: readonly NewTarEntry[] = [
    bytesEntry("manifest.json", index),
    bytesEntry(config, configBytes),
    ...unique.map((layer) => fileEntry(layer.path, layer.size, () => store.open(repository, layer))),
  ];
  await pipeline(Readable.from(writeTar(entries), { objectMode: false }), createWriteStream(file));
  return { id: manifest.config.digest, name };
}

/** What an engine calls an image of ours: engines cannot be given a digest as a name. */
export function engineName(repository: string, digest: string): string {
  return `${repository}:${digest.replace(":", "-")}`;
}

function bytesEntry(path: string, bytes: Uint8Array): NewTarEntry {
  return fileEntry(path, bytes.length, () => once(bytes));
}

function fileEntry(path: string, size: number, open: () => AsyncIterable<Uint8Array>): NewTarEntry {
  return { type: "file", path, size, open, mode: 0o644, uid: 0, gid: 0 };
}
