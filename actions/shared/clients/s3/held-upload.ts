import { createHash, randomUUID } from "node:crypto";
import * as v from "valibot";
import { formatCount, formatSize } from "../../domain/quantity.ts";
import { readIfSound } from "../../lib/decode.ts";
import type { Log } from "../../ports/log.ts";
import type { KeptParts, KeptUploads } from "./kept-parts.ts";
import type { Objects, Upload } from "./objects.ts";
import type { Condition, Mark } from "./value-headers.ts";

/** An upload that is being sent, whether begun now or by an attempt that was cut off. */
export type HeldUpload = {
  readonly upload: Upload;
  /** Parts that are there already. */
  readonly kept: KeptParts["parts"];
  /** Whether the next attempt will find it: it may then be left as it is. */
  readonly isFindable: boolean;
  /**
   * Asked where the key holds what this upload was to bring, and no answer said who finished it: whether it can only have been we. Who took
   * over an upload never knows: a last request of the one before may have come late.
   */
  isOursAlone(): Promise<boolean>;
  /** When there is nothing more to find. */
  forget(): Promise<void>;
};

export type UploadHolder = {
  readonly objects: Objects;
  readonly uploads: KeptUploads;
  readonly ownKey: (name: string) => string;
  /** An upload to which nothing came for so long is nobody's any more. */
  readonly quietMs: number;
  readonly log: Pick<Log, "info">;
};

export type WantedUpload = {
  readonly key: string;
  readonly size: number;
  readonly partBytes: number;
  readonly mark: Mark;
  readonly signal: AbortSignal | undefined;
};

/**
 * What says whose an upload is. It lies on the server beside the store's values, one for each key, and is taken by compare-and-swap: of
 * two that want to go on with the same upload one gets it, and an upload without it is never touched.
 */
const NoteSchema = v.strictObject({
  schema: v.literal(1),
  key: v.string(),
  upload: v.string(),
  size: v.number(),
  partBytes: v.number(),
  holder: v.string(),
});
type Note = v.InferOutput<typeof NoteSchema>;

/** Goes on with the upload that an earlier attempt left, or begins one. */
export async function holdUpload(holder: UploadHolder, wanted: WantedUpload): Promise<HeldUpload> {
  const { uploads, log } = holder;
  const at = noteKey(holder, wanted.key);
  const found = await uploads.read(at);
  if (found === undefined) return beginNoted(holder, wanted, { ifNone: true });
  const note = readIfSound(NoteSchema, found.text);
  const kept = note && (await uploads.list({ key: wanted.key, id: note.upload }));
  switch (nextUse({ note, noteQuietMs: found.quietMs, kept, wanted, quietMs: holder.quietMs })) {
    case "beside":
      return begin(holder, wanted);
    case "replace":
      if (note !== undefined) await holder.objects.abortUpload({ key: wanted.key, id: note.upload }, wanted.signal);
      return beginNoted(holder, wanted, { ifMatch: found.etag });
    case "take": {
      const { parts } = kept as KeptParts;
      const { upload } = note as Note;
      const own = { ...(note as Note), holder: randomUUID() };
      if (!(await writeNote(holder, own, { ifMatch: found.etag }))) return begin(holder, wanted);
      const bytes = [...parts.values()].reduce((sum, { size }) => sum + size, 0);
      log.info(
        `An earlier attempt sent ${formatSize(bytes)} of ${wanted.key} (${formatCount(parts.size, "part")}): going on from there.`,
      );
      const isOursAlone = () => Promise.resolve(false);
      return {
        upload: { key: wanted.key, id: upload },
        kept: parts,
        isFindable: true,
        isOursAlone,
        forget: forgetter(holder, wanted.key),
      };
    }
  }
}

export type Standing = {
  readonly note: Note | undefined;
  readonly noteQuietMs: number;
  readonly kept: KeptParts | "denied" | undefined;
  readonly wanted: Pick<WantedUpload, "key" | "size" | "partBytes">;
  readonly quietMs: number;
};

/** `take`: go on with it; `replace`: it is of no use to anybody; `beside`: leave it alone and begin one of one's own. Pure. */
export function nextUse({ note, noteQuietMs, kept, wanted, quietMs }: Standing): "take" | "replace" | "beside" {
  // Another version of these actions wrote it, or it may not be asked about.
  if (note === undefined || kept === "denied") return "beside";
  if (Math.min(noteQuietMs, kept?.quietMs ?? Number.POSITIVE_INFINITY) < quietMs) return "beside";
  const isSame = note.key === wanted.key && note.size === wanted.size && note.partBytes === wanted.partBytes;
  return kept !== undefined && kept.parts.size > 0 && isSame ? "take" : "replace";
}

/** Without a note: nobody will find it but its writer. */
export async function begin({ objects }: Pick<UploadHolder, "objects">, wanted: WantedUpload): Promise<HeldUpload> {
  const upload = await objects.beginUpload(wanted.key, wanted.mark, wanted.signal);
  return {
    upload,
    kept: new Map(),
    isFindable: false,
    isOursAlone: () => Promise.resolve(true),
    forget: () => Promise.resolve(),
  };
}

async function beginNoted(holder: UploadHolder, wanted: WantedUpload, condition: Condition): Promise<HeldUpload> {
  const begun = await begin(holder, wanted);
  const { key, size, partBytes } = wanted;
  const note: Note = { schema: 1, key, upload: begun.upload.id, size, partBytes, holder: randomUUID() };
  if (!(await writeNote(holder, note, condition))) return begun;
  return {
    ...begun,
    isFindable: true,
    isOursAlone: async () => (await holderOf(holder, key)) === note.holder,
    forget: forgetter(holder, key),
  };
}

/** Nothing rests on a note that could not be written: the file then goes up as a whole. */
async function writeNote(holder: UploadHolder, note: Note, condition: Condition): Promise<boolean> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(note)}\n`);
  const put = await holder.objects.put({
    key: noteKey(holder, note.key),
    bytes,
    mark: { writeId: note.holder },
    condition,
  });
  if (put.state === "answered") return true;
  // Its answer was lost, or the condition met what an attempt of its own had written.
  return (await holderOf(holder, note.key)) === note.holder;
}

async function holderOf(holder: UploadHolder, key: string): Promise<string | undefined> {
  const found = await holder.uploads.read(noteKey(holder, key));
  return found && readIfSound(NoteSchema, found.text)?.holder;
}

function forgetter(holder: UploadHolder, key: string) {
  return () => holder.objects.discard(noteKey(holder, key));
}

function noteKey({ ownKey }: UploadHolder, key: string): string {
  return ownKey(`uploads/${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`);
}
