import type { Block, BlockReader } from "../ports/model-store.ts";
import type { Memory } from "./memory.ts";

/** A part of a body in memory that is lent until it is worked off. */
export type FilledBlock = {
  /** From 1. */
  readonly number: number;
  readonly at: number;
  readonly bytes: Block;
  readonly crc32: number;
};

type Passing = {
  /** Of all that there is to read. */
  readonly size: number;
  readonly memory: Memory;
  readonly blockBytes: number;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Reads a body to its end, in order, into blocks of a fixed memory, and does something with each: as many at once as there is memory. The first
 * failure ends all that is on its way, by the signal that it was given, and is thrown when that has ended.
 */
export async function inBlocks<T>(
  reader: BlockReader,
  { size, memory, blockBytes, signal }: Passing,
  act: (block: FilledBlock, signal: AbortSignal) => Promise<T>,
): Promise<readonly T[]> {
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const acts: Promise<T>[] = [];

  // The next block is asked for at once, so that it is read while this one is worked off.
  const pass = async (block: Omit<FilledBlock, "crc32">) => {
    try {
      const crc32 = await reader.fill(block.bytes);
      either.throwIfAborted();
      return await act({ ...block, crc32 }, either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  try {
    for (let at = 0; at < Math.max(size, 1) && !either.aborted; at += blockBytes) {
      const loan = await memory.rent(Math.min(size, blockBytes));
      if (either.aborted) loan.end();
      else acts.push(pass({ number: acts.length + 1, at, bytes: loan.bytes.subarray(0, size - at) }).finally(loan.end));
    }
    await Promise.allSettled(acts);
    either.throwIfAborted();
    return await Promise.all(acts);
  } finally {
    await reader.close();
  }
}
