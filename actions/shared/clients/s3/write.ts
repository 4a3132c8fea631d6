import { randomUUID } from "node:crypto";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Body } from "../../ports/model-store.ts";
import type { Connection, Tried } from "./connection.ts";
import { copierFrom, findOriginal, type PartCopier } from "./copied-parts.ts";
import { begin, type HeldUpload, holdUpload, type UploadHolder } from "./held-upload.ts";
import type { Memory } from "./memory.ts";
import type { Condition, Head, Mark, Objects } from "./objects.ts";
import { fill, type LargeBody, PART_BYTES, partBytesOf, sendParts } from "./parts.ts";
import type { Traits } from "./traits.ts";

/** `spared`: bytes of it that did not have to be sent. */
export type Written =
  | { readonly state: "written"; readonly etag: string; readonly spared?: number }
  | { readonly state: "lost" };

export type Write = {
  readonly key: string;
  readonly body: Body;
  readonly condition: Condition;
  readonly removed?: true;
  /** A key that may hold the same bytes. */
  readonly like?: string | undefined;
};

export type Writer = {
  readonly connection: Connection;
  readonly objects: Objects;
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
  if (isLarge) return writeLarge(writer, { key, body: large(body), condition, mark }, like);
  const loan = await writer.memory.rent(body instanceof Uint8Array ? 0 : size);
  try {
    const bytes = await fill(loan, body);
    const written = await settle(writer, { key, condition, mark }, (standing) =>
      writer.objects.put({ key, bytes, mark, condition: standing }),
    );
    if (written === "again") throw contended(writer.connection, key);
    return written;
  } finally {
    loan.end();
  }
}

type Settling = {
  readonly key: string;
  readonly condition: Condition;
  readonly mark: Mark;
  /** Whether a write with this mark can be nobody else's. */
  readonly isOursAlone?: () => Promise<boolean>;
};

/**
 * Repeats one attempt until it is known what became of the write. `again`: the attempt itself cannot be repeated (the upload is no more).
 */
async function settle(
  { connection, objects }: Writer,
  { key, condition, mark, isOursAlone }: Settling,
  act: (standing: Condition) => Promise<Tried<{ readonly etag: string }>>,
): Promise<Written | "again"> {
  let standing = condition;
  for (let attempt = 1; ; attempt++) {
    const tried = await act(standing);
    if (tried.state === "answered")
      return { state: "written", etag: tried.answer.etag || (await etagOf(objects, key)) };
    if (tried.state === "refused") throw tried.error;
    const found = await objects.head(key);
    if (found?.writeId === mark.writeId)
      return (await isOursAlone?.()) === false ? { state: "lost" } : { state: "written", etag: found.etag };
    if (decided(condition, found)) return { state: "lost" };
    // From here on the key is as the write wants it.
    if (attempt >= connection.attempts) throw "error" in tried ? tried.error : contended(connection, key);
    if (tried.state === "missing") return "again";
    if ("ifNone" in condition) standing = found === undefined ? condition : { ifMatch: found.etag };
    await connection.pause(attempt, tried);
  }
}

/** Whether what the key holds can only mean that the write was lost. */
function decided(condition: Condition, found: Head | undefined): boolean {
  if ("ifNone" in condition) return found !== undefined && !found.isRemoved;
  return bare(found?.etag) !== bare(condition.ifMatch);
}

type LargeWrite = Omit<Settling, "isOursAlone"> & { readonly body: LargeBody };

async function writeLarge(writer: Writer, wanted: LargeWrite, like: string | undefined): Promise<Written> {
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
    if (held.isFindable && isReleaseError(error, "UNAVAILABLE", "AUTH")) end = "kept";
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

async function etagOf(objects: Objects, key: string): Promise<string> {
  return (await objects.head(key))?.etag ?? "";
}

function contended({ server, bucket }: Connection, key: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: `${server} refused a write again and again, and nothing is there that would stand against it`,
    where: { file: `s3://${bucket}/${key}` },
    hint: "others write the same key at the same time, or a delete marker stands there: look at the bucket, then run the step again",
  });
}

function large(body: Body): LargeBody {
  if (!(body instanceof Uint8Array)) return body;
  const open = async function* () {
    yield body;
  };
  return { size: body.length, open };
}

/** What begins after the cancel (taking back, telling) is not ended by it. */
function alive(signal: AbortSignal | undefined): AbortSignal | undefined {
  return signal?.aborted === true ? undefined : signal;
}

function bare(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', "");
}
