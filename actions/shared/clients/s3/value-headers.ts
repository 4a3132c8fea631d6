import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { S3Address } from "./address.ts";
import { bareEtag } from "./etag.ts";
import type { Traits } from "./traits.ts";

/** What a write demands of the key: that there is nothing, or this etag. */
export type Condition = { readonly ifNone: true } | { readonly ifMatch: string };

/** What a value carries besides its bytes: who wrote it, so that a lost answer can be told from a lost race. */
export type Mark = { readonly writeId: string; readonly removed?: true };

/** Bytes, and their CRC32 where it is known. */
export type Summed = { readonly bytes: Uint8Array; readonly crc32?: number | undefined };

export type Sums = { readonly ChecksumCRC32?: string; readonly ContentMD5?: string };

/** Names of what a value carries, below `x-amz-meta-`. */
export const WRITE = "ml-release-write";
export const STATE = "ml-release-state";

/** What goes with a value in the words of S3: for the SDK, and as headers of requests of our own. */
export function valueHeaders(address: S3Address, traits: Traits) {
  return {
    birth,
    birthHeaders,
    digests,
    conditions,
    conditionHeaders,
    quoted: (etag: string) => quotedAs(traits, etag),
  };

  function birth({ writeId, removed }: Mark) {
    const { encryption, tags } = address;
    const names = Object.keys(tags);
    return {
      Metadata: { [WRITE]: writeId, ...(removed === undefined ? {} : { [STATE]: "removed" }) },
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption.kind }),
      ...(encryption?.kind === "aws:kms" && encryption.key !== undefined ? { SSEKMSKeyId: encryption.key } : {}),
      ...(names.length === 0 ? {} : { Tagging: new URLSearchParams(tags).toString() }),
    };
  }

  function birthHeaders({ writeId, removed }: Mark): Readonly<Record<string, string>> {
    const { Tagging, ServerSideEncryption, SSEKMSKeyId } = birth({ writeId });
    return {
      [`x-amz-meta-${WRITE}`]: writeId,
      ...(removed === undefined ? {} : { [`x-amz-meta-${STATE}`]: "removed" }),
      ...(ServerSideEncryption === undefined ? {} : { "x-amz-server-side-encryption": ServerSideEncryption }),
      ...(SSEKMSKeyId === undefined ? {} : { "x-amz-server-side-encryption-aws-kms-key-id": SSEKMSKeyId }),
      ...(Tagging === undefined ? {} : { "x-amz-tagging": Tagging }),
    };
  }

  function digests({ bytes, crc32: sum = crc32(bytes) }: Summed): Sums {
    switch (traits.checksum) {
      case "crc32":
        return { ChecksumCRC32: crc32Text(sum) };
      case "md5":
        return { ContentMD5: createHash("md5").update(bytes).digest("base64") };
      case "none":
        return {};
    }
  }

  function conditionHeaders(condition: Condition | undefined): Readonly<Record<string, string>> {
    if (condition === undefined) return {};
    return "ifNone" in condition ? { "if-none-match": "*" } : { "if-match": quotedAs(traits, condition.ifMatch) };
  }

  function conditions(condition: Condition | undefined) {
    if (condition === undefined) return {};
    return "ifNone" in condition ? { IfNoneMatch: "*" } : { IfMatch: quotedAs(traits, condition.ifMatch) };
  }
}

export function sumHeaders({ ChecksumCRC32, ContentMD5 }: Sums): Readonly<Record<string, string>> {
  return {
    ...(ChecksumCRC32 === undefined ? {} : { "x-amz-checksum-crc32": ChecksumCRC32 }),
    ...(ContentMD5 === undefined ? {} : { "content-md5": ContentMD5 }),
  };
}

function quotedAs({ etags }: Traits, etag: string): string {
  const bare = bareEtag(etag);
  return etags === "quoted" ? `"${bare}"` : bare;
}

/** As S3 writes it. */
export function crc32Text(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString("base64");
}
