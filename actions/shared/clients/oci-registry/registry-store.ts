import { type Digest, isDigest } from "../../domain/digest.ts";
import { ACCEPTED_MANIFESTS } from "../../domain/image/manifest.ts";
import { parseRepository } from "../../domain/image-ref.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { sha256 } from "../../lib/hash.ts";
import type { HttpAnswer } from "../../lib/http.ts";
import { verified } from "../../lib/image/verified.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Blob, ImageStore, StoredManifest } from "../../ports/image-store.ts";
import { type Connection, connectRegistry, type Scope } from "./connection.ts";
import { type CredentialSource, findCredentials } from "./credentials.ts";
import { pushScope, startUpload, timeoutFor, uploadBlob } from "./upload.ts";

export type RegistryStoreOptions = {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Blobs above this go in pieces. Default 64 MiB. */
  readonly chunkBytes?: number;
};

const READ_ATTEMPTS = 4;

/** Any registry that speaks the OCI distribution protocol; the host is part of the repository's name. */
export function registryStore(options: RegistryStoreOptions): ImageStore {
  const connections = new Map<string, Connection>();

  return {
    async check(repository) {
      const { connection, path } = reach(repository);
      const location = await startUpload(connection, path);
      // A started upload that nobody ends is swept by the registry itself; some do not know how to end one.
      await connection
        .request({ method: "DELETE", to: location, scope: pushScope(path), okStatus: [200, 202, 204, 404, 405] })
        .catch((error: unknown) => {
          if (!isReleaseError(error)) throw error;
        });
    },

    async resolve(repository, reference) {
      const answer = await manifestRequest(repository, reference, "HEAD");
      if (answer.status === 404) return undefined;
      const digest = answer.headers.get("docker-content-digest");
      if (digest !== null && isDigest(digest)) return digest;
      return (await find(repository, reference))?.digest;
    },

    find,

    open: (repository, blob) => verified(readBlob(repository, blob), blob.digest),

    async has(repository, digest) {
      const { connection, path } = reach(repository);
      const to = `${path}/blobs/${digest}`;
      return (await connection.request({ method: "HEAD", to, scope: pull(path), okStatus: [200, 404] })).status === 200;
    },

    async put(repository, blob, from) {
      const { connection, path } = reach(repository);
      const to = `${path}/blobs/${blob.digest}`;
      const head = await connection.request({ method: "HEAD", to, scope: pushScope(path), okStatus: [200, 404] });
      if (head.status === 200) return "present";
      if (from !== undefined && (await mount(repository, blob, from))) return "mounted";
      await uploadBlob({ connection, path, blob, chunkBytes: options.chunkBytes ?? 64 * 1024 * 1024 });
      return "written";
    },

    tag: putManifest,

    async claim(repository, manifest, tag) {
      // The protocol has no compare-and-swap: the later of two writers at the same moment wins, and both read what they agreed on.
      const before = (await find(repository, tag))?.digest;
      if (before !== undefined) return before;
      await putManifest(repository, manifest, tag);
      return (await find(repository, tag))?.digest ?? manifest.digest;
    },

    async untag(repository, tag) {
      const { connection, path } = reach(repository);
      const answer = await connection.request({
        method: "DELETE",
        to: `${path}/manifests/${tag}`,
        scope: { path, actions: "pull,push,delete" },
        // 400: registries before 3.0 read a digest there; 405: removing is switched off.
        okStatus: [200, 202, 204, 400, 404, 405],
      });
      if (answer.status === 404) return "absent";
      return answer.status < 300 ? "removed" : "kept";
    },

    async tags(repository) {
      const { connection, path } = reach(repository);
      const tags: string[] = [];
      let to: string | URL | undefined = `${path}/tags/list?n=1000`;
      while (to !== undefined) {
        const answer: HttpAnswer = await connection.request({ to, scope: pull(path), okStatus: [200, 404] });
        if (answer.status === 404) return [];
        tags.push(...readTags(answer, repository));
        const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
        to = next === undefined ? undefined : connection.locate(next);
      }
      return tags.sort();
    },
  };

  function reach(repository: string): { readonly connection: Connection; readonly path: string } {
    const parsed = parseRepository(repository);
    if (parsed === undefined)
      throw new ReleaseError("INPUT", { rule: "is no name of a repository", saw: repository, allowed: "host/path" });
    const { host, path } = parsed;
    const known = connections.get(host);
    if (known !== undefined) return { connection: known, path };
    const connection = connectRegistry(host, {
      credentials: () => findCredentials(host, options.credentials),
      mask: options.credentials.mask,
      clock: options.clock,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    connections.set(host, connection);
    return { connection, path };
  }

  function manifestRequest(repository: string, reference: string, method: "GET" | "HEAD"): Promise<HttpAnswer> {
    const { connection, path } = reach(repository);
    return connection.request({
      method,
      to: `${path}/manifests/${reference}`,
      scope: pull(path),
      headers: { accept: ACCEPTED_MANIFESTS },
      okStatus: [200, 404],
      maxBytes: 4 * 1024 * 1024,
    });
  }

  async function find(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const answer = await manifestRequest(repository, reference, "GET");
    if (answer.status === 404) return undefined;
    const digest = sha256(answer.bytes);
    const promised = isDigest(reference) ? reference : answer.headers.get("docker-content-digest");
    if (promised !== null && promised !== digest)
      throw new ReleaseError("INTEGRITY", {
        rule: `the registry gave a manifest of ${repository}:${reference} that is not what its digest says`,
        saw: digest,
        allowed: promised,
      });
    const mediaType = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    return { mediaType, digest, bytes: answer.bytes };
  }

  async function putManifest(repository: string, manifest: StoredManifest, tag?: string): Promise<void> {
    const { connection, path } = reach(repository);
    const answer = await connection.request({
      method: "PUT",
      to: `${path}/manifests/${tag ?? manifest.digest}`,
      scope: pushScope(path),
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
      okStatus: [200, 201, 202],
    });
    const stored = answer.headers.get("docker-content-digest");
    if (stored !== null && stored !== manifest.digest)
      throw new ReleaseError("INTEGRITY", {
        rule: "the registry stored another manifest than it was sent",
        where: { file: `${repository}:${tag ?? manifest.digest}` },
        saw: stored,
        allowed: manifest.digest,
      });
  }

  async function mount(repository: string, blob: Blob, from: string): Promise<boolean> {
    const source = parseRepository(from);
    const { connection, path } = reach(repository);
    if (source === undefined || source.host !== parseRepository(repository)?.host || source.path === path) return false;
    try {
      const answer = await connection.request({
        method: "POST",
        to: `${path}/blobs/uploads/?mount=${blob.digest}&from=${encodeURIComponent(source.path)}`,
        scope: { ...pushScope(path), from: source.path },
        attempts: 4,
        okStatus: [201, 202],
      });
      return answer.status === 201;
    } catch (error) {
      // Who may not read the other repository as a whole may still send the blob.
      if (isReleaseError(error, "AUTH")) return false;
      throw error;
    }
  }

  async function* readBlob(repository: string, blob: { digest: Digest; size: number }): AsyncIterable<Uint8Array> {
    const { connection, path } = reach(repository);
    let received = 0;
    for (let attempt = 1; ; attempt++) {
      const range = received === 0 ? undefined : { range: `bytes=${received}-` };
      const answer = await connection.requestStream({
        to: `${path}/blobs/${blob.digest}`,
        scope: pull(path),
        ...(range === undefined ? {} : { headers: range }),
        timeoutMs: timeoutFor(blob.size) * 2,
        okStatus: range === undefined ? [200] : [206],
      });
      try {
        for await (const chunk of answer.body) {
          received += chunk.length;
          yield chunk;
        }
        if (received >= blob.size) return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (isReleaseError(error)) throw error;
        if (attempt >= READ_ATTEMPTS) throw brokenOff(repository, blob.digest, error);
      }
      if (attempt >= READ_ATTEMPTS) throw brokenOff(repository, blob.digest);
      await options.clock.sleep(500 * 2 ** (attempt - 1), options.signal);
    }
  }
}

function pull(path: string): Scope {
  return { path, actions: "pull" };
}

function readTags(answer: HttpAnswer, repository: string): readonly string[] {
  const value = answer.json();
  const tags = typeof value === "object" && value !== null && "tags" in value ? value.tags : undefined;
  if (tags === null) return [];
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) return tags;
  throw new ReleaseError("PROTOCOL", { rule: `the registry gave no list of the tags of ${repository}` });
}

function brokenOff(repository: string, digest: Digest, cause?: unknown): ReleaseError {
  return new ReleaseError(
    "UNAVAILABLE",
    { rule: `the registry broke off while a layer of ${repository} was read`, saw: digest, hint: "run the step again" },
    cause,
  );
}
