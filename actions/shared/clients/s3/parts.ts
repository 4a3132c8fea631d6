import { formatSize } from "../../domain/quantity.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type FilledBlock, inBlocks } from "../../lib/in-blocks.ts";
import type { Memory } from "../../lib/memory.ts";
import type { StreamedBody } from "../../ports/model-store.ts";
import type { PartCopier } from "./copied-parts.ts";
import type { KeptPart } from "./kept-parts.ts";
import type { Objects, Part, Upload } from "./objects.ts";
import { crc32Text } from "./value-headers.ts";

const MIB = 1024 * 1024;

/** What goes in one request: at most this. */
export const PART_BYTES = 8 * MIB;
/** S3 takes no more parts. */
const MOST_PARTS = 10_000;

/** Parts are larger only where there would be too many. Throws `REFUSED` for what does not go through `budget` bytes of memory. */
export function partBytesOf(size: number, budget: number): number {
  const bytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  if (bytes <= budget) return bytes;
  throw new ReleaseError("REFUSED", {
    rule: "one file of a model is too large for S3",
    saw: formatSize(size),
    allowed: formatSize(budget * MOST_PARTS),
    hint: "save the model in shards",
  });
}

export type PartSender = {
  readonly objects: Pick<Objects, "uploadPart">;
  readonly memory: Memory;
  readonly budget: number;
  readonly signal: AbortSignal | undefined;
  /** Parts that are there from an earlier attempt. */
  readonly kept: ReadonlyMap<number, KeptPart>;
  readonly copier?: PartCopier | undefined;
};

export type SentParts =
  /** `spared`: bytes that did not have to be sent. */
  | { readonly state: "sent"; readonly parts: readonly Part[]; readonly spared: number }
  /** The server knows the upload no more, or it is one of other bytes, or nothing could be copied for it. */
  | { readonly state: "lost" };

/**
 * Sends a body in parts, as many at once as the memory holds; each is repeated by itself. What the server has already is compared by its
 * digest instead of being sent. Whatever goes wrong ends all that is on its way.
 */
export async function sendParts(upload: Upload, body: StreamedBody, sender: PartSender): Promise<SentParts> {
  const { memory, budget, signal } = sender;
  const { size } = body;
  const passing = { size, memory, blockBytes: partBytesOf(size, budget), signal };
  try {
    const placed = await inBlocks(body.read(), passing, async (block, either) => {
      const part = await placePart(upload, block, { ...sender, signal: either });
      if (part === undefined) throw LOST;
      return part;
    });
    const spared = placed.reduce((sum, one) => sum + one.spared, 0);
    return { state: "sent", parts: placed.map(({ part }) => part), spared };
  } catch (error) {
    if (error === LOST) return { state: "lost" };
    throw error;
  }
}

/** Ends the other parts. */
const LOST = new Error("the upload is lost");

type Sent = { readonly part: Part; readonly spared: number };

/** Undefined: the upload is no more, or is not of these bytes. */
async function placePart(
  upload: Upload,
  block: FilledBlock,
  { objects, kept, copier, signal }: PartSender,
): Promise<Sent | undefined> {
  const { number, bytes } = block;
  const there = kept.get(number);
  if (there !== undefined) {
    // One part that differs, and the upload is of another file: none of its parts is taken on the word of a short digest alone.
    if (there.size !== bytes.length || there.crc32 !== crc32Text(block.crc32)) return undefined;
    return { part: { number, etag: there.etag, crc32: there.crc32 }, spared: bytes.length };
  }
  const copied = await copier?.copy(upload, block, signal);
  if (copied !== undefined) return { part: copied, spared: bytes.length };
  if (copier?.isInVain()) return undefined;
  const part = await objects.uploadPart(upload, block, signal);
  return part && { part, spared: 0 };
}
