import type { Digest } from "../domain/digest.ts";
import type { VersionRecord } from "../domain/model-version.ts";

/** Bytes that can be read from anywhere: a file of any size without its whole in memory. */
export type ByteSource = {
  readonly size: number;
  /** Fewer bytes than asked for only at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
};

/** An open file of this machine, for whoever can read it faster than by pieces. */
export type LentFile = {
  /** Any thread of this process may read from it, until it is closed. */
  readonly descriptor: number;
  /** What it is called in errors. */
  readonly source: string;
  /** Asked with the digest of what was read, when all was: throws `INTEGRITY` where the file is not what it was when it was found. */
  check(digest: Digest): Promise<void>;
  close(): void;
};

/**
 * A file of a model before it is registered, as it was when it was found. Whoever reads it gets the bytes of that time, or an error:
 * `INTEGRITY` where it was changed since.
 * Implementations: a file of this machine; an object of any S3-compatible store; an artifact that MLflow or Kubeflow hands on.
 */
export interface SourceFile {
  /** Inside the model. */
  readonly path: string;
  /** What it is called in errors: where it lies. */
  readonly source: string;
  readonly size: number;
  /** All bytes, once and in order; a piece lives until the next one is asked for. That nothing changed is known after the last one. */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Opens it for reads at any place, and closes it again. */
  open<T>(act: (bytes: ByteSource) => Promise<T>): Promise<T>;
  /** Opens it for reads that are not seen here. Only a file of this machine can be lent. */
  readonly lend?: () => LentFile;
}

/** What a tracking server knows of the training of a model that is taken from there. */
export type TrackedFacts = Pick<VersionRecord, "parameters" | "metrics" | "data" | "mlflow">;

/** A model before it is registered. */
export type FoundModel = { readonly files: readonly SourceFile[]; readonly tracked?: TrackedFacts };
