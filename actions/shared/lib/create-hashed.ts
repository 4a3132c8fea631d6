import type { Digest } from "../domain/digest.ts";
import type { ModelStore } from "../ports/model-store.ts";
import { hashHere } from "./hash.ts";
import { type HashBeside, hashBeside } from "./hash-beside.ts";
import type { Progress } from "./transfer-progress.ts";

/** A value whose digest is not known before it is read. It may have to be read more than once. */
export type UnhashedValue = {
  readonly size: number;
  /** Where the same bytes may lie in the store. */
  readonly like?: string | undefined;
  readonly progress?: Progress | undefined;
  read(): AsyncIterable<Uint8Array>;
};

export type HashedCreation = {
  readonly digest: Digest;
  /** Bytes that were sent; the rest was in the store already. */
  readonly written: number;
};

/** Creates a key, and hashes its value while that is on its way. Undefined where the key exists. */
export async function createHashed(
  store: ModelStore,
  key: string,
  value: UnhashedValue,
): Promise<HashedCreation | undefined> {
  const { size, like, progress } = value;
  let hash = hashFor(size);
  let read = 0;
  const open = async function* () {
    // Opened again for a retry: what was read before counts no more.
    hash = hashFor(size);
    progress?.add(-read);
    read = 0;
    for await (const chunk of value.read()) {
      await hash.update(chunk);
      read += chunk.length;
      progress?.add(chunk.length);
      yield chunk;
    }
  };
  const created = await store.create(key, { size, open }, like);
  progress?.add(size - read);
  if (created.state === "exists") return undefined;
  return { digest: await hash.digest(), written: size - (created.spared ?? 0) };
}

/** From this size on it pays to wake another core; of many small values it would only take more memory. */
const HASHED_BESIDE_BYTES = 32 * 1024 * 1024;

function hashFor(size: number): HashBeside | ReturnType<typeof hashHere> {
  return size < HASHED_BESIDE_BYTES ? hashHere() : hashBeside();
}
