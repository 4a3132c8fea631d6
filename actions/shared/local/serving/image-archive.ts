import { type Descriptor, IndexSchema, isIndexType, ManifestSchema, manifestFor } from "../../domain/image/manifest.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { writeTar } from "../../lib/tar.ts";
import type { ImageStore } from "../../ports/image-store.ts";
import type { ImageOfRelease } from "./container.ts";

/** An image of the layout folder as engines load it; its id is the digest of its configuration. */
export type LoadableImage = {
  readonly repository: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
};

/** Throws `NOT_FOUND` where the layout does not hold the image for this machine. */
export async function readLoadable(store: ImageStore, image: ImageOfRelease): Promise<LoadableImage> {
  const repository = image.ref.slice(0, image.ref.indexOf("@"));
  const { config, layers } = decode(ManifestSchema, await readManifest(store, repository, image), image.ref);
  return { repository, config, layers };
}

async function readManifest(store: ImageStore, repository: string, image: ImageOfRelease): Promise<unknown> {
  const found = (await store.find(repository, image.digest)) ?? missing(image);
  const value: unknown = JSON.parse(new TextDecoder().decode(found.bytes));
  if (!isIndexType(found.mediaType)) return value;
  const platform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
  const own = manifestFor(decode(IndexSchema, value, image.ref), platform) ?? missing(image);
  return readManifest(store, repository, { ref: image.ref, digest: own.digest });
}

function missing(image: ImageOfRelease): never {
  throw new ReleaseError("NOT_FOUND", {
    rule: "the serving image of the release must be in the image layout",
    saw: image.ref,
    hint: "run build-images on this machine, or give it a registry",
  });
}

/** The archive that `docker load` and `podman load` of every age take: configuration, layers, and a manifest that names them. */
export function writeArchive(store: ImageStore, image: LoadableImage): AsyncIterable<Uint8Array> {
  const config = `${hexOf(image.config)}.json`;
  // A layer that occurs twice is one file.
  const layers = [...new Map(image.layers.map((layer) => [layer.digest, layer])).values()];
  const manifest = [{ Config: config, RepoTags: null, Layers: image.layers.map((layer) => `${hexOf(layer)}.tar`) }];
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const file = { type: "file", mode: 0o644, uid: 0, gid: 0 } as const;
  const blob = (path: string, descriptor: Descriptor) => ({
    ...file,
    path,
    size: descriptor.size,
    open: () => store.open(image.repository, descriptor),
  });
  return writeTar([
    blob(config, image.config),
    ...layers.map((layer) => blob(`${hexOf(layer)}.tar`, layer)),
    { ...file, path: "manifest.json", size: bytes.length, open: () => once(bytes) },
  ]);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function hexOf({ digest }: Descriptor): string {
  return digest.slice("sha256:".length);
}
