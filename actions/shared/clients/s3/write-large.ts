import { isReleaseError } from "../../lib/error.ts";
import type { Memory } from "../../lib/memory.ts";
import type { StreamedBody } from "../../ports/model-store.ts";
import type { Tried } from "./connection.ts";
import { copierFrom, findOriginal, type PartCopier } from "./copied-parts.ts";
import { begin, type HeldUpload, holdUpload, type UploadHolder } from "./held-upload.ts";
import type { Objects } from "./objects.ts";
import { PART_BYTES, partBytesOf, sendParts } from "./parts.ts";
import { contended, decided, type Settler, type Settling, settle, type Written } from "./settle.ts";
import type { Traits } from "./traits.ts";

export type Writer = Settler & {
  /** For values that are put together from others: the digest of a part is its MD5. */
  readonly copying: Objects | undefined;
  readonly holder: UploadHolder;
  readonly traits: Traits;
  readonly memory: Memory;
  readonly budget: number;
  /** Ends what is large; a small write that has begun is let finish, so that it is known whether it took place. */
  readonly signal: AbortSignal | undefined;
  /** Looks before it writes, for a server that does not keep the condition. */
  readonly looksFirst: boolean;
};

export type LargeWrite = Omit<Settling, "isOursAlone"> & { readonly body: StreamedBody };

/** Sends a value in parts; `like`: a key that may hold the same bytes. */
export async function writeLarge(writer: Writer, wanted: LargeWrite, like: string | undefined): Promise<Written> {
  const { connection } = writer;
  const copied = like === undefined ? "again" : await copyLike(writer, wanted, like);
  if (copied !== "again") return copied;
  for (let attempt = 1; ; attempt++) {
    const signal = alive(writer.signal);
    const held = await openUpload({ ...writer, signal }, wanted);
    const written = await uploadOnce({ ...writer, signal }, wanted, { held });
    if (written !== "again") return written;
    if (attempt >= UPLOADS) throw contended(connection, wanted.key);
    await connection.pause(attempt, { state: "missing" }, writer.signal);
    // Who took the upload over may have finished it.
    if (decided(wanted.condition, await writer.objects.head(wanted.key))) return { state: "lost" };
  }
}

/** `again`: nothing of that value is of use. */
async function copyLike(writer: Writer, wanted: LargeWrite, like: string): Promise<Written | "again"> {
  const { connection, copying, signal, budget } = writer;
  const original = copying && (await findOriginal(copying, like));
  if (copying === undefined || original === undefined) return "again";
  const { key, body, mark } = wanted;
  const partBytes = partBytesOf(body.size, budget);
  const held = await begin({ objects: copying }, { key, size: body.size, partBytes, mark, signal });
  return uploadOnce({ ...writer, objects: copying }, wanted, { held, copier: copierFrom(connection, original) });
}

/** How often a large file is sent anew because the server lost its upload, or another write came between. */
const UPLOADS = 3;

/** From this size on, what was sent is kept for the next attempt. What is smaller is as soon sent again. */
const KEPT_BYTES = 4 * PART_BYTES;

function openUpload(writer: Writer, { key, body, condition, mark }: LargeWrite): Promise<HeldUpload> {
  const { holder, budget, signal, looksFirst, traits } = writer;
  const { size } = body;
  const wanted = { key, size, partBytes: partBytesOf(size, budget), mark, signal };
  const canBeKept = size >= KEPT_BYTES && traits.checksum === "crc32" && !looksFirst && "ifNone" in condition;
  return canBeKept ? holdUpload(holder, wanted) : begin(holder, wanted);
}

type Sending = { readonly held: HeldUpload; readonly copier?: PartCopier };

async function uploadOnce(
  writer: Writer,
  { key, body, condition, mark }: LargeWrite,
  { held, copier }: Sending,
): Promise<Written | "again"> {
  const { objects } = writer;
  const { upload, kept, isOursAlone } = held;
  let end: "whole" | "broken" | "kept" = "broken";
  try {
    const sent = await sendParts(upload, body, { ...writer, kept, copier });
    if (sent.state === "lost") return "again";
    const completed = await settle(writer, { key, condition, mark, isOursAlone }, async (standing) => {
      const tried = await objects.completeUpload(upload, sent.parts, standing);
      // S3: after a conflict an upload cannot be completed any more, and has to be begun anew.
      return tried.state === "conflict" || isOfOthers(tried) ? { state: "missing" } : tried;
    });
    if (completed === "again" || completed.state === "lost") return completed;
    end = "whole";
    return { ...completed, spared: sent.spared };
  } catch (error) {
    if (held.isFindable && isReleaseError(error, "UNAVAILABLE", "AUTH")) {
      end = "kept";
      writer.holder.log.info(`What was sent of ${key} is kept: the next attempt goes on from there.`);
    }
    throw error;
  } finally {
    if (end !== "kept") await tidy(writer, held, end);
  }
}

/** A part was written by somebody else since it was looked at. */
function isOfOthers(tried: Tried<unknown>): boolean {
  return tried.state === "refused" && tried.seen.code === "InvalidPart";
}

/** What is left of an upload costs money and is seen by nobody. Unfinished ones of killed jobs are for the next attempt, or a lifecycle rule. */
async function tidy({ objects }: Writer, held: HeldUpload, end: "whole" | "broken"): Promise<void> {
  if (end === "broken") await objects.abortUpload(held.upload, AbortSignal.timeout(ABORT_MS)).catch(() => undefined);
  await held.forget().catch(() => undefined);
}

/** A cancel has five seconds for everything. */
const ABORT_MS = 4_000;

/** What begins after the cancel (taking back, telling) is not ended by it. */
function alive(signal: AbortSignal | undefined): AbortSignal | undefined {
  return signal?.aborted === true ? undefined : signal;
}
