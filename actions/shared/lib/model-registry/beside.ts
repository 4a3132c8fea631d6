import { type Digest, hexOf } from "../../domain/digest.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";
import { sha256 } from "../hash.ts";
import { checkName } from "./entry.ts";

/** A small file that belongs to a version and is no part of the model. */
export type BesideFile = {
  readonly name: string;
  readonly version: string;
  /** The folder of its kind. */
  readonly kind: "cards" | "signatures";
  /** What the file is called, wherever it lies. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Names a place of its own, where another file lies in the usual one: the same for files that may stand for each other. */
  readonly identity: Digest;
  /** Whether what lies there may stand for it. */
  readonly isSame: (bytes: Uint8Array) => boolean;
};

/**
 * Keeps a file beside a version that is not registered yet: `<name>/<kind>/<version>/<file>`. Files are created and never changed, since the
 * record of another job may name them already. What an attempt that was cut short left there is taken where it is the same; else the file goes
 * to `<version>~<first 12 of its identity>`. Versions hold no `~`.
 */
export async function keepBeside(
  store: ModelStore,
  beside: BesideFile,
): Promise<{ readonly key: string; readonly digest: Digest }> {
  const { name, version, kind, file, bytes, identity, isSame } = beside;
  const own = `${version}~${hexOf(identity, 12)}`;
  for (const place of [version, own]) {
    const key = `${checkName(name)}/${kind}/${place}/${file}`;
    if ((await store.create(key, bytes)).state === "created") return { key, digest: sha256(bytes) };
    const there = await readSmall(store, key);
    if (there !== undefined && isSame(there)) return { key, digest: sha256(there) };
  }
  throw new ReleaseError("INTEGRITY", {
    rule: "a place of the store that is named by what lies there must hold that",
    where: { file: store.address(`${name}/${kind}/${own}/${file}`) },
    saw: "another file",
    hint: "it was changed: remove it, which no version names, and run the step again",
  });
}

/** What lies beside a version as its record has it; undefined where it is gone, or is something else. */
export async function readBeside(
  store: ModelStore,
  { key, digest }: { readonly key: string; readonly digest: Digest },
): Promise<Uint8Array | undefined> {
  const bytes = await readSmall(store, key);
  return bytes !== undefined && sha256(bytes) === digest ? bytes : undefined;
}

/** The most that is read whole. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A value that is small unless somebody put another one in its place: undefined where there is none, or one of more than 64 MiB. */
export async function readSmall(store: ModelStore, key: string): Promise<Uint8Array | undefined> {
  const stream = await store.open(key);
  if (stream === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
