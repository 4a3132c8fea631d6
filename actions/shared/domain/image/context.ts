import type { Digest } from "../digest.ts";

/** What can change an image of one path of a build context: not times, not owners, and of the mode only whether it may be run. */
export type ContextEntry =
  | {
      readonly type: "file";
      readonly path: string;
      readonly mode: "755" | "644";
      readonly size: number;
      readonly digest: Digest;
    }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  /** Only where nothing is in it: other folders are known by their files. */
  | { readonly type: "folder"; readonly path: string };

/** Whether a relative symbolic link leads out of the folder that it lies in. */
export function leavesContext(path: string, target: string): boolean {
  if (target.startsWith("/")) return false;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}
