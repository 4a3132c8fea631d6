import type { ByteSource } from "../ports/source-file.ts";

/**
 * Bytes one after the other, from a file or a stream of any length. Never more than a window of them is held; what is passed over in a file
 * is not even read.
 */
export type ByteReader = {
  /** How many bytes were taken so far. */
  position(): number;
  /** Whether so many bytes can be taken at once. */
  has(count: number): boolean;
  /** Waits until so many bytes (64 KiB at most) can be taken at once; false where there are fewer left. */
  ensure(count: number): Promise<boolean>;
  byte(): number;
  take(count: number): Uint8Array;
  /** The next bytes without taking them; fewer only at the end. */
  peek(count: number): Promise<Uint8Array>;
  /** False where the bytes end before. */
  skip(count: number): Promise<boolean>;
  /** The bytes before the next line feed, which is taken too; undefined where there is none. Of a line over `most` the first bytes. */
  line(most: number): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean } | undefined>;
};

/** Where a reader's windows come from: each is another, and not empty; undefined at the end. */
type Feed = {
  next(): Promise<Uint8Array | undefined>;
  /** Passes over bytes that come after the last window; says how many there were. */
  skip(count: number): Promise<number>;
};

const WINDOW_BYTES = 64 * 1024;

export function sourceReader(source: ByteSource): ByteReader {
  let at = 0;
  return readerOf({
    next: async () => {
      const window = await source.read(at, WINDOW_BYTES);
      at += window.length;
      return window.length === 0 ? undefined : window;
    },
    skip: async (count) => {
      const skipped = Math.min(count, Math.max(0, source.size - at));
      at += skipped;
      return skipped;
    },
  });
}

export function streamReader(chunks: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]();
  let kept: Uint8Array | undefined;
  const next = async (): Promise<Uint8Array | undefined> => {
    const held = kept;
    kept = undefined;
    if (held !== undefined) return held;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return undefined;
      if (value.length > 0) return value;
    }
  };
  return readerOf({
    next,
    skip: async (count) => {
      for (let left = count; left > 0; ) {
        const chunk = await next();
        if (chunk === undefined) return count - left;
        if (chunk.length > left) kept = chunk.subarray(left);
        left -= Math.min(left, chunk.length);
      }
      return count;
    },
  });
}

function readerOf(feed: Feed): ByteReader {
  let window: Uint8Array = new Uint8Array();
  let used = 0;
  let before = 0;
  return { position: () => before + used, has, ensure, byte, take, peek, skip, line };

  function has(count: number): boolean {
    return window.length - used >= count;
  }

  async function ensure(count: number): Promise<boolean> {
    while (!has(count)) {
      const more = await feed.next();
      if (more === undefined) return false;
      const rest = window.subarray(used);
      before += used;
      used = 0;
      window = rest.length === 0 ? more : Buffer.concat([rest, more]);
    }
    return true;
  }

  function byte(): number {
    const value = window[used];
    if (value === undefined) throw new RangeError("no byte at hand");
    used++;
    return value;
  }

  function take(count: number): Uint8Array {
    if (!has(count)) throw new RangeError("not so many bytes at hand");
    used += count;
    return window.subarray(used - count, used);
  }

  async function peek(count: number): Promise<Uint8Array> {
    await ensure(count);
    return window.subarray(used, used + count);
  }

  async function skip(count: number): Promise<boolean> {
    const here = Math.min(count, window.length - used);
    used += here;
    if (here === count) return true;
    const skipped = await feed.skip(count - here);
    before += skipped;
    return skipped === count - here;
  }

  async function line(most: number) {
    let bytes: Uint8Array = new Uint8Array();
    for (let length = 0; await ensure(1); ) {
      const end = window.indexOf(0x0a, used);
      const piece = window.subarray(used, end === -1 ? window.length : end);
      length += piece.length;
      if (bytes.length < most) bytes = Buffer.concat([bytes, piece.subarray(0, most - bytes.length)]);
      used += piece.length + (end === -1 ? 0 : 1);
      if (end !== -1) return { bytes, isWhole: length <= most };
    }
    return undefined;
  }
}
