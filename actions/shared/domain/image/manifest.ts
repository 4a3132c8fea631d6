import * as v from "valibot";
import { DigestSchema } from "../digest.ts";

export const MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  gzipLayer: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstdLayer: "application/vnd.oci.image.layer.v1.tar+zstd",
  empty: "application/vnd.oci.empty.v1+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerGzipLayer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Annotations = v.record(v.string(), v.string());

export const DescriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: DigestSchema,
  size: Size,
  annotations: v.optional(Annotations),
  platform: v.optional(v.looseObject({ os: v.string(), architecture: v.string(), variant: v.optional(v.string()) })),
});

export const IndexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  manifests: v.array(DescriptorSchema),
});

export const ManifestSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: DescriptorSchema,
  layers: v.array(DescriptorSchema),
  annotations: v.optional(Annotations),
});

export type Descriptor = Readonly<v.InferOutput<typeof DescriptorSchema>>;
export type Index = Readonly<v.InferOutput<typeof IndexSchema>>;
export type Manifest = Readonly<v.InferOutput<typeof ManifestSchema>>;

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.index || mediaType === MEDIA_TYPES.dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.manifest || mediaType === MEDIA_TYPES.dockerManifest;
}

/** What we ask a registry for: without it, some answer with another form of the manifest, and so with another digest. */
export const ACCEPTED_MANIFESTS = [
  MEDIA_TYPES.index,
  MEDIA_TYPES.manifest,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.dockerManifest,
].join(", ");

/** `linux/amd64`, `linux/arm64/v8`: the entry of an index for a platform, by its exact variant first. */
export function manifestFor(index: Index, platform: string): Descriptor | undefined {
  const [os, architecture, variant] = platform.split("/");
  const fitting = index.manifests.filter(
    (entry) => entry.platform?.os === os && entry.platform?.architecture === architecture,
  );
  return fitting.find((entry) => entry.platform?.variant === variant) ?? fitting[0];
}

export type LayerPacking = "none" | "gzip" | "zstd";

/** How a layer's bytes are packed; undefined for what is no layer that we know. */
export function layerPacking(mediaType: string): LayerPacking | undefined {
  if (/\.(tar\.gzip|tar\+gzip)$/.test(mediaType)) return "gzip";
  if (/\.tar\+zstd$/.test(mediaType)) return "zstd";
  return /\.tar$/.test(mediaType) ? "none" : undefined;
}
