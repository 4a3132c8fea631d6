import { createHash } from "node:crypto";
import type { Digest } from "../domain/digest.ts";
import type { ByteSource, SourceFile } from "../ports/source-file.ts";
import { cachedSource } from "./cached-source.ts";
import { isReleaseError, ReleaseError } from "./error.ts";
import { forwardReader } from "./forward-reader.ts";

/** What one request for a file brought: all of it, or what lies behind `from` where the server takes ranges. */
export type OpenedArtifact = {
  readonly from: number;
  /** Tells one state of the file from another; absent where the server does not say. */
  readonly etag: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
};

/** Asks for a file from a byte on. */
export type OpenArtifact = (from: number, signal: AbortSignal | undefined) => Promise<OpenedArtifact>;

type Found = Pick<SourceFile, "path" | "source" | "size"> & {
  /** Who hands it on, as it reads in a sentence: `MLflow`. */
  readonly service: string;
  /** What it was when it was read whole before, where the server gives no ETag. */
  readonly digest?: Digest;
};

/** How often a body that breaks off is gone on with. */
export const MOST_BREAKS = 3;

/**
 * A file that a server hands on. It has the size that it was found with and one ETag from the first answer to the last, where the server gives
 * one, and the digest that it was found with, where that is known: anything else is `INTEGRITY`.
 */
export function artifactFile({ path, source, size, service, digest }: Found, open: OpenArtifact): SourceFile {
  let etag: string | undefined;
  const opened: OpenArtifact = async (from, signal) => {
    const answer = await open(from, signal);
    etag ??= answer.etag;
    if (answer.etag !== etag) throw changed(source, "another file than was found at first");
    return answer;
  };
  return { path, source, size, read: (signal) => readInOrder(signal), open: openAt };

  async function* readInOrder(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    let at = 0;
    for (let breaks = 0; ; breaks++) {
      const answer = await opened(at, signal);
      // from the start once more, of a file that nobody can tell to be the same
      if (answer.from !== at && digest === undefined) throw broken({ service, source }, at, size);
      try {
        for await (const chunk of behind(answer, at)) {
          at += chunk.length;
          if (at > size) throw changed(source, `more than ${size} bytes`);
          if (digest !== undefined) hash.update(chunk);
          yield chunk;
        }
      } catch (error) {
        signal?.throwIfAborted();
        const isKnown = etag !== undefined || digest !== undefined;
        if (isReleaseError(error) || breaks === MOST_BREAKS || !isKnown) throw brokenOff(error, { service, source });
        continue;
      }
      if (at !== size) throw changed(source, `${at} bytes, of ${size}`);
      if (digest !== undefined && `sha256:${hash.digest("hex")}` !== digest)
        throw changed(source, "other bytes than were found at first");
      return;
    }
  }

  async function openAt<T>(act: (bytes: ByteSource) => Promise<T>): Promise<T> {
    const reader = forwardReader(source, (from) => opened(from, undefined));
    try {
      return await act(cachedSource(size, reader.read));
    } finally {
      await reader.close();
    }
  }
}

/** What of an answer lies at a place and behind it. */
async function* behind({ from, body }: OpenedArtifact, at: number): AsyncGenerator<Uint8Array> {
  let skipped = at - from;
  for await (const chunk of body) {
    const rest = chunk.subarray(skipped);
    skipped -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

type Named = { readonly service: string; readonly source: string };

/** The error for a body that did not come whole; one of ours stays what it is. */
export function brokenOff(error: unknown, { service, source }: Named): unknown {
  if (isReleaseError(error)) return error;
  const saw = error instanceof Error ? error.message : String(error);
  const hint = "run the step again";
  return new ReleaseError(
    "UNAVAILABLE",
    { rule: `a file of ${service} broke off`, where: { file: source }, saw, hint },
    error,
  );
}

function broken({ service, source }: Named, at: number, size: number): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: `a file of ${service} broke off, and the server gives no part of it again`,
    where: { file: source },
    saw: `${at} bytes`,
    allowed: `${size} bytes`,
    hint: "run the step again; large models are better read from the bucket that they lie in",
  });
}

function changed(file: string, saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file of the model must not change while it is read",
    where: { file },
    saw,
    hint: "wait until whatever writes it has ended, then run the step again",
  });
}
