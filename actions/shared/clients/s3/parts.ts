import { formatSize } from "../../domain/quantity.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Body } from "../../ports/model-store.ts";
import type { PartCopier } from "./copied-parts.ts";
import type { KeptPart } from "./kept-parts.ts";
import type { Loan, Memory } from "./memory.ts";
import type { Objects, Part, Upload } from "./objects.ts";
import { crc32Text } from "./value-headers.ts";

const MIB = 1024 * 1024;

/** What goes in one request: at most this. */
export const PART_BYTES = 8 * MIB;
/** S3 takes no more parts. */
const MOST_PARTS = 10_000;

export type LargeBody = Exclude<Body, Uint8Array>;

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
 * Sends a body in parts: read once, in order, into blocks of a fixed memory; as many parts are on their way as there are blocks, and
 * each is repeated by itself. What the server has already is compared by its digest instead of being sent. Whatever goes wrong ends all
 * that is on its way.
 */
export async function sendParts(upload: Upload, body: LargeBody, sender: PartSender): Promise<SentParts> {
  const { memory, budget, signal } = sender;
  const partBytes = partBytesOf(body.size, budget);
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const sent: Promise<Sent | undefined>[] = [];
  let isLost = false;

  const send = (loan: Loan, filled: number) => {
    const block = { number: sent.length + 1, at: sent.length * partBytes, bytes: loan.bytes.subarray(0, filled) };
    const part = placePart(upload, block, { ...sender, signal: either }).finally(loan.end);
    part.then(
      (placed) => {
        isLost ||= placed === undefined;
      },
      (error: unknown) => failed.abort(error),
    );
    sent.push(part);
  };

  let loan: Loan | undefined;
  try {
    let filled = 0;
    for await (const chunk of exactly(body)) {
      for (let at = 0; at < chunk.length && !isLost; ) {
        loan ??= await memory.rent(partBytes);
        either.throwIfAborted();
        const taken = chunk.subarray(at, at + partBytes - filled);
        loan.bytes.set(taken, filled);
        at += taken.length;
        filled += taken.length;
        if (filled < partBytes) continue;
        send(loan, filled);
        [loan, filled] = [undefined, 0];
      }
      if (isLost) break;
    }
    if (loan !== undefined && !isLost) {
      send(loan, filled);
      loan = undefined;
    }
    const placed = await Promise.all(sent);
    const whole = placed.filter((one) => one !== undefined);
    if (whole.length < placed.length) return { state: "lost" };
    const spared = whole.reduce((sum, one) => sum + one.spared, 0);
    return { state: "sent", parts: whole.map(({ part }) => part), spared };
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(sent);
    throw error;
  } finally {
    loan?.end();
  }
}

type Block = { readonly number: number; readonly at: number; readonly bytes: Uint8Array };
type Sent = { readonly part: Part; readonly spared: number };

/** Undefined: the upload is no more, or is not of these bytes. */
async function placePart(
  upload: Upload,
  { number, at, bytes }: Block,
  { objects, kept, copier, signal }: PartSender,
): Promise<Sent | undefined> {
  const there = kept.get(number);
  if (there !== undefined) {
    // One part that differs, and the upload is of another file: none of its parts is taken on the word of a short digest alone.
    if (there.size !== bytes.length || there.crc32 !== crc32Text(bytes)) return undefined;
    return { part: { number, etag: there.etag, crc32: there.crc32 }, spared: bytes.length };
  }
  const copied = await copier?.copy(upload, { number, at, bytes }, signal);
  if (copied !== undefined) return { part: copied, spared: bytes.length };
  if (copier?.isInVain()) return undefined;
  const part = await objects.uploadPart(upload, { number, bytes }, signal);
  return part && { part, spared: 0 };
}

/** Reads a small body whole into memory that was lent for it. */
export async function fill(loan: Loan, body: Body): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  let filled = 0;
  for await (const chunk of exactly(body)) {
    loan.bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return loan.bytes.subarray(0, filled);
}

async function* exactly(body: LargeBody): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body.open()) {
    size += chunk.length;
    if (size > body.size) throw sizeError(body, `more than ${body.size} bytes`);
    yield chunk;
  }
  if (size < body.size) throw sizeError(body, `${size} bytes`);
}

function sizeError(body: LargeBody, saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a value must have the size that was announced",
    saw,
    allowed: `${body.size} bytes`,
    hint: "something changed it while it was read: wait until it is written, then run the step again",
  });
}
