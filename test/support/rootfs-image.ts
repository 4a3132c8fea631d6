import { once } from "../../actions/shared/lib/image/put-image.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { type NewTarEntry, writeTar } from "../../actions/shared/lib/tar/write-tar.ts";
import { appendBuilder } from "../../actions/shared/local/append/append-builder.ts";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import { buildRequest } from "./build-request.ts";

const OWNER = { uid: 0, gid: 0 };

export function folderEntry(path: string, mode = 0o755): NewTarEntry {
  return { type: "folder", path, mode, ...OWNER };
}

export function fileEntry(path: string, content: Uint8Array | string, mode = 0o644): NewTarEntry {
  const bytes = Buffer.from(content);
  return { type: "file", path, size: bytes.length, open: () => once(bytes), mode, ...OWNER };
}

export function linkEntry(path: string, target: string): NewTarEntry {
  return { type: "link", path, target, mode: 0o777, ...OWNER };
}

export type RootfsImage = {
  readonly repository: string;
  readonly entries: readonly NewTarEntry[];
  /** What stands in the Dockerfile behind `FROM scratch`. */
  readonly settings: string;
  readonly temp: string;
};

/** Stores an image of these files, without a registry or a builder, under the tag `1`. */
export async function putRootfsImage(
  store: ImageStore,
  { repository, entries, settings, temp }: RootfsImage,
): Promise<StoredManifest> {
  const files = {
    Dockerfile: `FROM scratch\nADD rootfs.tar /\n${settings}`,
    "rootfs.tar": await readWhole(writeTar(entries)),
  };
  const { manifest } = await appendBuilder(temp).build(await buildRequest({ store, repository, files }));
  await store.tag(repository, manifest, "1");
  return manifest;
}
