import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Digest } from "../domain/digest.ts";
import type { Block, BlockReader } from "../ports/model-store.ts";
import type { LentFile, SourceFile } from "../ports/source-file.ts";
import { readError } from "./disk-file.ts";
import { ReleaseError } from "./error.ts";
import { type HashBeside, hashBeside, startHashing } from "./hash-beside.ts";
import { type Hashed, hashBlocks } from "./hash-blocks.ts";

/** Bytes that can be read from their start, as often as is asked for. */
export type Readable = Pick<SourceFile, "size" | "lend"> & { read(signal?: AbortSignal): AsyncIterable<Uint8Array> };

/**
 * Reads bytes into blocks, and hashes them where they lie: beside, where they are many. So is a file of this machine read. What was hashed is
 * what is in the blocks: nothing is read twice.
 */
export function readBlocks({ size, lend, read }: Readable, signal?: AbortSignal): BlockReader {
  const hash = isManyBytes({ size }) ? hashBeside() : hashHere();
  const filling = lend === undefined ? fromPieces(read(signal), { size, hash }) : fromFile(lend(), { size, hash });
  let next = 0;
  let last: Promise<Hashed> | undefined;

  return {
    async fill(block) {
      const at = next;
      next += block.length;
      signal?.throwIfAborted();
      const isLast = next === size;
      const hashed = filling.fill(block, { at, isLast });
      if (!isLast) return (await hashed).crc32;
      last = hashed;
      const { crc32, digest } = await hashed;
      await filling.check(digest as Digest);
      return crc32;
    },
    async digest() {
      if (last === undefined) throw new Error("a digest of what was not read to its end");
      return (await last).digest as Digest;
    },
    async close() {
      await filling.close();
      hash.drop();
    },
  };
}

/** It takes a moment until the other thread is there: whoever will read these soon says so, and goes on. */
export function expectReading(sources: readonly Pick<Readable, "size">[]): void {
  if (sources.some(isManyBytes)) startHashing();
}

/** What is smaller is read and hashed before another thread would have heard of it; with 256 KiB, it is done earlier beside. */
const MANY_BYTES = 64 * 1024;

const isManyBytes = ({ size }: Pick<Readable, "size">) => size >= MANY_BYTES;

function hashHere(): HashBeside {
  const add = hashBlocks({ createHash, readSync, crc32 });
  return { add: async (piece) => add(piece), drop: () => {} };
}

type Wanted = { readonly size: number; readonly hash: HashBeside };

type Place = { readonly at: number; readonly isLast: boolean };

type Filling = {
  fill(block: Block, place: Place): Promise<Hashed>;
  /** Asked when all was read. */
  check(digest: Digest): Promise<void>;
  close(): Promise<void>;
};

function fromFile(file: LentFile, { size, hash }: Wanted): Filling {
  const { descriptor, source } = file;
  let last: Promise<unknown> = Promise.resolve();
  return {
    async fill(block, { at, isLast }) {
      const adding = hash.add({ block, from: { descriptor, at }, isLast });
      last = adding;
      const hashed = await adding.catch((error: unknown) => {
        throw readError(source, error);
      });
      if (hashed === undefined) throw sizeError(size, "fewer bytes");
      return hashed;
    },
    check: (digest) => file.check(digest),
    async close() {
      // The other thread may be about to read: then another file would have the number.
      await last.catch(() => undefined);
      file.close();
    },
  };
}

function fromPieces(pieces: AsyncIterable<Uint8Array>, { size, hash }: Wanted): Filling {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  /** Whether there is a piece, or what is left of one. */
  async function hasMore(): Promise<boolean> {
    while (rest.length === 0 && !isClosed) {
      const next = await iterator.next();
      if (next.done === true) return false;
      rest = next.value;
    }
    return !isClosed;
  }

  async function copy(block: Block, { at, isLast }: Place): Promise<void> {
    for (let filled = 0; filled < block.length; ) {
      if (!(await hasMore())) throw sizeError(size, `${at + filled} bytes`);
      const piece = rest.subarray(0, block.length - filled);
      block.set(piece, filled);
      filled += piece.length;
      rest = rest.subarray(piece.length);
    }
    // What comes after the last piece says whether the source was what it was.
    if (isLast && (await hasMore())) throw sizeError(size, `more than ${size} bytes`);
  }

  return {
    async fill(block, place) {
      const copied = last.then(() => copy(block, place));
      last = copied;
      await copied;
      return (await hash.add({ block, isLast: place.isLast })) as Hashed;
    },
    check: () => Promise.resolve(),
    async close() {
      isClosed = true;
      await last.catch(() => undefined);
      await iterator.return?.();
    },
  };
}

function sizeError(size: number, saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a value must have the size that was announced",
    saw,
    allowed: `${size} bytes`,
    hint: "something changed it while it was read: wait until it is written, then run the step again",
  });
}
