import { createHash, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { S3Address } from "./address.ts";
import type { Connection, Tried } from "./connection.ts";
import { type Objects, objectsOf } from "./objects.ts";
import { STANDARD, type Traits } from "./traits.ts";
import { type Condition, crc32Text, type Sums } from "./value-headers.ts";

/** What was found; `faults` says what the server does although its answer promised otherwise. */
export type Probe = { readonly traits: Traits; readonly faults: readonly string[] };

export type Probing = {
  readonly connection: Connection;
  readonly address: S3Address;
  /** Where the probe may write; it leaves nothing there. */
  readonly folder: string;
};

/**
 * Finds out by a few small writes what this server keeps of what S3 promises, in this bucket as it is set up now. Throws where it may not
 * write, or the bucket is not there: before anything large is sent.
 */
export async function probeServer(probing: Probing): Promise<Probe> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await probeOnce(probing);
    } catch (error) {
      // An answer that was lost could be taken for a fault: all of it again, on a key of its own.
      if (!isReleaseError(error, "UNAVAILABLE", "CONFLICT") || attempt >= probing.connection.attempts) throw error;
      await probing.connection.pause(attempt, { state: "missing" });
    }
  }
}

async function probeOnce({ connection, address, folder }: Probing): Promise<Probe> {
  // The digest has a key of its own: with versions, what was removed may count as being there.
  const [key, digestKey] = [`${folder}${randomUUID()}`, `${folder}${randomUUID()}`];
  const plain = objectsOf(connection, address, { ...STANDARD, checksum: "none" });
  const discard = async () => {
    for (const used of [digestKey, key]) await plain.discard(used);
  };
  try {
    const checksum = await findChecksum(plain, digestKey);
    const objects = objectsOf(connection, address, { ...STANDARD, checksum });
    const faults = [...(await createFaults(objects, key)), ...(await readFaults(objects, key))];
    const unquoted = objectsOf(connection, address, { ...STANDARD, checksum, etags: "unquoted" });
    const etags = await findEtags({ quoted: objects, unquoted }, key);
    if (etags === undefined) faults.push(IGNORES_REPLACE);
    const traits = { etags: etags ?? "quoted", checksum, removal: "delete" } as const;
    const spoken = etags === "unquoted" ? unquoted : objects;
    faults.push(...(await replaceFaults(spoken, key)), ...(await uploadFaults(spoken, key)));
    const removal = await findRemoval(spoken, key);
    await discard();
    return { traits: { ...traits, removal }, faults: [...new Set(faults)] };
  } catch (error) {
    // What went wrong is to be told, not that the rest cannot be removed either.
    await discard().catch(() => undefined);
    throw error;
  }
}

const IGNORES_REPLACE = "it does not replace an object by its own etag (If-Match)";

/** A body with a wrong digest must not be stored. A server may take the header and not look at it. */
async function findChecksum(objects: Objects, key: string): Promise<Traits["checksum"]> {
  const bytes = text("checksum");
  const wrong = text("another");
  const md5 = (of: Uint8Array) => createHash("md5").update(of).digest("base64");
  const kinds: readonly [Traits["checksum"], Sums, Sums][] = [
    ["crc32", { ChecksumCRC32: crc32Text(crc32(bytes)) }, { ChecksumCRC32: crc32Text(crc32(wrong)) }],
    ["md5", { ContentMD5: md5(bytes) }, { ContentMD5: md5(wrong) }],
  ];
  const stored = async (sums: Sums) => (await objects.put({ key, bytes, mark: { writeId: "probe" }, sums })).state;
  // Without a digest first: whether one may write at all is told as itself.
  take(await objects.put({ key, bytes, mark: { writeId: "probe" }, sums: {} }));
  for (const [kind, rightSums, wrongSums] of kinds)
    if ((await stored(rightSums)) === "answered" && (await stored(wrongSums)) !== "answered") return kind;
  return "none";
}

async function createFaults(objects: Objects, key: string): Promise<string[]> {
  const first = await put(objects, key, { value: "first", condition: { ifNone: true } });
  if (first.state !== "answered")
    return [`it does not create an object under the condition that there is none (${wordOf(first)})`];
  const second = await put(objects, key, { value: "second", condition: { ifNone: true } });
  return second.state === "answered"
    ? ["it overwrites an object although it was told not to (If-None-Match: * on PutObject)"]
    : expectCondition(second);
}

async function readFaults(objects: Objects, key: string): Promise<readonly string[]> {
  const found = await objects.get(key);
  if (found === undefined) return ["it does not find what was just written"];
  const faults: string[] = [];
  if (!["first", "second"].includes(new TextDecoder().decode(found.bytes)))
    faults.push("it gives back other bytes than were written");
  if (found.head.writeId === undefined)
    faults.push("it does not keep an object's metadata, by which a write is known again");
  if (found.head.etag === "") faults.push("it gives no etag");
  return faults;
}

/** How the server wants its own etag back. */
async function findEtags(
  spoken: Readonly<Record<Traits["etags"], Objects>>,
  key: string,
): Promise<Traits["etags"] | undefined> {
  const etag = (await spoken.quoted.head(key))?.etag ?? "";
  for (const how of ["quoted", "unquoted"] as const)
    if ((await put(spoken[how], key, { value: how, condition: { ifMatch: etag } })).state === "answered") return how;
  return undefined;
}

async function replaceFaults(objects: Objects, key: string): Promise<readonly string[]> {
  const wrong = await put(objects, key, { value: "wrong", condition: { ifMatch: WRONG_ETAG } });
  return wrong.state === "answered"
    ? ["it replaces an object although another etag was asked for (If-Match on PutObject)"]
    : expectCondition(wrong);
}

async function uploadFaults(objects: Objects, key: string): Promise<readonly string[]> {
  const faults: string[] = [];
  const conditions: readonly [string, Condition][] = [
    [
      "it overwrites an object although it was told not to (If-None-Match: * on CompleteMultipartUpload)",
      { ifNone: true },
    ],
    [
      "it replaces an object although another etag was asked for (If-Match on CompleteMultipartUpload)",
      { ifMatch: WRONG_ETAG },
    ],
  ];
  for (const [fault, condition] of conditions) {
    const completed = await upload(objects, key, condition);
    faults.push(...(completed.state === "answered" ? [fault] : expectCondition(completed)));
  }
  return faults;
}

async function upload(objects: Objects, key: string, condition: Condition): Promise<Tried<unknown>> {
  const begun = await objects.beginUpload(key, { writeId: randomUUID() }, undefined);
  const part = await objects.uploadPart(begun, { number: 1, bytes: text("part") }, undefined).catch(async (error) => {
    await objects.abortUpload(begun);
    throw error;
  });
  const completed = await objects.completeUpload(begun, part === undefined ? [] : [part], condition);
  if (completed.state === "answered") return completed;
  // Told as itself: one who may not abort would leave parts that cost money.
  await objects.abortUpload(begun);
  return completed;
}

/** Whether a key can be removed under a condition, and be created again. */
async function findRemoval(objects: Objects, key: string): Promise<Traits["removal"]> {
  const etag = (await objects.head(key))?.etag ?? "";
  const wrong = await objects.remove(key, WRONG_ETAG);
  if (wrong.state === "answered") return "tombstone";
  const right = await objects.remove(key, etag);
  if (right.state !== "answered") return "tombstone";
  const again = await put(objects, key, { value: "again", condition: { ifNone: true } });
  return again.state === "answered" ? "delete" : "tombstone";
}

const WRONG_ETAG = '"00000000000000000000000000000000"';

type Small = { readonly value: string; readonly condition: Condition };

function put(objects: Objects, key: string, { value, condition }: Small) {
  return objects.put({ key, bytes: text(value), mark: { writeId: randomUUID() }, condition });
}

/** A condition that does not hold is 412; what else a server says to it is told. */
function expectCondition(tried: Tried<unknown>): string[] {
  if (tried.state === "condition") return [];
  return [`it does not say that a condition was not met (412), but ${wordOf(tried)}`];
}

function wordOf(tried: Tried<unknown>): string {
  switch (tried.state) {
    case "answered":
      return "that all went well";
    case "condition":
      return "412";
    case "missing":
      return "404";
    case "refused":
      return tried.seen.code;
    case "conflict":
    case "unavailable":
      throw tried.error;
  }
}

function take(tried: Tried<unknown>): void {
  if ("error" in tried) throw tried.error;
}

const text = (value: string) => new TextEncoder().encode(value);

/** The refusal of a server that would lose versions. */
export function refuseServer({ server, bucket }: Connection, faults: readonly string[]): ReleaseError {
  return new ReleaseError(
    "REFUSED",
    faults.map((fault) => ({
      rule: `${server} cannot keep a store of models safely: ${fault}`,
      where: { input: "store" },
      saw: `the bucket ${bucket}`,
      hint: "use a server that keeps conditional writes; or, where only one job at a time writes, add ?conditions=weak to `store`",
    })),
  );
}
