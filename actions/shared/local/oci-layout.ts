import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Digest, hexOf, isDigest } from "../domain/digest.ts";
import { type Descriptor, type Index, IndexSchema, MEDIA_TYPES } from "../domain/image/manifest.ts";
import { decode } from "../lib/decode.ts";
import { isReleaseError, ReleaseError, systemCodeOf } from "../lib/error.ts";
import { exists } from "../lib/exists.ts";
import { sha256 } from "../lib/hash.ts";
import { once } from "../lib/image/put-image.ts";
import { verified } from "../lib/image/verified.ts";
import { storageError, writeFileAtomic } from "../lib/write-file.ts";
import type { Blob, ImageStore, StoredManifest } from "../ports/image-store.ts";
import { withLock } from "./store-lock.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

/**
 * Images in a folder in the OCI image layout, which other tools read too. Tags are the entries of `index.json`, named
 * `localhost/acme/digits/serving:v1.0.0`.
 *
 * A blob gets its name when it is whole and on disk; `index.json` is replaced as one step under the folder's lock. A writer that is killed
 * at any instruction leaves the old index or the new one, blobs that nobody names yet, and at most a temporary file in `.new/`.
 */
export function ociLayout(folder: string): ImageStore {
  const root = resolve(folder);
  let swept = false;
  const blobPath = (digest: Digest) => join(root, "blobs", "sha256", hexOf(digest));

  return {
    check: () => prepare(),

    async resolve(repository, reference) {
      if (isDigest(reference)) return (await exists(blobPath(reference))) ? reference : undefined;
      return (await entryOf(repository, reference))?.digest;
    },

    async find(repository, reference) {
      if (isDigest(reference)) return readManifest(reference);
      const entry = await entryOf(repository, reference);
      return entry === undefined ? undefined : readManifest(entry.digest, entry.mediaType);
    },

    open: (_, blob) => verified(createReadStream(blobPath(blob.digest), { highWaterMark: 1024 * 1024 }), blob.digest),
    has: (_, digest) => exists(blobPath(digest)),

    async put(_, blob) {
      if (await exists(blobPath(blob.digest))) return "present";
      await prepare();
      await writeBlob(blob);
      return "written";
    },

    async tag(repository, manifest, tag) {
      await storeManifest(manifest);
      if (tag !== undefined) await changeIndex((index) => withTag(index, nameOf(repository, tag), manifest));
    },

    async claim(repository, manifest, tag) {
      await storeManifest(manifest);
      const name = nameOf(repository, tag);
      const index = await changeIndex((now) => (find(now, name) === undefined ? withTag(now, name, manifest) : now));
      return find(index, name)?.digest ?? manifest.digest;
    },

    async untag(repository, tag) {
      const name = nameOf(repository, tag);
      if (find(await readIndex(), name) === undefined) return "absent";
      await changeIndex((index) => ({
        ...index,
        manifests: index.manifests.filter((entry) => refName(entry) !== name),
      }));
      return "removed";
    },

    async tags(repository) {
      const prefix = `${repository}:`;
      const names = (await readIndex()).manifests.map((entry) => refName(entry) ?? "");
      return names
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length))
        .sort();
    },
  };

  async function prepare(): Promise<void> {
    try {
      await mkdir(join(root, "blobs", "sha256"), { recursive: true });
      await mkdir(join(root, ".new"), { recursive: true });
      if (!(await exists(join(root, "oci-layout"))))
        await writeFileAtomic(join(root, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`);
      if (!swept) await sweep(root);
      swept = true;
    } catch (error) {
      throw isReleaseError(error) ? error : storageError(root, error);
    }
  }

  async function readIndex(): Promise<Index> {
    const file = join(root, "index.json");
    const text = await readIfExists(file);
    if (text === undefined) return { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] };
    return decode(IndexSchema, parseJson(text.toString("utf8"), file), file);
  }

  function changeIndex(change: (index: Index) => Index): Promise<Index> {
    return withLock(join(root, ".lock"), async () => {
      const before = await readIndex();
      const after = change(before);
      if (after !== before) await writeFileAtomic(join(root, "index.json"), JSON.stringify(after));
      return after;
    });
  }

  async function entryOf(repository: string, tag: string): Promise<Descriptor | undefined> {
    return find(await readIndex(), nameOf(repository, tag));
  }

  async function readManifest(digest: Digest, mediaType?: string): Promise<StoredManifest | undefined> {
    const bytes = await readIfExists(blobPath(digest));
    if (bytes === undefined) return undefined;
    const seen = sha256(bytes);
    if (seen !== digest) throw damaged(blobPath(digest), seen, digest);
    return { digest, bytes, mediaType: mediaType ?? mediaTypeOf(bytes, blobPath(digest)) };
  }

  async function storeManifest({ digest, bytes }: StoredManifest): Promise<void> {
    await prepare();
    if (await exists(blobPath(digest))) return;
    await writeBlob({ digest, size: bytes.length, open: () => once(bytes) });
  }

  async function writeBlob(blob: Blob): Promise<void> {
    const temporary = join(root, ".new", randomUUID());
    try {
      await using file = await open(temporary, "wx");
      const hash = createHash("sha256");
      for await (const chunk of blob.open()) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      const seen: Digest = `sha256:${hash.digest("hex")}`;
      if (seen !== blob.digest) throw damaged(temporary, seen, blob.digest);
      await file.sync();
      await rename(temporary, blobPath(blob.digest));
    } catch (error) {
      await rm(temporary, { force: true });
      throw isReleaseError(error) ? error : storageError(root, error);
    }
  }
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** Removes what killed writers left: what is written now is never a week old. */
async function sweep(root: string): Promise<void> {
  const leftovers = [
    ...(await readdir(join(root, ".new"))).map((name) => join(root, ".new", name)),
    ...(await readdir(root)).filter((name) => /^\.index\.json\..*\.tmp$/.test(name)).map((name) => join(root, name)),
  ];
  for (const path of leftovers) {
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modified > WEEK_MS) await rm(path, { force: true });
  }
}

const nameOf = (repository: string, tag: string) => `${repository}:${tag}`;

const refName = (entry: Descriptor) => entry.annotations?.[REF_NAME];

function find(index: Index, name: string): Descriptor | undefined {
  return index.manifests.find((entry) => refName(entry) === name);
}

function withTag(index: Index, name: string, { digest, mediaType, bytes }: StoredManifest): Index {
  const entry = { mediaType, digest, size: bytes.length, annotations: { [REF_NAME]: name } };
  return { ...index, manifests: [...index.manifests.filter((other) => refName(other) !== name), entry] };
}

/** A manifest read by its digest alone says by itself what it is; older ones do not. */
function mediaTypeOf(bytes: Uint8Array, path: string): string {
  const value = parseJson(new TextDecoder().decode(bytes), path);
  if (typeof value !== "object" || value === null) return MEDIA_TYPES.manifest;
  const mediaType = "mediaType" in value ? value.mediaType : undefined;
  if (typeof mediaType === "string") return mediaType;
  return "manifests" in value ? MEDIA_TYPES.index : MEDIA_TYPES.manifest;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReleaseError("INTEGRITY", { rule: "must be JSON", where: { file }, saw: text.slice(0, 60) }, error);
  }
}

async function readIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw storageError(path, error);
  }
}

function damaged(file: string, saw: Digest, allowed: Digest): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "an image's bytes must have the digest they are named by",
    where: { file },
    saw,
    allowed,
    hint: "remove the file and run the release again",
  });
}
