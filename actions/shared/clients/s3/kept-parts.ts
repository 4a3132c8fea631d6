import { GetObjectCommand, ListPartsCommand, type ListPartsCommandOutput } from "@aws-sdk/client-s3";
import type { Clock } from "../../ports/clock.ts";
import type { Connection } from "./connection.ts";
import type { Upload } from "./objects.ts";

/** A part that the server has of an upload which is not finished. */
export type KeptPart = { readonly etag: string; readonly size: number; readonly crc32: string | undefined };

export type KeptParts = {
  readonly parts: ReadonlyMap<number, KeptPart>;
  /** Since the last of them came, by the server's own clock. Without parts: for ever. */
  readonly quietMs: number;
};

export type AgedValue = { readonly text: string; readonly etag: string; readonly quietMs: number };

/** What is told of uploads by a server, with how long ago it was. */
export type KeptUploads = ReturnType<typeof keptUploads>;

export function keptUploads({ bucket: Bucket, ask, once }: Connection, clock: Clock) {
  return {
    /** Undefined: there is no such upload any more. `denied`: this credential may not ask. */
    async list({ key, id }: Upload): Promise<KeptParts | "denied" | undefined> {
      const parts = new Map<number, KeptPart>();
      let [newestMs, nowMs] = [Number.NEGATIVE_INFINITY, clock.now()];
      let after: string | undefined;
      do {
        const page = await once({ does: "ListParts", key }, async (client, options) => {
          const wanted = { Bucket, Key: key, UploadId: id, PartNumberMarker: after };
          const { command, serverMs } = dated(new ListPartsCommand(wanted), clock);
          const answer: ListPartsCommandOutput = await client.send(command, options);
          return { answer, nowMs: serverMs() };
        });
        if (page.state === "missing") return undefined;
        if (page.state !== "answered") return "denied";
        nowMs = page.answer.nowMs;
        const { Parts = [], IsTruncated, NextPartNumberMarker } = page.answer.answer;
        for (const { PartNumber, ETag, Size, ChecksumCRC32, LastModified } of Parts) {
          if (PartNumber === undefined || ETag === undefined || Size === undefined) continue;
          parts.set(PartNumber, { etag: ETag, size: Size, crc32: ChecksumCRC32 });
          newestMs = Math.max(newestMs, LastModified?.getTime() ?? nowMs);
        }
        after = IsTruncated === true ? NextPartNumberMarker : undefined;
      } while (after !== undefined);
      return { parts, quietMs: nowMs - newestMs };
    },

    /** A small value, and for how long nobody has written it. */
    async read(key: string): Promise<AgedValue | undefined> {
      const found = await ask({ does: "GetObject", key }, async (client, options) => {
        const { command, serverMs } = dated(new GetObjectCommand({ Bucket, Key: key }), clock);
        const answer = await client.send(command, options);
        const text = (await answer.Body?.transformToString()) ?? "";
        const modifiedMs = answer.LastModified?.getTime() ?? serverMs();
        return { text, etag: answer.ETag ?? "", quietMs: serverMs() - modifiedMs };
      });
      return found.state === "answered" ? found.answer : undefined;
    },
  };
}

type Dateable = ListPartsCommand | GetObjectCommand;

/** The command, and what the server's clock said when it answered: ours may be minutes off, and S3 takes that. */
function dated<C extends Dateable>(command: C, clock: Clock) {
  let serverMs = clock.now();
  (command as ListPartsCommand).middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> };
      const told = Date.parse(headers?.date ?? "");
      if (!Number.isNaN(told)) serverMs = told;
      return result;
    },
    { step: "deserialize", priority: "high", name: "serverTime" },
  );
  return { command, serverMs: () => serverMs };
}
