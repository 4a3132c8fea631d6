import { type ImageConfig, ImageConfigSchema, platformOf } from "../../domain/image/config.ts";
import {
  IndexSchema,
  isIndexType,
  isManifestType,
  type Manifest,
  ManifestSchema,
  manifestFor,
} from "../../domain/image/manifest.ts";
import type { ImageStore, StoredManifest } from "../../ports/image-store.ts";
import { decode } from "../decode.ts";
import { ReleaseError } from "../error.ts";
import { readWhole } from "./verified.ts";

/** One image of one platform with its parts read and its configuration's bytes as they are. */
export type ReadImage = {
  readonly repository: string;
  readonly stored: StoredManifest;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
};

/** Reads an image's manifest; of an index, the entry for the platform. Undefined where the store does not have it. */
export async function findManifest(
  store: ImageStore,
  repository: string,
  { reference, platform }: { readonly reference: string; readonly platform: string },
): Promise<StoredManifest | undefined> {
  const stored = await store.find(repository, reference);
  if (stored === undefined || !isIndexType(stored.mediaType)) return stored;
  const index = decode(IndexSchema, parse(stored.bytes, repository), `the index of ${repository}`);
  const entry = manifestFor(index, platform);
  if (entry !== undefined) return store.find(repository, entry.digest);
  const has = index.manifests.map((other) => `${other.platform?.os}/${other.platform?.architecture}`).join(", ");
  throw new ReleaseError("NOT_FOUND", { rule: `${repository} has no image for ${platform}`, saw: has });
}

export async function readImage(
  store: ImageStore,
  repository: string,
  wanted: { readonly reference: string; readonly platform: string },
): Promise<ReadImage> {
  const stored = await findManifest(store, repository, wanted);
  if (stored === undefined)
    throw new ReleaseError("NOT_FOUND", { rule: "the image is not there", saw: `${repository}@${wanted.reference}` });
  if (!isManifestType(stored.mediaType))
    throw new ReleaseError("PROTOCOL", { rule: `${repository} is no image`, saw: stored.mediaType });
  const manifest = decode(ManifestSchema, parse(stored.bytes, repository), `the manifest of ${repository}`);
  const configBytes = await readWhole(store.open(repository, manifest.config));
  const config = decode(ImageConfigSchema, parse(configBytes, repository), `the configuration of ${repository}`);
  if ((config.rootfs.diff_ids ?? []).length !== manifest.layers.length)
    throw new ReleaseError("INTEGRITY", {
      rule: `the manifest and the configuration of ${repository} must have as many layers`,
      saw: `${manifest.layers.length} and ${(config.rootfs.diff_ids ?? []).length}`,
    });
  if (platformOf(config).split("/").slice(0, 2).join("/") !== wanted.platform.split("/").slice(0, 2).join("/"))
    throw new ReleaseError("REFUSED", {
      rule: `${repository} is for another platform`,
      saw: platformOf(config),
      allowed: wanted.platform,
    });
  return { repository, stored, manifest, config, configBytes };
}

function parse(bytes: Uint8Array, repository: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ReleaseError("PROTOCOL", { rule: `${repository} gave no JSON` }, error);
  }
}
