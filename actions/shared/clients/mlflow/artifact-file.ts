import { cachedSource } from "../../lib/cached-source.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { ByteSource, SourceFile } from "../../ports/source-file.ts";
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

type Found = Pick<SourceFile, "path" | "source" | "size">;

/** How often a body that breaks off is gone on with. */
const MOST_BREAKS = 3;

/**
 * A file that an MLflow server hands on. It has the size that it was listed with and one ETag from the first answer to the last, where the
 * server gives one: anything else is `INTEGRITY`.
 */
export function artifactFile({ path, source, size }: Found, open: OpenArtifact): SourceFile {
  let etag: string | undefined;
  const opened: OpenArtifact = async (from, signal) => {
    const answer = await open(from, signal);
    etag ??= answer.etag;
    if (answer.etag !== etag) throw changed(source, "another file than was found at first");
    return answer;
  };
  return { path, source, size, read: (signal) => readInOrder(signal), open: openAt };

  async function* readInOrder(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (let breaks = 0; ; breaks++) {
      const answer = await opened(at, signal);
      // from the start once more, of a file that nobody can tell to be the same
      if (answer.from !== at) throw broken(source, at, size);
      try {
        for await (const chunk of answer.body) {
          at += chunk.length;
          if (at > size) throw changed(source, `more than ${size} bytes`);
          yield chunk;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (isReleaseError(error) || breaks === MOST_BREAKS || etag === undefined) throw readable(error, source);
        continue;
      }
      if (at !== size) throw changed(source, `${at} bytes, of ${size}`);
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

function readable(error: unknown, source: string): unknown {
  if (isReleaseError(error)) return error;
  const saw = error instanceof Error ? error.message : String(error);
  const hint = "run the step again";
  return new ReleaseError(
    "UNAVAILABLE",
    { rule: "a file of MLflow broke off", where: { file: source }, saw, hint },
    error,
  );
}

function broken(source: string, at: number, size: number): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: "a file of MLflow broke off, and the server gives no part of it again",
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
