import type { Digest } from "../domain/digest.ts";
import type { VersionRecord } from "../domain/model-version.ts";
import type { ModelStore } from "../ports/model-store.ts";
import { sha256Stream } from "./hash.ts";
import { modelDigest } from "./hash-model.ts";

/** What is wrong with a file of a registered version. */
export type FileFault =
  | { readonly state: "missing"; readonly path: string; readonly allowed: Digest }
  | { readonly state: "extra"; readonly path: string; readonly size: number }
  | { readonly state: "differs"; readonly path: string; readonly saw: Digest; readonly allowed: Digest };

export type Verification = {
  readonly faults: readonly FileFault[];
  /** The root digest over the files that the record lists, where they are as it says. */
  readonly digest: Digest;
  readonly bytes: number;
};

/** Reads every file of a version again and compares with its record. An extra file is a fault: a server would load it. */
export async function verifyModel(
  store: ModelStore,
  record: VersionRecord,
  signal: AbortSignal,
): Promise<Verification> {
  const faults: FileFault[] = [];
  let bytes = 0;
  for (const file of record.files) {
    signal.throwIfAborted();
    const { path, digest: allowed } = file;
    const stored = await store.open(`${record.folder}/${path}`);
    if (stored === undefined) {
      faults.push({ state: "missing", path, allowed });
      continue;
    }
    const { digest: saw, size } = await sha256Stream(untilAborted(stored, signal));
    bytes += size;
    if (saw !== allowed) faults.push({ state: "differs", path, saw, allowed });
  }
  const known = new Set(record.files.map(({ path }) => `${record.folder}/${path}`));
  for await (const { key, size } of store.list(`${record.folder}/`)) {
    if (!known.has(key)) faults.push({ state: "extra", path: key.slice(record.folder.length + 1), size });
  }
  return { faults, digest: modelDigest(record.files), bytes };
}

async function* untilAborted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
