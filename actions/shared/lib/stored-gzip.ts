import { crc32 } from "node:zlib";

/** As many as a block that is not compressed can hold. */
const BLOCK_BYTES = 65_535;
/** Before each block: whether it is the last, its length, and its length inverted. */
const BLOCK_HEAD_BYTES = 5;
/** No name, no time, no system: the same everywhere. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
const LAST_BLOCK = Uint8Array.of(1, 0, 0, 0xff, 0xff);
const TRAILER_BYTES = 8;

/** How large `storedGzip` makes so many bytes. */
export function storedGzipSize(bytes: number): number {
  const heads = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_HEAD_BYTES;
  return HEADER.length + heads + bytes + LAST_BLOCK.length + TRAILER_BYTES;
}

/**
 * A gzip file whose content is not compressed. Weights hardly get smaller, and compressors write other bytes by machine and version; so it is the
 * same on every one, its size is known before its first byte, and it costs no time. A piece lives until the next one is asked for.
 */
export async function* storedGzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield HEADER.slice();
  let sum = 0;
  let size = 0;
  for await (const block of blocksOf(chunks)) {
    const content = block.subarray(BLOCK_HEAD_BYTES);
    sum = crc32(content, sum);
    size += content.length;
    yield block;
  }
  const end = Buffer.alloc(LAST_BLOCK.length + TRAILER_BYTES);
  end.set(LAST_BLOCK);
  end.writeUInt32LE(sum, LAST_BLOCK.length);
  end.writeUInt32LE(size % 2 ** 32, LAST_BLOCK.length + 4);
  yield end;
}

/** Full blocks with their heads, however the bytes come; only the last one may be shorter. */
async function* blocksOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let block = emptyBlock();
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - filled);
      block.set(part, BLOCK_HEAD_BYTES + filled);
      filled += part.length;
      at += part.length;
      if (filled < BLOCK_BYTES) continue;
      yield headed(block, filled);
      // Else the collector lets many of them pile up. Who kept the piece finds it empty, not filled with others' bytes.
      block.buffer.transfer(0);
      block = emptyBlock();
      filled = 0;
    }
  }
  if (filled > 0) yield headed(block, filled);
}

const emptyBlock = () => Buffer.allocUnsafeSlow(BLOCK_HEAD_BYTES + BLOCK_BYTES);

function headed(block: Buffer, size: number): Uint8Array {
  block.writeUInt8(0, 0);
  block.writeUInt16LE(size, 1);
  block.writeUInt16LE(0xff_ff - size, 3);
  return block.subarray(0, BLOCK_HEAD_BYTES + size);
}
