import { createHash } from "node:crypto";
import { isReleaseError } from "../../lib/error.ts";
import type { FilledBlock } from "../../lib/in-blocks.ts";
import type { Connection } from "./connection.ts";
import { isSameEtag } from "./etag.ts";
import type { Objects, Part, Upload } from "./objects.ts";
import { pathText } from "./signature.ts";

/** A value of the store, as it was when it was looked at. */
export type Original = { readonly key: string; readonly etag: string; readonly size: number };

/** Takes parts of a new value from an older one, on the server. */
export type PartCopier = {
  /** Undefined: that place of the original holds other bytes, or nothing can be had from it. The part has to be sent. */
  copy(upload: Upload, block: FilledBlock, signal: AbortSignal | undefined): Promise<Part | undefined>;
  /** Whether it has given up before a single part was the same. */
  isInVain(): boolean;
};

/** So many parts more that differ than that are the same, and no further one is tried: the value is another one. */
const MISSES = 2;

/**
 * The server is asked to copy first, and its etag of the part says whether that has our bytes: what differs is sent after all, over it. So
 * nothing rests on what was known of the original, or on whether it is still what it was. The etag is an MD5 but where a key of KMS
 * encrypts (then no part is ever the same); the CRC32 is not asked for, since versitygw 1.8 tells that of the whole original.
 */
export function copierFrom(connection: Connection, original: Original): PartCopier {
  const { bucket: Bucket } = connection;
  const CopySource = `${Bucket}/${pathText(original.key)}`;
  let [hits, misses] = [0, 0];
  return {
    isInVain: () => misses > MISSES && hits === 0,
    async copy({ key, id }, { number, at, bytes }, signal) {
      if (misses > hits + MISSES || at + bytes.length > original.size) return undefined;
      const range = {
        CopySource,
        CopySourceRange: `bytes=${at}-${at + bytes.length - 1}`,
        CopySourceIfMatch: original.etag,
      };
      const tried = await connection.once(
        { does: "UploadPartCopy", key, bytes: bytes.length, signal },
        async (client, options) => {
          const place = { Bucket, Key: key, UploadId: id, PartNumber: number };
          return (await client.uploadPartCopy({ ...place, ...range }, options)).CopyPartResult?.ETag;
        },
      );
      const etag = tried.state === "answered" ? tried.answer : undefined;
      if (etag !== undefined && isSameEtag(etag, createHash("md5").update(bytes).digest("hex"))) {
        hits++;
        return { number, etag, crc32: undefined };
      }
      misses++;
      return undefined;
    },
  };
}

/** Undefined where there is no such value, or it may not be read: the new one is then sent. */
export async function findOriginal(objects: Objects, key: string): Promise<Original | undefined> {
  const found = await objects.head(key).catch((error: unknown) => {
    if (isReleaseError(error, "AUTH")) return undefined;
    throw error;
  });
  return found === undefined || found.isRemoved ? undefined : { key, etag: found.etag, size: found.size };
}
