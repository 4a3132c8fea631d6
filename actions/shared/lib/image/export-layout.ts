import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Digest, hexOf } from "../../domain/digest.ts";
import type { ImageStore } from "../../ports/image-store.ts";
import { readImage } from "./read-image.ts";

export type LayoutExport = {
  readonly repository: string;
  readonly digest: string;
  /** `linux/amd64`; needed where the digest is an index. */
  readonly platform: string;
  readonly folder: string;
};

/** Writes one image as an OCI layout of its own, for builders that take a base from a folder. */
export async function exportLayout(
  store: ImageStore,
  { repository, digest, platform, folder }: LayoutExport,
): Promise<{ readonly manifestDigest: Digest }> {
  const { stored, manifest } = await readImage(store, repository, { reference: digest, platform });
  const pathOf = (blob: Digest) => join(folder, "blobs", "sha256", hexOf(blob));
  await mkdir(join(folder, "blobs", "sha256"), { recursive: true });
  for (const blob of [...manifest.layers, manifest.config]) {
    await pipeline(
      Readable.from(store.open(repository, blob), { objectMode: false }),
      createWriteStream(pathOf(blob.digest)),
    );
  }
  await writeFile(pathOf(stored.digest), stored.bytes);
  await writeFile(join(folder, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`);
  const entry = { mediaType: stored.mediaType, digest: stored.digest, size: stored.bytes.length };
  await writeFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  return { manifestDigest: stored.digest };
}
