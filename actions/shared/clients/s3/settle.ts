import { ReleaseError } from "../../lib/error.ts";
import type { Connection, Tried } from "./connection.ts";
import { isSameEtag } from "./etag.ts";
import type { Head, Objects } from "./objects.ts";
import type { Condition, Mark } from "./value-headers.ts";

/** `spared`: bytes of it that did not have to be sent. */
export type Written =
  | { readonly state: "written"; readonly etag: string; readonly spared?: number }
  | { readonly state: "lost" };

export type Settling = {
  readonly key: string;
  readonly condition: Condition;
  readonly mark: Mark;
  /** Whether a write with this mark can be nobody else's. */
  readonly isOursAlone?: () => Promise<boolean>;
};

export type Settler = { readonly connection: Connection; readonly objects: Objects };

/**
 * Repeats one attempt until it is known what became of the write. `again`: the attempt itself cannot be repeated (the upload is no more).
 */
export async function settle(
  { connection, objects }: Settler,
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
export function decided(condition: Condition, found: Head | undefined): boolean {
  if ("ifNone" in condition) return found !== undefined && !found.isRemoved;
  return !isSameEtag(found?.etag, condition.ifMatch);
}

async function etagOf(objects: Objects, key: string): Promise<string> {
  return (await objects.head(key))?.etag ?? "";
}

export function contended({ server, bucket }: Connection, key: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: `${server} refused a write again and again, and nothing is there that would stand against it`,
    where: { file: `s3://${bucket}/${key}` },
    hint: "others write the same key at the same time, or a delete marker stands there: look at the bucket, then run the step again",
  });
}
