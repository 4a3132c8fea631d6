import { join } from "node:path";
import type { Digest } from "../../domain/digest.ts";
import { type Descriptor, layerPacking, type Manifest, MEDIA_TYPES } from "../../domain/image/manifest.ts";
import type { Blob, ImageStore, StoredManifest } from "../../ports/image-store.ts";
import { sha256 } from "../hash.ts";
import { type PlainLayer, packLayer } from "./layers.ts";
import type { ReadImage } from "./read-image.ts";

/** A layer that some repository has already, by the digest of its plain tar: neither packed nor sent again. */
export type KnownLayers = ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly repository: string }>;

export function knownLayers(images: readonly ReadImage[]): KnownLayers {
  return new Map(
    images.flatMap(({ manifest, config, repository }) =>
      manifest.layers.flatMap((descriptor, i) => {
        const diffId = config.rootfs.diff_ids?.[i];
        return diffId === undefined ? [] : [[diffId, { descriptor, repository }] as const];
      }),
    ),
  );
}

export type NewImage = {
  readonly store: ImageStore;
  readonly repository: string;
  readonly config: Uint8Array;
  readonly layers: readonly PlainLayer[];
  readonly known: KnownLayers;
  /** Folder for packed layers; the caller removes it. */
  readonly temp: string;
};

export type Stored = { readonly manifest: StoredManifest; readonly bytesWritten: number };

/** Stores an image by digest: its layers in order, its configuration's exact bytes, and a manifest that names them. */
export async function putImage({ store, repository, config, layers, known, temp }: NewImage): Promise<Stored> {
  let bytesWritten = 0;
  const descriptors: Descriptor[] = [];
  for (const [i, layer] of layers.entries()) {
    const have = known.get(layer.diffId);
    const packed =
      have === undefined
        ? await packLayer(layer, join(temp, `layer-${i}.tar.gz`))
        : { descriptor: ociLayer(have.descriptor), blob: blobIn(store, have.repository, have.descriptor) };
    bytesWritten += await put({ store, repository }, packed.blob, have?.repository);
    descriptors.push(packed.descriptor);
  }
  const configBlob = { digest: sha256(config), size: config.length, open: () => once(config) };
  bytesWritten += await put({ store, repository }, configBlob);
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, digest: configBlob.digest, size: configBlob.size },
      layers: descriptors,
    }),
  );
  const manifest = { mediaType: MEDIA_TYPES.manifest, digest: sha256(bytes), bytes };
  await store.tag(repository, manifest);
  return { manifest, bytesWritten };
}

/** Stores an image whose manifest and packed blobs are there as they are, changing no byte. */
export async function putExactly(
  { store, repository }: Pick<NewImage, "store" | "repository">,
  {
    stored,
    manifest,
    open,
  }: {
    readonly stored: StoredManifest;
    readonly manifest: Manifest;
    readonly open: (blob: Descriptor) => AsyncIterable<Uint8Array>;
  },
): Promise<Stored> {
  let bytesWritten = 0;
  for (const blob of [...manifest.layers, manifest.config]) {
    bytesWritten += await put({ store, repository }, { digest: blob.digest, size: blob.size, open: () => open(blob) });
  }
  await store.tag(repository, stored);
  return { manifest: stored, bytesWritten };
}

export function blobIn(store: ImageStore, repository: string, { digest, size }: Descriptor): Blob {
  return { digest, size, open: () => store.open(repository, { digest, size }) };
}

export async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function put({ store, repository }: Pick<NewImage, "store" | "repository">, blob: Blob, from?: string) {
  return (await store.put(repository, blob, from)) === "written" ? blob.size : 0;
}

/** Docker's name of the same bytes is not for a manifest of the OCI kind. */
function ociLayer({ mediaType, digest, size }: Descriptor): Descriptor {
  const types = { none: MEDIA_TYPES.layer, gzip: MEDIA_TYPES.gzipLayer, zstd: MEDIA_TYPES.zstdLayer } as const;
  return { mediaType: types[layerPacking(mediaType) ?? "gzip"], digest, size };
}
