import { canonicalJson } from "../domain/canonical.ts";
import { type Digest, hexOf, shortDigest } from "../domain/digest.ts";
import type { ModelFile } from "../domain/signing-manifest.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { createHashed } from "./create-hashed.ts";
import { ReleaseError } from "./error.ts";
import { sha256, sha256Stream } from "./hash.ts";
import { type HashedModel, hashFiles, modelDigest } from "./hash-model.ts";
import { keepHeapSmall } from "./heap.ts";
import { inParallel } from "./in-parallel.ts";
import { expectReading } from "./read-blocks.ts";
import type { Progress } from "./transfer-progress.ts";

export type StoredModel = HashedModel & {
  /** The folder of the files, as a key of the store. */
  readonly folder: string;
  /** Bytes that were sent now; the rest was in the store: from an attempt that was cut short, or in an earlier version. */
  readonly written: number;
};

export type Storing = {
  readonly name: string;
  /** Below the model's files: the version, or another name where that is still to be found. Holds no `~` but in front. */
  readonly place: string;
  readonly files: readonly SourceFile[];
  readonly signal: AbortSignal;
  /** Versions whose files may be the same, the likeliest first. */
  readonly earlier?: readonly StoredFiles[];
  /** Hears of every piece on its way, and of those that have to go again. */
  readonly progress?: Progress;
};

/** Files of the store: of a version, or of a place. */
export type StoredFiles = { readonly folder: string; readonly files: readonly ModelFile[] };

/**
 * Copies a model into the store, hashing each file while it is copied, before any record names it. What an earlier attempt left is used.
 *
 * The folder of the place is claimed, once and for ever, by the list of paths and sizes that goes there; files in it are only created, never
 * changed. So whoever shares it writes the same set of files, and a record that names it can never come to lie beside a file of another
 * model, however many writers race or die. Who comes with another list, or with other bytes, writes to a folder of their own:
 * `<place>~<first 12 of its digest>`.
 */
export async function storeModel(store: ModelStore, storing: Storing): Promise<StoredModel> {
  const { name, place, files, signal } = storing;
  keepHeapSmall();
  expectReading(files);
  const base = `${name}/files/${place}`;
  const list = canonicalJson(files.map(({ path, size }) => ({ path, size })));
  const folder = (await claim(store, `${base}~files.json`, list)) ? base : `${base}~${first12(sha256(list))}`;
  const copied = await copyFiles(store, folder, storing);
  if (copied !== undefined) return copied;
  const { digest } = await hashFiles(files, signal);
  const own = `${base}~${first12(digest)}`;
  const again = await copyFiles(store, own, storing);
  if (again?.digest === digest) return again;
  throw new ReleaseError("INTEGRITY", {
    rule: "a folder of the store that is named by a digest must hold what has that digest",
    where: { file: store.address(own) },
    saw: "other bytes",
    allowed: shortDigest(digest),
    hint: "files in the store were changed: remove that folder, which no version names, and run the step again",
  });
}

/** Whether the claim is this text: ours now, or that of an earlier attempt with the same files. */
async function claim(store: ModelStore, key: string, text: string): Promise<boolean> {
  if ((await store.create(key, new TextEncoder().encode(text))).state === "created") return true;
  const held = await store.read(key);
  return held !== undefined && new TextDecoder().decode(held.bytes) === text;
}

/** Many small files go one beside the other; a store far away answers each only after a while. More of them take memory, and are hardly sooner done. */
const AT_ONCE = 24;

/** Undefined: other bytes lie in this folder under one of the paths. */
async function copyFiles(
  store: ModelStore,
  folder: string,
  { files, signal, earlier = [], progress }: Storing,
): Promise<StoredModel | undefined> {
  let isForeign = false;
  const copied = await inParallel(files, AT_ONCE, async (file): Promise<Copied | undefined> => {
    signal.throwIfAborted();
    if (isForeign) return undefined;
    const key = `${folder}/${file.path}`;
    const created = await createHashed(store, key, { source: file, like: likeOf(file, earlier), progress, signal });
    const digest = created?.digest ?? (await digestWhereSame(store, key, { file, signal }));
    if (digest === undefined) isForeign = true;
    return digest && { written: created?.written ?? 0, file: { path: file.path, size: file.size, digest } };
  });
  const whole = copied.filter((one) => one !== undefined);
  if (whole.length < files.length) return undefined;
  const listed = whole.map(({ file }) => file);
  const written = whole.reduce((sum, one) => sum + one.written, 0);
  return { files: listed, digest: modelDigest(listed), folder, written };
}

type Copied = { readonly file: ModelFile; readonly written: number };

type Reading = { readonly file: SourceFile; readonly signal: AbortSignal };

/** Where the same bytes may lie: a file of the same size under the same path, else under another one, else of the same path. */
function likeOf({ path, size }: SourceFile, earlier: readonly StoredFiles[]): string | undefined {
  if (size < LEAST_COPIED_BYTES) return undefined;
  const all = earlier.flatMap(({ folder, files }) => files.map((file) => ({ ...file, key: `${folder}/${file.path}` })));
  const same = all.filter((file) => file.size === size);
  return (same.find((file) => file.path === path) ?? same[0] ?? all.find((file) => file.path === path))?.key;
}

/** What is smaller is sent as soon as it is asked about. */
export const LEAST_COPIED_BYTES = 8 * 1024 * 1024;

async function digestWhereSame(store: ModelStore, key: string, { file, signal }: Reading): Promise<Digest | undefined> {
  const stored = await store.open(key);
  if (stored === undefined) return undefined;
  const [ours, theirs] = [await sha256Stream(file.read(signal)), await sha256Stream(stored)];
  return ours.digest === theirs.digest ? ours.digest : undefined;
}

const first12 = (digest: Digest) => hexOf(digest, 12);
