import type { Act, VersionRecord } from "../../actions/shared/domain/model-version.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { modelDigest } from "../../actions/shared/lib/hash-model.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { appendOnce } from "../../actions/shared/lib/model-registry/log.ts";
import { recordDigest } from "../../actions/shared/lib/model-registry/sound-version.ts";
import { createVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { versionRecord } from "./version-record.ts";

/** Who acts at a time of a test's story. */
export function actAt(at: string, parts: Partial<Act> = {}): Act {
  return { by: "octocat", at, ...parts };
}

/** Registers a version with one file, as register-model leaves it in the store. */
export async function registered(
  store: ModelStore,
  parts: Partial<VersionRecord> & { readonly text?: string } = {},
): Promise<VersionRecord> {
  const { text = `weights of ${parts.version ?? "1.0.0"}`, ...given } = parts;
  const bytes = new TextEncoder().encode(text);
  const files = [{ path: "model.onnx", size: bytes.length, digest: sha256(bytes) }];
  const record = versionRecord({ digest: modelDigest(files), files, ...given });
  await store.create(`${record.folder}/model.onnx`, bytes);
  await createVersion(store, record);
  const { model, version, logAfter: after, createdAt } = record;
  const written = await recordDigest(store, model, version);
  const act = actAt(createdAt, { release: record.release });
  const event = { schema: 1, event: "registered", version, digest: record.digest, act } as const;
  await appendOnce(store, model, { event: { ...event, ...(written && { record: written }) }, after });
  return record;
}

/** Points an alias at a version, logged. */
export async function pointed(
  store: ModelStore,
  { model: name, version, digest }: Pick<VersionRecord, "model" | "version" | "digest">,
  { alias = "champion", act }: { readonly alias?: string; readonly act: Act },
): Promise<void> {
  const expected = (await findAlias(store, name, alias))?.etag;
  await moveAlias(store, { name, alias, to: { version, digest }, expected, act });
}
