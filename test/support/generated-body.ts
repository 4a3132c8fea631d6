import { type Streamed, streamed } from "./streamed.ts";

const PIECE_BYTES = 300_000;

/** Bytes that differ everywhere, and for every seed, made as they are asked for; each piece is empty when the next one is. */
export function generatedBody(size: number, seed = 0): Streamed {
  return streamed(size, async function* () {
    for (let at = 0; at < size; at += PIECE_BYTES) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, size - at));
      for (let i = 0; i + 4 <= piece.length; i += 4) piece.writeUInt32LE((at + i + seed) >>> 0, i);
      yield piece;
      piece.fill(0);
    }
  });
}
