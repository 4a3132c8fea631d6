import { readBlocks } from "../../actions/shared/lib/read-blocks.ts";
import type { StreamedBody } from "../../actions/shared/ports/model-store.ts";

export type Streamed = StreamedBody & { open(): AsyncIterable<Uint8Array> };

/** A value to be written, of pieces that are made each time that it is read. */
export function streamed(size: number, open: () => AsyncIterable<Uint8Array>): Streamed {
  return { size, open, read: () => readBlocks({ size, read: open }) };
}
