import * as v from "valibot";
import { canonicalJson, type Json } from "../../domain/canonical.ts";
import { ImageConfigSchema, portableConfig } from "../../domain/image/config.ts";
import { type Descriptor, IndexSchema, type Manifest, ManifestSchema } from "../../domain/image/manifest.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256 } from "../../lib/hash.ts";
import { openPart, type PlainLayer, unpackLayer } from "../../lib/image/layers.ts";
import { readWhole } from "../../lib/image/verified.ts";
import { type TarPart, tarIndex } from "../../lib/tar/read-tar.ts";
import type { StoredManifest } from "../../ports/image-store.ts";

/** What an engine saved: its configuration, less what is of this build and this machine only, and layers in order. */
export type SavedImage = { readonly config: Uint8Array; readonly layers: readonly PlainLayer[] };

/** What a builder saved in the OCI layout: a manifest whose blobs are packed already. */
export type SavedLayout = {
  readonly stored: StoredManifest;
  readonly manifest: Manifest;
  readonly open: (blob: Descriptor) => AsyncIterable<Uint8Array>;
};

const SavedSchema = v.tuple([v.looseObject({ Config: v.string(), Layers: v.nullable(v.array(v.string())) })]);

/** How a layer is packed in an archive, by its first bytes: engines keep it as they have it. */
const PACKINGS = { "1f8b": "tar+gzip", "28b5": "tar+zstd" } as const;

/** Reads `docker save` of one image, whichever engine and age. */
export async function openDockerArchive(file: string): Promise<SavedImage> {
  const parts = await tarIndex(file);
  const [saved] = decode(SavedSchema, await readJson(file, parts, "manifest.json"), "the saved image");
  const written = await readJson(file, parts, saved.Config);
  const image = portableConfig(decode(ImageConfigSchema, written, "the saved configuration"));
  const config = Buffer.from(canonicalJson(image as Json));
  const { rootfs } = image;
  const names = saved.Layers ?? [];
  const diffIds = rootfs.diff_ids ?? [];
  if (names.length !== diffIds.length)
    throw new ReleaseError("PROTOCOL", {
      rule: "a saved image must have a layer for each diff id",
      saw: `${names.length} layers, ${diffIds.length} diff ids`,
    });
  const layers = await Promise.all(
    names.map(async (name, i) => {
      const part = partAt(parts, name, file);
      const open = await plainOpener(file, part);
      // packLayer compares what it reads with this.
      return { diffId: diffIds[i] ?? sha256(""), open };
    }),
  );
  return { config, layers };
}

/** Reads an archive in the OCI layout that holds one image. */
export async function openOciArchive(file: string): Promise<SavedLayout> {
  const parts = await tarIndex(file);
  const index = decode(IndexSchema, await readJson(file, parts, "index.json"), "the saved index");
  const entry = index.manifests[0];
  if (entry === undefined || index.manifests.length !== 1)
    throw new ReleaseError("PROTOCOL", {
      rule: "a saved index must name one image",
      saw: String(index.manifests.length),
    });
  const bytes = await readPart(file, blobAt(parts, entry.digest, file));
  if (sha256(bytes) !== entry.digest)
    throw new ReleaseError("INTEGRITY", {
      rule: "a saved manifest must have its digest",
      saw: sha256(bytes),
      allowed: entry.digest,
    });
  const manifest = decode(ManifestSchema, JSON.parse(new TextDecoder().decode(bytes)), "the saved manifest");
  const open = (blob: Descriptor) => {
    const { offset, entry: part } = blobAt(parts, blob.digest, file);
    return openPart(file, offset, part.size);
  };
  return { stored: { mediaType: entry.mediaType, digest: entry.digest, bytes }, manifest, open };
}

async function plainOpener(file: string, { offset, entry }: TarPart): Promise<() => AsyncIterable<Uint8Array>> {
  const head = Buffer.from(await readWhole(openPart(file, offset, Math.min(2, entry.size))));
  const packed = () => openPart(file, offset, entry.size);
  const magic = head.toString("hex");
  const mediaType = magic in PACKINGS ? PACKINGS[magic as keyof typeof PACKINGS] : undefined;
  return mediaType === undefined ? packed : () => unpackLayer({ mediaType }, packed());
}

function blobAt(parts: ReadonlyMap<string, TarPart>, digest: string, file: string): TarPart {
  return partAt(parts, `blobs/${digest.replace(":", "/")}`, file);
}

/** Older archives hold a layer that two images share once, and a link to it. */
function partAt(parts: ReadonlyMap<string, TarPart>, name: string, file: string): TarPart {
  const part = parts.get(name);
  if (part?.entry.type === "file") return part;
  if (part?.entry.type === "link") {
    const folder = name.split("/").slice(0, -1);
    const target: string[] = [];
    for (const step of [...folder, ...part.entry.target.split("/")]) {
      if (step === "..") target.pop();
      else if (step !== ".") target.push(step);
    }
    const linked = parts.get(target.join("/"));
    if (linked?.entry.type === "file") return linked;
  }
  throw new ReleaseError("PROTOCOL", { rule: "a saved image lacks one of its parts", where: { file }, saw: name });
}

async function readJson(file: string, parts: ReadonlyMap<string, TarPart>, name: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readPart(file, partAt(parts, name, file))));
}

function readPart(file: string, { offset, entry }: TarPart): Promise<Uint8Array> {
  return readWhole(openPart(file, offset, entry.size));
}
