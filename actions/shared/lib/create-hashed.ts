import type { Digest } from "../domain/digest.ts";
import type { BlockReader, ModelStore } from "../ports/model-store.ts";
import { type Readable, readBlocks } from "./read-blocks.ts";
import type { Progress } from "./transfer-progress.ts";

/** A value whose digest is not known before it is read. It may have to be read more than once. */
export type UnhashedValue = {
  readonly source: Readable;
  /** Where the same bytes may lie in the store. */
  readonly like?: string | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal;
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
  { source, like, progress, signal }: UnhashedValue,
): Promise<HashedCreation | undefined> {
  const { size } = source;
  let digest: BlockReader["digest"] | undefined;
  let passed = 0;
  const read = (): BlockReader => {
    const reader = readBlocks(source, signal);
    digest = reader.digest;
    // Opened again for a retry: what was read before counts no more.
    progress?.add(-passed);
    passed = 0;
    return {
      ...reader,
      async fill(block) {
        const sum = await reader.fill(block);
        passed += block.length;
        progress?.add(block.length);
        return sum;
      },
    };
  };
  const created = await store.create(key, { size, read }, like);
  progress?.add(size - passed);
  if (created.state === "exists") return undefined;
  if (digest === undefined) throw new Error("a store created what it did not read");
  return { digest: await digest(), written: size - (created.spared ?? 0) };
}
