import { randomUUID } from "node:crypto";
import { inBlocks } from "../../lib/in-blocks.ts";
import { readBlocks } from "../../lib/read-blocks.ts";
import type { Body, StreamedBody } from "../../ports/model-store.ts";
import { PART_BYTES } from "./parts.ts";
import { contended, decided, settle, type Written } from "./settle.ts";
import type { Condition, Mark, Summed } from "./value-headers.ts";
import { type Writer, writeLarge } from "./write-large.ts";

export type Write = {
  readonly key: string;
  readonly body: Body;
  readonly condition: Condition;
  readonly removed?: true;
  /** A key that may hold the same bytes. */
  readonly like?: string | undefined;
};

/** A value of this size is what a removed key holds, where the server cannot remove: see `Traits`. */
export const TOMBSTONE = new TextEncoder().encode("this value was removed\n");

/**
 * Writes a value under a condition, and finds out whether it did. Every write carries an id of its own, so that after an answer that was
 * lost, or a refusal that may be one's own earlier attempt's doing, what the key holds tells the two apart. One case is told as `lost`
 * although it was written for a moment: an attempt without an answer, which another writer has already replaced.
 */
export async function write(writer: Writer, { key, body, condition, removed, like }: Write): Promise<Written> {
  const mark: Mark = { writeId: randomUUID(), ...(removed === undefined ? {} : { removed }) };
  const size = body instanceof Uint8Array ? body.length : body.size;
  const isLarge = size > PART_BYTES;
  if (isLarge || writer.looksFirst) {
    const found = await writer.objects.head(key);
    // Spares the upload where the answer is known; the condition decides.
    if (decided(condition, found)) return { state: "lost" };
  }
  if (isLarge) return writeLarge(writer, { key, body: streamed(body), condition, mark }, like);
  const put = async (summed: Summed): Promise<Written> => {
    const written = await settle(writer, { key, condition, mark }, (standing) =>
      writer.objects.put({ key, ...summed, mark, condition: standing }),
    );
    if (written === "again") throw contended(writer.connection, key);
    return written;
  };
  if (body instanceof Uint8Array) return put({ bytes: body });
  const [written] = await inBlocks(body.read(), { size, memory: writer.memory, blockBytes: PART_BYTES }, put);
  return written as Written;
}

function streamed(body: Body): StreamedBody {
  if (!(body instanceof Uint8Array)) return body;
  const read = async function* () {
    yield body;
  };
  const source = { size: body.length, read };
  return { size: body.length, read: () => readBlocks(source) };
}
