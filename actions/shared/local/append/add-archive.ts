import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { CopiedSource } from "../../domain/dockerfile/copy.ts";
import type { Instruction } from "../../domain/dockerfile/parse.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256Stream } from "../../lib/hash.ts";
import { isPackedOtherwise, openArchive, type PlainLayer } from "../../lib/image/layers.ts";
import { verified } from "../../lib/image/verified.ts";
import { readTar } from "../../lib/tar/read-tar.ts";
import type { BuildRequest } from "../../ports/image-builder.ts";
import { cleanEntryPath, nodeOf } from "./base-tree.ts";
import { applyEntry, nameOf, type Tree } from "./tree.ts";

/** The one archive among the sources of an ADD, which is then unpacked; undefined where there is none. */
export async function findArchive(
  sources: readonly CopiedSource[],
  { line }: Instruction,
  { context, file }: BuildRequest,
): Promise<string | undefined> {
  const paths = sources.flatMap(({ roots }) => roots.filter(({ isFolder }) => !isFolder).map(({ path }) => path));
  for (const path of paths) {
    const where = { file, line };
    if (await isPackedOtherwise(join(context, path)))
      throw new ReleaseError("CONFIG", {
        rule: "ADD unpacks only .tar and .tar.gz where append builds",
        where,
        saw: path,
      });
    if ((await openArchive(join(context, path))) === undefined) continue;
    if (paths.length === 1) return path;
    throw new ReleaseError("CONFIG", {
      rule: "ADD of an archive takes one source where append builds",
      where,
      saw: path,
    });
  }
  return undefined;
}

export type Unpacking = {
  readonly request: BuildRequest;
  readonly tree: Tree;
  readonly destination: string;
  readonly line: number;
};

/** An archive for `/` is a layer as it stands; its entries are checked, and looked at for what they put where. */
export async function archiveLayer(path: string, { request, tree, destination, line }: Unpacking): Promise<PlainLayer> {
  const where = { file: request.file, line };
  if (destination !== "/")
    throw new ReleaseError("CONFIG", {
      rule: "ADD unpacks an archive only to / where append builds",
      where,
      saw: destination,
    });
  const source = request.files.find((entry) => entry.path === path);
  if (source?.type !== "file")
    throw new ReleaseError("INTERNAL", { rule: "an archive was not found again", saw: path });
  const file = join(request.context, path);
  const open = async function* () {
    const plain = await openArchive(file);
    if (plain !== undefined) yield* plain;
  };
  // The bytes of the content key: a file that changed since is found here.
  for await (const _ of verified(createReadStream(file), source.digest));
  for await (const { entry } of readTar(open())) {
    const clean = cleanEntryPath(entry.path);
    if (clean.split("/").includes("..") || nameOf(clean).startsWith(".wh."))
      throw new ReleaseError("REFUSED", {
        rule: "an archive must not hold such a path",
        where: { file: path },
        saw: entry.path,
      });
    if (clean !== "") applyEntry(tree, clean, nodeOf(entry));
  }
  const { digest } = await sha256Stream(open());
  return { diffId: digest, open };
}
