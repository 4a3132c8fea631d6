import { formatSize } from "../../domain/quantity.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Body } from "../../ports/model-store.ts";
import type { Loan, Memory } from "./memory.ts";
import type { Objects, Part, Upload } from "./objects.ts";

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
  readonly objects: Objects;
  readonly memory: Memory;
  readonly budget: number;
  readonly signal: AbortSignal | undefined;
};

/**
 * Sends a body in parts: read once, in order, into blocks of a fixed memory; as many parts are on their way as there are blocks, and
 * each is repeated by itself. Undefined: the server knows the upload no more. Whatever goes wrong ends all that is on its way.
 */
export async function sendParts(
  upload: Upload,
  body: LargeBody,
  { objects, memory, budget, signal }: PartSender,
): Promise<readonly Part[] | undefined> {
  const partBytes = partBytesOf(body.size, budget);
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const sent: Promise<Part | undefined>[] = [];

  const send = (loan: Loan, filled: number) => {
    const part = objects
      .uploadPart(upload, { number: sent.length + 1, bytes: loan.bytes.subarray(0, filled) }, either)
      .finally(loan.end);
    part.catch((error: unknown) => failed.abort(error));
    sent.push(part);
  };

  let loan: Loan | undefined;
  try {
    let filled = 0;
    for await (const chunk of exactly(body)) {
      for (let at = 0; at < chunk.length; ) {
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
    }
    if (loan !== undefined) send(loan, filled);
    loan = undefined;
    const parts = await Promise.all(sent);
    return parts.every((part) => part !== undefined) ? parts : undefined;
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(sent);
    throw error;
  } finally {
    loan?.end();
  }
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
