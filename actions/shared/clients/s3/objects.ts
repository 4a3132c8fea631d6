import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { ListedKey } from "../../ports/model-store.ts";
import type { S3Address } from "./address.ts";
import type { Connection, Tried } from "./connection.ts";
import { aliveChunks, bytesOf } from "./object-body.ts";
import type { Traits } from "./traits.ts";
import {
  type Condition,
  type Mark,
  STATE,
  type Summed,
  type Sums,
  sumHeaders,
  valueHeaders,
  WRITE,
} from "./value-headers.ts";

export type Head = {
  readonly etag: string;
  readonly size: number;
  readonly writeId: string | undefined;
  readonly isRemoved: boolean;
};

export type Put = Summed & {
  readonly key: string;
  readonly mark: Mark;
  readonly condition?: Condition;
  readonly sums?: Sums;
};
export type Upload = { readonly key: string; readonly id: string };
export type Part = { readonly number: number; readonly etag: string; readonly crc32: string | undefined };

/** S3's operations as the store uses them. Whatever is `Tried` is one attempt; the rest is repeated. */
export type Objects = ReturnType<typeof objectsOf>;

export function objectsOf(connection: Connection, address: S3Address, traits: Traits) {
  const { bucket: Bucket } = connection;
  const { once, ask, send } = connection;
  const { birth, birthHeaders, digests, conditions, conditionHeaders, quoted } = valueHeaders(address, traits);

  return {
    async head(key: string): Promise<Head | undefined> {
      const looked = ask({ does: "HeadObject", key }, (client, options) =>
        client.headObject({ Bucket, Key: key }, options),
      );
      const found = await looked.catch(async (error: unknown) => {
        if (isReleaseError(error, "AUTH", "PROTOCOL")) await tellWhy(key);
        throw error;
      });
      return found.state === "answered" ? headOf(found.answer) : undefined;
    },

    async get(key: string): Promise<{ readonly head: Head; readonly bytes: Uint8Array } | undefined> {
      const found = await ask({ does: "GetObject", key }, async (client, options) => {
        const answer = await client.getObject({ Bucket, Key: key }, options);
        return { head: headOf(answer), bytes: await bytesOf(answer, options.abortSignal) };
      });
      return found.state === "answered" ? found.answer : undefined;
    },

    /** The value from a byte on. Its chunks end with an error where none came for a minute. */
    stream(key: string, { from, signal }: { readonly from: number; readonly signal: AbortSignal | undefined }) {
      return ask({ does: "GetObject", key, signal }, async (client, options) => {
        const range = from === 0 ? {} : { Range: `bytes=${from}-` };
        const answer = await client.getObject({ Bucket, Key: key, ...range }, options);
        return { head: headOf(answer), chunks: aliveChunks(answer, signal) };
      });
    },

    /** So many bytes from a place on. */
    part(
      key: string,
      { at, length }: { readonly at: number; readonly length: number },
      signal: AbortSignal | undefined,
    ) {
      return ask({ does: "GetObject", key, bytes: length, signal }, async (client, options) => {
        const Range = `bytes=${at}-${at + length - 1}`;
        const answer = await client.getObject({ Bucket, Key: key, Range }, options);
        return { head: headOf(answer), bytes: await bytesOf(answer, options.abortSignal) };
      });
    },

    /** `sums`: instead of the right ones. */
    put({
      key,
      bytes,
      crc32,
      mark,
      condition,
      sums = digests({ bytes, crc32 }),
    }: Put): Promise<Tried<{ readonly etag: string }>> {
      const headers = { ...birthHeaders(mark), ...sumHeaders(sums), ...conditionHeaders(condition) };
      return once({ does: "PutObject", key, bytes: bytes.length }, (_, { abortSignal }) =>
        send({ key, headers, bytes }, abortSignal),
      );
    },

    remove(key: string, etag: string): Promise<Tried<unknown>> {
      return once({ does: "DeleteObject", key }, (client, options) =>
        client.deleteObject({ Bucket, Key: key, IfMatch: quoted(etag) }, options),
      );
    },

    /** Whatever it holds. */
    async discard(key: string): Promise<void> {
      await ask({ does: "DeleteObject", key }, (client, options) => client.deleteObject({ Bucket, Key: key }, options));
    },

    /** Sorted as S3 sorts: by the bytes of UTF-8. */
    async *list(prefix: string): AsyncGenerator<ListedKey> {
      let after: string | undefined;
      do {
        const page = await ask({ does: "ListObjectsV2", key: prefix }, (client, options) =>
          client.listObjectsV2({ Bucket, Prefix: prefix, ContinuationToken: after }, options),
        );
        if (page.state !== "answered") return;
        for (const { Key, Size, LastModified } of page.answer.Contents ?? [])
          if (Key !== undefined)
            yield { key: Key, size: Size ?? 0, modifiedMs: LastModified?.getTime() ?? Number.POSITIVE_INFINITY };
        after = page.answer.IsTruncated === true ? page.answer.NextContinuationToken : undefined;
      } while (after !== undefined);
    },

    async beginUpload(key: string, mark: Mark, signal: AbortSignal | undefined): Promise<Upload> {
      const begun = await ask({ does: "CreateMultipartUpload", key, signal }, (client, options) => {
        const algorithm = traits.checksum === "crc32" ? ({ ChecksumAlgorithm: "CRC32" } as const) : {};
        return client.createMultipartUpload({ Bucket, Key: key, ...birth(mark), ...algorithm }, options);
      });
      const id = begun.state === "answered" ? begun.answer.UploadId : undefined;
      if (id !== undefined) return { key, id };
      throw new ReleaseError("PROTOCOL", {
        rule: `${connection.server} did not begin the upload of a large file`,
        where: { file: `s3://${Bucket}/${key}` },
        hint: "check that it speaks S3",
      });
    },

    /** Undefined: the upload is no more. */
    async uploadPart(
      { key, id }: Upload,
      { number, bytes, crc32 }: Summed & { readonly number: number },
      signal: AbortSignal | undefined,
    ): Promise<Part | undefined> {
      const sums = digests({ bytes, crc32 });
      const query = { partNumber: String(number), uploadId: id };
      const sent = await ask({ does: "UploadPart", key, bytes: bytes.length, signal }, (_, { abortSignal }) =>
        send({ key, query, headers: sumHeaders(sums), bytes }, abortSignal),
      );
      if (sent.state !== "answered") return undefined;
      return { number, etag: sent.answer.etag, crc32: sums.ChecksumCRC32 };
    },

    completeUpload(
      { key, id }: Upload,
      parts: readonly Part[],
      condition: Condition | undefined,
    ): Promise<Tried<{ readonly etag: string }>> {
      const Parts = parts.map(({ number, etag, crc32: sum }) => ({
        PartNumber: number,
        ETag: etag,
        ...(sum === undefined ? {} : { ChecksumCRC32: sum }),
      }));
      // A server may put thousands of parts together only now.
      return once({ does: "CompleteMultipartUpload", key, bytes: parts.length * 100_000 }, async (client, options) => {
        const request = {
          Bucket,
          Key: key,
          UploadId: id,
          MultipartUpload: { Parts },
          ...conditions(condition),
        };
        return { etag: (await client.completeMultipartUpload(request, options)).ETag ?? "" };
      });
    },

    /** An upload that is no more is as good. */
    async abortUpload({ key, id }: Upload, signal?: AbortSignal): Promise<void> {
      await ask({ does: "AbortMultipartUpload", key, signal }, (client, options) =>
        client.abortMultipartUpload({ Bucket, Key: key, UploadId: id }, options),
      );
    },
  };

  /** A refused HEAD has no body that would say why (an expired token, a wrong clock): a GET has, and throws it. */
  async function tellWhy(key: string): Promise<void> {
    await ask({ does: "GetObject", key }, (client, options) =>
      client.getObject({ Bucket, Key: key, Range: "bytes=0-0" }, options),
    );
  }
}

type Answered = {
  readonly ETag?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
};

function headOf({ ETag = "", ContentLength = 0, Metadata = {} }: Answered): Head {
  return { etag: ETag, size: ContentLength, writeId: Metadata[WRITE], isRemoved: Metadata[STATE] === "removed" };
}
