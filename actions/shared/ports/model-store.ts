import type { Digest } from "../domain/digest.ts";

/** Memory that threads share. */
export type Block = Uint8Array<SharedArrayBuffer>;

/** A value as it is read: once, from its start. */
export type BlockReader = {
  /**
   * Fills a block with the bytes that come next, all of it, and gives their CRC32. It may be asked for while another one is being filled:
   * each gets what comes after the one before. Throws where the value is shorter than announced or, with its last bytes, longer.
   */
  fill(block: Block): Promise<number>;
  /** SHA-256 of the value, when all of it has been asked for. */
  digest(): Promise<Digest>;
  /** Ends the reading, wherever it is; no block is written to after it. */
  close(): Promise<void>;
};

/** A value that is read block by block, from its start again for a retry; an empty one by an empty block. */
export type StreamedBody = { readonly size: number; read(): BlockReader };

/** A value to be written: small ones as bytes. */
export type Body = Uint8Array | StreamedBody;

export type Creation =
  | { readonly state: "created"; readonly etag: string; readonly spared?: number }
  | { readonly state: "exists" };

export type StoredEntry = { readonly bytes: Uint8Array; readonly etag: string };
export type ListedKey = {
  readonly key: string;
  readonly size: number;
  /** When it was written, by the store's own clock: milliseconds since 1970. */
  readonly modifiedMs: number;
};

/**
 * The store of models, release records and their logs: keys with `/`, immutable or replaced by compare-and-swap. Every write is
 * atomic and durable: a reader sees the old value, or the whole new one, also when the writer is killed.
 * Implementations: a folder; any S3-compatible store (conditional writes).
 */
export interface ModelStore {
  /** `file:///…` or `s3://bucket/prefix`, without a trailing slash; as users name it. */
  readonly uri: string;
  /**
   * Writes a key that must not exist yet. `exists`: somebody was first, nothing was changed. `like`: a key that may hold the same bytes, or
   * many of them; a store that can takes those from there. `spared`: bytes that did not have to be sent, since the store had them.
   */
  create(key: string, body: Body, like?: string): Promise<Creation>;
  /** Reads a small value whole (records, aliases, log entries). */
  read(key: string): Promise<StoredEntry | undefined>;
  /** Opens a value of any size as a stream. */
  open(key: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Writes a key only if its etag is still this one. `changed`: somebody else wrote or removed it, nothing was changed. */
  replace(
    key: string,
    etag: string,
    body: Body,
  ): Promise<{ readonly state: "replaced"; readonly etag: string } | { readonly state: "changed" }>;
  /** All keys below a prefix that ends in `/`, sorted by UTF-16 code units. */
  list(prefix: string): AsyncIterable<ListedKey>;
  /** Removes a key only if its etag is still this one; a missing key is `changed` too. */
  remove(key: string, etag: string): Promise<{ readonly state: "removed" } | { readonly state: "changed" }>;
  /** Removes all keys below a prefix that ends in `/`, whatever they hold: only for what nobody names and nobody writes. */
  clear(prefix: string): Promise<void>;
  /** The address under which a serving system finds a key: `file:///…/key`, `s3://bucket/prefix/key`. */
  address(key: string): string;
}
