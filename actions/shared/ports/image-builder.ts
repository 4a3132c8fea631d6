import type { Digest } from "../domain/digest.ts";
import type { StagePlan } from "../domain/dockerfile/stages.ts";
import type { ContextEntry } from "../domain/image/context.ts";
import type { ImageStore, StoredManifest } from "./image-store.ts";
import type { Log } from "./log.ts";

/** An image that a Dockerfile starts from, resolved: `written` is what stands there after variables are put in. */
export type ResolvedBase = {
  /** `python:3.12-slim`, `image://trainer`. */
  readonly written: string;
  readonly repository: string;
  readonly digest: Digest;
};

export type BuildRequest = {
  /** As users call the image. */
  readonly name: string;
  readonly repository: string;
  readonly plan: StagePlan;
  /** What reachable code declares; images of the release stand in it by their reference. */
  readonly args: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly network: string;
  /** Absolute; only `files` of it are read. */
  readonly context: string;
  readonly files: readonly ContextEntry[];
  /** The Dockerfile's path for messages. */
  readonly file: string;
  readonly bases: readonly ResolvedBase[];
  readonly store: ImageStore;
  /** The image of the last release, whose unchanged layers are neither packed nor sent again. */
  readonly previous: StoredManifest | undefined;
  /** A folder of this build's own; the caller removes it. */
  readonly temp: string;
  readonly log: Log;
  readonly signal: AbortSignal;
};

export type BuiltImage = {
  readonly manifest: StoredManifest;
  /** Sent to the store by this build. */
  readonly bytesWritten: number;
};

/** Makes one image and stores it by digest; no tag is touched. */
export interface ImageBuilder {
  /** `docker 20.10.24`, `append`: for people. */
  readonly name: string;
  build(request: BuildRequest): Promise<BuiltImage>;
}
