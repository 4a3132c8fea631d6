import { randomUUID } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { DigestSchema } from "../../domain/digest.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { sha256File } from "../../lib/hash.ts";
import { hashModel } from "../../lib/hash-model.ts";
import { writeFileAtomic } from "../../lib/write-file.ts";
import type { ModelStore } from "../../ports/model-store.ts";

/** How a version is served: kept beside its files, so that it can be started again long after its release's checkout is gone. */
const HowSchema = v.object({
  as: v.picklist(["container", "process"]),
  image: v.optional(v.object({ ref: v.string(), digest: DigestSchema })),
  command: v.optional(v.array(v.string())),
  env: v.optional(v.record(v.string(), v.string())),
});
export type How = Readonly<v.InferOutput<typeof HowSchema>>;

export type VersionFolder = {
  /** Of the model's files; each was hashed when it came here. */
  readonly model: string;
  /** A copy of the folder that the command runs in. */
  readonly context: string;
};

export function versionFolder(root: string, version: string): VersionFolder & { readonly how: string } {
  const folder = join(root, "versions", version);
  return { model: join(folder, "model"), context: join(folder, "context"), how: join(folder, "serving.json") };
}

/**
 * Brings the files of a version out of the store, hashing them on the way; what is there already is hashed again. Throws `INTEGRITY`
 * where a file, or the version's digest, is not what was registered.
 */
export async function fetchModel(root: string, store: ModelStore, record: VersionRecord): Promise<void> {
  const { model } = versionFolder(root, record.version);
  if (await holds(model, record)) return;
  const partial = `${model}.${randomUUID()}`;
  try {
    for (const file of record.files) await fetchFile({ store, record, partial, file });
    await checkDigest(partial, record);
    await rm(model, { recursive: true, force: true });
    await rename(partial, model);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Copies the folder that the command of a version runs in, and writes how it is served. */
export async function keepHow(
  root: string,
  version: string,
  { how, context }: { readonly how: How; readonly context: string | undefined },
): Promise<void> {
  const to = versionFolder(root, version);
  await mkdir(dirname(to.how), { recursive: true });
  await rm(to.context, { recursive: true, force: true });
  if (context === undefined) await mkdir(to.context, { recursive: true });
  else
    await cp(context, to.context, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => ![".git", "__pycache__"].includes(basename(source)),
    });
  await writeFileAtomic(to.how, JSON.stringify(how));
}

export async function readHow(root: string, version: string): Promise<How | undefined> {
  const { how } = versionFolder(root, version);
  const text = await readFile(how, "utf8").catch(() => undefined);
  return text === undefined ? undefined : decode(HowSchema, JSON.parse(text), how);
}

/** Removes the folders of all versions but these. */
export async function removeOtherVersions(root: string, kept: readonly string[]): Promise<void> {
  const names = await readdir(join(root, "versions")).catch(() => []);
  const others = names.filter((name) => !kept.includes(name));
  await Promise.all(others.map((name) => rm(join(root, "versions", name), { recursive: true, force: true })));
}

type Fetch = {
  readonly store: ModelStore;
  readonly record: VersionRecord;
  readonly partial: string;
  readonly file: VersionRecord["files"][number];
};

async function fetchFile({ store, record, partial, file }: Fetch): Promise<void> {
  const key = `${record.folder}/${file.path}`;
  if (file.path.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw new ReleaseError("INTEGRITY", { rule: "a file of a model must lie inside it", saw: file.path });
  const bytes = await store.open(key);
  if (bytes === undefined)
    throw new ReleaseError("INTEGRITY", {
      rule: "every file of a registered version must be in the store",
      where: { file: key },
      saw: "nothing",
      hint: "the store lost it: restore it, or register the model as a new version",
    });
  const to = join(partial, file.path);
  await mkdir(dirname(to), { recursive: true });
  await pipeline(bytes, createWriteStream(to, { flags: "wx" }));
  await chmod(to, 0o444);
  const { digest } = await sha256File(to);
  if (digest !== file.digest)
    throw new ReleaseError("INTEGRITY", {
      rule: "a file of a registered version must not change",
      where: { file: key },
      saw: digest,
      allowed: file.digest,
      hint: "the store was changed by hand: register the model as a new version",
    });
}

async function holds(model: string, record: VersionRecord): Promise<boolean> {
  try {
    return (await hashModel(model)).digest === record.digest;
  } catch (error) {
    if (isReleaseError(error, "NOT_FOUND", "REFUSED", "INTEGRITY")) return false;
    throw error;
  }
}

async function checkDigest(folder: string, record: VersionRecord): Promise<void> {
  const { digest } = await hashModel(folder);
  if (digest === record.digest) return;
  throw new ReleaseError("INTEGRITY", {
    rule: "the files of a version must have its digest",
    where: { file: record.folder },
    saw: digest,
    allowed: record.digest,
  });
}
