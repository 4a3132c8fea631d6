import { ReleaseError } from "../../lib/error.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import { memoryOf } from "../../lib/memory.ts";
import { checkKey, checkPrefix } from "../../lib/store-key.ts";
import type { Log } from "../../ports/log.ts";
import type { ListedKey, ModelStore } from "../../ports/model-store.ts";
import { connectS3, type S3Options } from "./connection.ts";
import { keptUploads } from "./kept-parts.ts";
import { objectsOf } from "./objects.ts";
import { openValue } from "./read-value.ts";
import { removeValue } from "./remove-value.ts";
import { findTraits } from "./server-record.ts";
import { STANDARD } from "./traits.ts";
import { TOMBSTONE, type Write, write } from "./write.ts";

export type S3StoreOptions = S3Options & {
  readonly log: Pick<Log, "info" | "warn" | "debug">;
  /** Ends reads and large writes; what is small and has begun is let finish. */
  readonly signal?: AbortSignal;
  /** An unfinished upload to which nothing came for so long is taken over. Default 30 s. */
  readonly quietMs?: number;
};

/** Bodies on their way take no more memory than this, whatever their size. */
const MEMORY_BYTES = 24 * 1024 * 1024;

/**
 * A model store in a bucket of any server that speaks S3: a key is an object below the prefix. What is ours alone lies below `.store/`.
 *
 * - `create` and `replace` are conditional writes (`If-None-Match`, `If-Match`): the server decides between writers. Whether it does is
 *   found out before the first write; one that does not is refused.
 * - After an answer that was lost the store looks what became of its write before it writes again.
 * - Large values go up in parts and appear with the last request, or not at all.
 */
export function s3Store(options: S3StoreOptions): ModelStore {
  const { address, clock, log, signal, quietMs = 30_000 } = options;
  const connection = connectS3(options);
  const root = address.prefix === "" ? "" : `${address.prefix}/`;
  const uri = `s3://${address.bucket}${address.prefix === "" ? "" : `/${address.prefix}`}`;
  const memory = memoryOf(MEMORY_BYTES);
  const reading = objectsOf(connection, address, STANDARD);
  const ownKey = (name: string) => `${root}${OWN}${name}`;
  let writing: ReturnType<typeof openWriter> | undefined;

  return {
    uri,
    address: (key) => `${uri}/${checkKey(key)}`,

    async create(key, body, like) {
      const wanted = { key: keyOf(key), body, condition: { ifNone: true }, like: like && keyOf(like) } as const;
      const written = await writeUnder(wanted);
      if (written.state === "lost") return { state: "exists" };
      const { etag, spared = 0 } = written;
      return { state: "created", etag, ...(spared > 0 ? { spared } : {}) };
    },

    async read(key) {
      const found = await reading.get(keyOf(key));
      return found === undefined || found.head.isRemoved ? undefined : { bytes: found.bytes, etag: found.head.etag };
    },

    async open(key) {
      return openValue({ connection, objects: reading, signal }, keyOf(key));
    },

    async replace(key, etag, body) {
      const written = await writeUnder({ key: keyOf(key), body, condition: { ifMatch: etag } });
      return written.state === "written" ? { state: "replaced", etag: written.etag } : { state: "changed" };
    },

    async remove(key, etag) {
      const stored = keyOf(key);
      const { objects, traits } = await writer();
      if (traits.removal === "tombstone") {
        const written = await writeUnder({ key: stored, body: TOMBSTONE, condition: { ifMatch: etag }, removed: true });
        return { state: written.state === "written" ? "removed" : "changed" };
      }
      return { state: await removeValue({ connection, objects }, stored, etag) };
    },

    async *list(prefix) {
      const below = root + checkPrefix(prefix);
      const found: ListedKey[] = [];
      for await (const { key, ...facts } of reading.list(below)) {
        const own = key.slice(root.length);
        if (own.startsWith(OWN) || own.endsWith("/")) continue;
        if (facts.size === TOMBSTONE.length && (await reading.head(key))?.isRemoved !== false) continue;
        found.push({ key: own, ...facts });
      }
      // S3 sorts by the bytes of UTF-8, which is another order for what lies beyond U+FFFF.
      yield* found.sort((one, other) => (one.key < other.key ? -1 : 1));
    },

    async clear(prefix) {
      const below = `${keyOf(prefix.replace(/\/$/, ""))}/`;
      const { traits } = await writer();
      const keys = await Array.fromAsync(reading.list(below), ({ key }) => key);
      await inParallel(keys, CLEARED_AT_ONCE, (key) =>
        traits.removal === "tombstone" ? bury(key) : reading.discard(key),
      );
    },
  };

  function keyOf(key: string): string {
    const whole = root + checkKey(key);
    if (Buffer.byteLength(whole) <= LONGEST_KEY) return whole;
    throw new ReleaseError("INPUT", {
      rule: "a key of the store, with the store's prefix, is too long for S3",
      where: { input: "store" },
      saw: `${Buffer.byteLength(whole)} bytes`,
      allowed: `${LONGEST_KEY} bytes`,
      hint: "take a shorter prefix",
    });
  }

  async function writeUnder(wanted: Write) {
    const { objects, copying, traits } = await writer();
    const looksFirst = address.conditions === "weak";
    const holder = { objects, uploads: keptUploads(connection, clock), ownKey, quietMs, log };
    return write(
      { connection, objects, copying, holder, traits, memory, budget: MEMORY_BYTES, signal, looksFirst },
      wanted,
    );
  }

  /** Where a key that was deleted could not be created anew. */
  async function bury(key: string): Promise<void> {
    const found = await reading.head(key);
    if (found === undefined || found.isRemoved) return;
    await writeUnder({ key, body: TOMBSTONE, condition: { ifMatch: found.etag }, removed: true });
  }

  function writer() {
    writing ??= openWriter().catch((error: unknown) => {
      writing = undefined;
      throw error;
    });
    return writing;
  }

  async function openWriter() {
    const traits = await findTraits({ connection, address, ownKey, clock, log });
    const copying =
      traits.checksum === "none" ? undefined : objectsOf(connection, address, { ...traits, checksum: "md5" });
    return { traits, objects: objectsOf(connection, address, traits), copying };
  }
}

/** Below the store's prefix; no key of a value begins with it. */
const OWN = ".store/";

const LONGEST_KEY = 1_024;

const CLEARED_AT_ONCE = 16;
