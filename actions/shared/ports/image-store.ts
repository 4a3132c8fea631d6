import type { Digest } from "../domain/digest.ts";
import type { Descriptor } from "../domain/image/manifest.ts";

/** A manifest or index in its exact bytes: their SHA-256 is its digest, so they are never written anew. */
export type StoredManifest = { readonly mediaType: string; readonly digest: Digest; readonly bytes: Uint8Array };

/** A layer or configuration to be stored; opened again where the upload has to start over. */
export type Blob = { readonly digest: Digest; readonly size: number; open(): AsyncIterable<Uint8Array> };

/**
 * Where images live, by content: `repository` is `host/path` as in a reference. Whatever is read is checked against its digest.
 * Implementations: a folder in the OCI image layout; any registry that speaks the distribution protocol.
 */
export interface ImageStore {
  /** Whether somebody may push to a repository with these credentials: throws `AUTH` or `UNAVAILABLE` before anything is built. */
  check(repository: string): Promise<void>;
  /** What a tag points to, without reading it. */
  resolve(repository: string, reference: string): Promise<Digest | undefined>;
  /** The manifest or index behind a tag or digest. */
  find(repository: string, reference: string): Promise<StoredManifest | undefined>;
  /** A blob as a stream that fails with `INTEGRITY` at its end where the bytes are not those of the digest. */
  open(repository: string, blob: Pick<Descriptor, "digest" | "size">): AsyncIterable<Uint8Array>;
  has(repository: string, blob: Digest): Promise<boolean>;
  /** Stores a blob; `from` names a repository where it may be already, so that nothing is sent. */
  put(repository: string, blob: Blob, from?: string): Promise<"written" | "present" | "mounted">;
  /** Stores a manifest whose blobs are there, under its digest and under the tag where one is given. */
  tag(repository: string, manifest: StoredManifest, tag?: string): Promise<void>;
  /** Points a tag that does not exist at a manifest; answers what the tag points to, which is somebody else's where they were first. */
  claim(repository: string, manifest: StoredManifest, tag: string): Promise<Digest>;
  /** Removes a tag; `kept` where the store cannot. Other tags of the same image stay. */
  untag(repository: string, tag: string): Promise<"removed" | "absent" | "kept">;
  tags(repository: string): Promise<readonly string[]>;
}
