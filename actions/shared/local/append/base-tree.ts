import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { readIfSound } from "../../lib/decode.ts";
import { unpackLayer } from "../../lib/image/layers.ts";
import type { ReadImage } from "../../lib/image/read-image.ts";
import { readTar, type TarEntry } from "../../lib/tar/read-tar.ts";
import { writeFileAtomic } from "../../lib/write-file.ts";
import type { ImageStore } from "../../ports/image-store.ts";
import { applyEntry, type Tree, type TreeNode } from "./tree.ts";

const TreeSchema = v.array(
  v.tuple([
    v.string(),
    v.variant("type", [
      v.object({ type: v.literal("folder"), mode: v.number(), uid: v.number(), gid: v.number() }),
      v.object({ type: v.literal("link"), target: v.string() }),
    ]),
  ]),
);

/** The folders and links of a base image. Its layers are read once for each digest: `cache` is the file that keeps the answer. */
export async function baseTree(store: ImageStore, { repository, manifest }: ReadImage, cache: string): Promise<Tree> {
  const kept = await readCache(cache);
  if (kept !== undefined) return kept;
  const tree: Tree = new Map();
  for (const layer of manifest.layers) {
    for await (const { entry } of readTar(unpackLayer(layer, store.open(repository, layer)))) {
      applyEntry(tree, cleanEntryPath(entry.path), nodeOf(entry));
    }
  }
  tree.delete("");
  await mkdir(dirname(cache), { recursive: true });
  await writeFileAtomic(cache, JSON.stringify([...tree]));
  return tree;
}

/** `./usr/lib/` and `/usr/lib` are `usr/lib`. */
export function cleanEntryPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

export function nodeOf(entry: TarEntry): TreeNode | undefined {
  if (entry.type === "folder") return { type: "folder", mode: entry.mode, uid: entry.uid, gid: entry.gid };
  return entry.type === "link" ? { type: "link", target: entry.target } : undefined;
}

/** A cache that cannot be read is as good as none. */
async function readCache(file: string): Promise<Tree | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const entries = readIfSound(TreeSchema, text);
  return entries && new Map(entries);
}
