import type { CopiedSource } from "../../domain/dockerfile/copy.ts";
import type { ContextEntry } from "../../domain/image/context.ts";
import { followLinks, nameOf, parentOf, parentsOf, type Tree } from "./tree.ts";

/** One COPY with its words expanded and its sources found. */
export type Copy = {
  readonly sources: readonly CopiedSource[];
  /** Absolute, without a trailing slash. */
  readonly destination: string;
  /** Written with a trailing slash, as `.`, or with several sources: a folder, whether it exists or not. */
  readonly isFolder: boolean;
  readonly uid: number;
  readonly gid: number;
  /** Of files and folders that are copied; else what the context says. */
  readonly mode?: number;
  /** `--link`: the layer stands alone, whatever lies below it. */
  readonly isLinked: boolean;
};

/** An entry of the new layer; files say where in the context they come from. */
export type LayerEntry = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly type: "file"; readonly source: Extract<ContextEntry, { type: "file" }> }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "folder" }
);

/**
 * The entries of a COPY's layer, sorted by path. Folders on the way to a file are entries too: an engine that unpacks a layer by itself
 * would else make them anew, and a `/tmp` of the base would lose its mode. The tree then holds what was copied.
 */
export function copyEntries(copy: Copy, files: readonly ContextEntry[], tree: Tree): readonly LayerEntry[] {
  const below: Tree = copy.isLinked ? new Map() : tree;
  const layer = new Map<string, LayerEntry>();
  for (const source of copy.sources)
    for (const placed of placeSource(source, copy, { files, tree: below })) add(placed);
  for (const entry of layer.values()) remember(tree, entry);
  return [...layer.values()].sort((a, b) => (a.path < b.path ? -1 : 1));

  function add(entry: LayerEntry): void {
    for (const parent of parentsOf(entry.path)) {
      const known = below.get(parent);
      if (layer.has(parent)) continue;
      const made = { type: "folder", path: parent, mode: 0o755, uid: copy.uid, gid: copy.gid } as const;
      layer.set(parent, known?.type === "folder" ? { ...known, path: parent } : made);
    }
    const before = below.get(entry.path);
    const isKept = entry.type === "folder" && before?.type === "folder";
    layer.set(entry.path, isKept ? { ...before, path: entry.path } : entry);
  }
}

type Surroundings = { readonly files: readonly ContextEntry[]; readonly tree: Tree };

function placeSource(source: CopiedSource, copy: Copy, { files, tree }: Surroundings): readonly LayerEntry[] {
  return source.roots.flatMap((root) => {
    if (root.isFolder) {
      const prefix = root.path === "" ? "" : `${root.path}/`;
      const inside = files.filter(({ path }) => path.startsWith(prefix));
      const folder = folderEntry(followLinks(tree, copy.destination), copy);
      const contents = inside.flatMap((file) =>
        place(file, `${copy.destination}/${file.path.slice(prefix.length)}`, { copy, tree }),
      );
      return folder.path === "" ? contents : [folder, ...contents];
    }
    const file = files.find(({ path }) => path === root.path);
    if (file === undefined) return [];
    const intoFolder =
      copy.isFolder || tree.get(followLinks(tree, copy.destination))?.type === "folder" || copy.destination === "/";
    return place(file, intoFolder ? `${copy.destination}/${nameOf(file.path)}` : copy.destination, { copy, tree });
  });
}

/** A file goes through the links on its way; a link that stands in its very place is replaced. */
function place(
  file: ContextEntry,
  to: string,
  { copy, tree }: { readonly copy: Copy; readonly tree: Tree },
): readonly LayerEntry[] {
  const clean = to.split("/").filter(Boolean).join("/");
  const folder = followLinks(tree, parentOf(clean));
  const path = folder === "" ? nameOf(clean) : `${folder}/${nameOf(clean)}`;
  const owner = { uid: copy.uid, gid: copy.gid };
  switch (file.type) {
    case "file":
      return [{ type: "file", path, mode: copy.mode ?? Number.parseInt(file.mode, 8), ...owner, source: file }];
    case "link":
      return [{ type: "link", path, mode: 0o777, ...owner, target: file.target }];
    case "folder":
      return [folderEntry(path, copy)];
  }
}

function folderEntry(path: string, { uid, gid, mode }: Copy): LayerEntry {
  return { type: "folder", path, mode: mode ?? 0o755, uid, gid };
}

function remember(tree: Tree, entry: LayerEntry): void {
  if (entry.type === "file") tree.delete(entry.path);
  else if (entry.type === "link") tree.set(entry.path, { type: "link", target: entry.target });
  else tree.set(entry.path, { type: "folder", mode: entry.mode, uid: entry.uid, gid: entry.gid });
}
