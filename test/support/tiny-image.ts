import { MEDIA_TYPES } from "../../actions/shared/domain/image/manifest.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import type { Blob, ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";

/** A tiny image whose blobs are in the store already; its manifest is not. */
export async function putImage(store: ImageStore, repository: string, content: string): Promise<StoredManifest> {
  const layer = Buffer.from(`layer of ${content}`);
  const config = Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [sha256(layer)] } }),
  );
  for (const bytes of [layer, config]) await store.put(repository, blobOf(bytes));
  const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.length });
  const bytes = Buffer.from(
    // Spaces that no serialiser would write: whoever writes it anew changes the digest.
    JSON.stringify(
      {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.manifest,
        config: describe(MEDIA_TYPES.config, config),
        layers: [describe(MEDIA_TYPES.layer, layer)],
      },
      undefined,
      3,
    ),
  );
  return { mediaType: MEDIA_TYPES.manifest, digest: sha256(bytes), bytes };
}

export function blobOf(bytes: Buffer): Blob {
  return { digest: sha256(bytes), size: bytes.length, open: () => chunks(bytes) };
}

export async function* chunks(bytes: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
