import type { ByteSource } from "../ports/source-file.ts";

const BLOCK_BYTES = 128 * 1024;
/** What is kept: the ends of an archive and the place where a reader is. */
const MOST_BLOCKS = 32;
/** What is fetched at once where a reader goes on and on. */
const MOST_AHEAD = 8;

/**
 * Bytes that are far away, with a small cache: headers a few bytes long are not asked for one by one, and who reads in order gets ever larger
 * pieces. Reads of more than is fetched at once go past the cache. What `fetch` gives too little of is where the bytes end.
 */
export function cachedSource(size: number, fetch: (at: number, length: number) => Promise<Uint8Array>): ByteSource {
  // In the order in which they were used.
  const blocks = new Map<number, Uint8Array>();
  let ahead = { block: -1, count: 1 };
  return { size, read };

  async function read(at: number, length: number): Promise<Uint8Array> {
    const end = Math.min(size, at + length);
    if (end <= at) return new Uint8Array();
    if (end - at > MOST_AHEAD * BLOCK_BYTES) return await fetch(at, end - at);
    const bytes = Buffer.allocUnsafe(end - at);
    for (let from = at; from < end; ) {
      const block = Math.floor(from / BLOCK_BYTES);
      const kept = await blockOf(block);
      const part = kept.subarray(from - block * BLOCK_BYTES, end - block * BLOCK_BYTES);
      if (part.length === 0) return bytes.subarray(0, from - at);
      bytes.set(part, from - at);
      from += part.length;
    }
    return bytes;
  }

  async function blockOf(block: number): Promise<Uint8Array> {
    const kept = blocks.get(block) ?? (await fetchFrom(block));
    blocks.delete(block);
    blocks.set(block, kept);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= MOST_BLOCKS) break;
      blocks.delete(oldest);
    }
    return kept;
  }

  async function fetchFrom(block: number): Promise<Uint8Array> {
    const count = block === ahead.block ? Math.min(2 * ahead.count, MOST_AHEAD) : 1;
    ahead = { block: block + count, count };
    const start = block * BLOCK_BYTES;
    const bytes = await fetch(start, Math.min(count * BLOCK_BYTES, size - start));
    // Copies: a block must not keep the whole piece that it came in.
    const parts = Array.from({ length: count }, (_, i) => bytes.slice(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES));
    for (const [i, part] of parts.entries()) if (part.length > 0) blocks.set(block + i, part);
    return parts[0] ?? new Uint8Array();
  }
}
