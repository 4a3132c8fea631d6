/** What a file system holds at a path, as far as it decides where a copy goes: files do not. */
export type TreeNode =
  | { readonly type: "folder"; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly type: "link"; readonly target: string };

/** The folders and links of an image by path, without a leading slash. */
export type Tree = Map<string, TreeNode>;

const MAX_LINKS = 40;

/** The path with every link on the way followed, as a program in the container would; what does not exist is taken as it is written. */
export function followLinks(tree: Tree, path: string): string {
  let rest = path.split("/").filter((part) => part !== "" && part !== ".");
  let at: readonly string[] = [];
  let links = 0;
  while (rest.length > 0) {
    const [part = "", ...after] = rest;
    rest = after;
    if (part === "..") {
      at = at.slice(0, -1);
      continue;
    }
    const next = [...at, part];
    const node = tree.get(next.join("/"));
    if (node?.type !== "link" || ++links > MAX_LINKS) {
      at = next;
      continue;
    }
    rest = [...node.target.split("/").filter((name) => name !== "" && name !== "."), ...rest];
    if (node.target.startsWith("/")) at = [];
  }
  return at.join("/");
}

/** `a`, `a/b` of `a/b/c`. */
export function parentsOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Takes up one entry of a layer's archive: what it adds, or by a whiteout takes away. */
export function applyEntry(tree: Tree, path: string, node: TreeNode | undefined): void {
  const name = nameOf(path);
  const folder = parentOf(path);
  if (name === ".wh..wh..opq") removeBelow(tree, folder);
  else if (name.startsWith(".wh.")) removeWhole(tree, [folder, name.slice(".wh.".length)].filter(Boolean).join("/"));
  else if (node === undefined) removeWhole(tree, path);
  else {
    if (node.type === "link") removeWhole(tree, path);
    tree.set(path, node);
  }
}

function removeWhole(tree: Tree, path: string): void {
  if (tree.get(path)?.type === "folder") removeBelow(tree, path);
  tree.delete(path);
}

function removeBelow(tree: Tree, folder: string): void {
  const prefix = folder === "" ? "" : `${folder}/`;
  for (const path of [...tree.keys()]) if (path.startsWith(prefix)) tree.delete(path);
}
