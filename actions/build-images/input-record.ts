import * as v from "valibot";
import { canonicalJson } from "../shared/domain/canonical.ts";
import { type Digest, DigestSchema } from "../shared/domain/digest.ts";
import type { ImageInputs } from "../shared/domain/image/key.ts";
import { ManifestSchema, MEDIA_TYPES } from "../shared/domain/image/manifest.ts";
import { readIfSound } from "../shared/lib/decode.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { once } from "../shared/lib/image/put-image.ts";
import { readWhole } from "../shared/lib/image/verified.ts";
import type { ImageStore, StoredManifest } from "../shared/ports/image-store.ts";
import { isSecretName } from "./prepare-image.ts";

/** Of which release an image is, and what it was made of: kept beside it, so that the next release can say what changed. */
export type InputRecord = { readonly release: string; readonly image: Digest; readonly stored: StoredManifest };

const ARTIFACT_TYPE = "application/vnd.ml-release.image-inputs.v1+json";
const RELEASE = "dev.ml-release.release";
const IMAGE = "dev.ml-release.image";

/** The tag of an image's record, and the moving one of the record of the last release. */
export const recordTag = (key: string) => `${key}.inputs`;
export const LAST_TAG = "k1-last";

const FileSchema = v.variant("type", [
  v.object({
    type: v.literal("file"),
    path: v.string(),
    mode: v.picklist(["755", "644"]),
    size: v.number(),
    digest: DigestSchema,
  }),
  v.object({ type: v.literal("link"), path: v.string(), target: v.string() }),
  v.object({ type: v.literal("folder"), path: v.string() }),
]);

const InputsSchema = v.object({
  schema: v.literal(1),
  builder: v.string(),
  platform: v.string(),
  network: v.string(),
  target: v.string(),
  dockerfile: v.object({ syntax: v.string(), escapeChar: v.string(), instructions: v.array(v.string()) }),
  args: v.record(v.string(), v.string()),
  bases: v.array(v.object({ ref: v.string(), digest: DigestSchema })),
  parents: v.array(v.object({ name: v.string(), key: v.string() })),
  files: v.array(FileSchema),
});

/** Inputs as they may be kept and compared: without the values of arguments that are named like secrets. */
export function keptInputs(inputs: ImageInputs): ImageInputs {
  const args = Object.entries(inputs.args).map(([name, value]) => [name, isSecretName(name) ? "(not kept)" : value]);
  return { ...inputs, args: Object.fromEntries(args) };
}

export type NewRecord = {
  readonly repository: string;
  readonly key: string;
  readonly release: string;
  readonly image: StoredManifest;
};

/** Stores the record of a new image; the first one for a key stays. */
export async function writeRecord(store: ImageStore, inputs: ImageInputs, about: NewRecord): Promise<InputRecord> {
  const { repository, key, release, image } = about;
  const empty = new TextEncoder().encode("{}");
  const body = new TextEncoder().encode(canonicalJson(keptInputs(inputs)));
  for (const bytes of [empty, body]) {
    await store.put(repository, { digest: sha256(bytes), size: bytes.length, open: () => once(bytes) });
  }
  const bytes = new TextEncoder().encode(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      artifactType: ARTIFACT_TYPE,
      config: { mediaType: MEDIA_TYPES.empty, digest: sha256(empty), size: empty.length },
      layers: [{ mediaType: ARTIFACT_TYPE, digest: sha256(body), size: body.length }],
      subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
      annotations: { [RELEASE]: release, [IMAGE]: image.digest },
    }),
  );
  const stored = { mediaType: MEDIA_TYPES.manifest, digest: sha256(bytes), bytes };
  await store.tag(repository, stored, recordTag(key));
  return { release, image: image.digest, stored };
}

/** The record behind a tag; undefined where there is none, or where it is none of ours. */
export async function findRecord(store: ImageStore, repository: string, tag: string): Promise<InputRecord | undefined> {
  const stored = await store.find(repository, tag);
  const manifest = stored === undefined ? undefined : parseManifest(stored);
  const release = manifest?.annotations?.[RELEASE];
  const image = manifest?.annotations?.[IMAGE];
  if (stored === undefined || release === undefined || !v.is(DigestSchema, image)) return undefined;
  return { release, image, stored };
}

/** What the record's image was made of. Unreadable is as good as unknown: it only tells why. */
export async function readInputs(
  store: ImageStore,
  repository: string,
  { stored }: InputRecord,
): Promise<ImageInputs | undefined> {
  const body = parseManifest(stored)?.layers[0];
  if (body === undefined) return undefined;
  try {
    return readIfSound(InputsSchema, new TextDecoder().decode(await readWhole(store.open(repository, body))));
  } catch {
    return undefined;
  }
}

function parseManifest(stored: StoredManifest) {
  return readIfSound(ManifestSchema, new TextDecoder().decode(stored.bytes));
}
