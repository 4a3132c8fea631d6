import { unpackLayer } from "../../actions/shared/lib/image/layers.ts";
import { hostPlatform } from "../../actions/shared/lib/image/platform.ts";
import { type ReadImage, readImage } from "../../actions/shared/lib/image/read-image.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { readTar } from "../../actions/shared/lib/tar/read-tar.ts";
import type { ImageStore } from "../../actions/shared/ports/image-store.ts";

/** `755 0:0 folder`, `644 1000:1000 file <text>`, `link usr/lib`: what a program in the container would find, by path. */
export type ImageTree = Readonly<Record<string, string>>;

export function readStored(store: ImageStore, repository: string, reference: string): Promise<ReadImage> {
  return readImage(store, repository, { reference, platform: hostPlatform() });
}

/** All layers on top of each other, whiteouts carried out. */
export async function imageTree(store: ImageStore, image: ReadImage): Promise<ImageTree> {
  const tree = new Map<string, string>();
  for (const layer of image.manifest.layers) {
    for await (const { entry, content } of readTar(unpackLayer(layer, store.open(image.repository, layer)))) {
      const path = entry.path
        .split("/")
        .filter((part) => part !== "" && part !== ".")
        .join("/");
      const name = path.split("/").at(-1) ?? "";
      if (path === "") continue;
      if (name.startsWith(".wh.")) {
        const gone = path.slice(0, path.length - name.length) + name.slice(4);
        for (const other of [...tree.keys()]) if (other === gone || other.startsWith(`${gone}/`)) tree.delete(other);
        continue;
      }
      const about = `${entry.mode.toString(8)} ${entry.uid}:${entry.gid}`;
      if (entry.type === "file") tree.set(path, `${about} file ${shown(await readWhole(content()))}`);
      else tree.set(path, entry.type === "folder" ? `${about} folder` : `${entry.type} ${entry.target}`);
    }
  }
  return Object.fromEntries([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shown(bytes: Uint8Array): string {
  return bytes.length > 100 ? `(${bytes.length} bytes)` : Buffer.from(bytes).toString();
}
