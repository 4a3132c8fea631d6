import type crypto from "node:crypto";
import type fs from "node:fs";
import type zlib from "node:zlib";
import type { Digest } from "../domain/digest.ts";
import type { Block } from "../ports/model-store.ts";

export type HashedPiece = {
  readonly block: Block;
  /** The block is read from there first. */
  readonly from?: FilePlace;
  readonly isLast: boolean;
};
type FilePlace = { readonly descriptor: number; readonly at: number };

export type Hashed = {
  /** Of the block. */
  readonly crc32: number;
  /** Of all blocks, with the last one. */
  readonly digest?: Digest;
};

/** Node's own modules, as the thread has them. */
type Means = Pick<typeof crypto, "createHash"> & Pick<typeof fs, "readSync"> & Pick<typeof zlib, "crc32">;

/**
 * A SHA-256 of blocks, in the order in which they are given, each hashed where it lies. Gives undefined where the file ends before the block
 * does; throws as `readSync` does. Another thread runs it from its text: it knows nothing but what stands in it.
 */
export function hashBlocks({ createHash, readSync, crc32 }: Means) {
  // What is read, hashed and summed at once: it stays in the core's own cache from the first to the last.
  const pieceBytes = 256 * 1024;
  const hash = createHash("sha256");
  return ({ block, from, isLast }: HashedPiece): Hashed | undefined => {
    let sum = 0;
    for (let at = 0; at < block.length; ) {
      let piece = block.subarray(at, at + pieceBytes);
      if (from !== undefined) {
        const read = readSync(from.descriptor, piece, 0, piece.length, from.at + at);
        if (read === 0) return undefined;
        piece = piece.subarray(0, read);
      }
      hash.update(piece);
      sum = crc32(piece, sum);
      at += piece.length;
    }
    return isLast ? { crc32: sum, digest: `sha256:${hash.digest("hex")}` } : { crc32: sum };
  };
}
