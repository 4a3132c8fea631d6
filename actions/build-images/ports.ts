import type { ImageBuilder } from "../shared/ports/image-builder.ts";
import type { ImageStore } from "../shared/ports/image-store.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";

export type EngineChoice = "auto" | "buildx" | "docker" | "podman" | "buildah";

export type Ports = {
  /** Where the release record is kept. */
  readonly store: ModelStore;
  /** All images that can be named: those of the folder, those of registries. Requests end with the signal. */
  images(signal: AbortSignal): ImageStore;
  /** What the images of the release are called: `<prefix>/<name>`. */
  readonly prefix: string;
  /** Whether they go into a folder of this machine. */
  readonly isFolder: boolean;
  readonly append: ImageBuilder;
  /** Asks the engine, or all in turn, whether it works. */
  findEngine(choice: EngineChoice, signal: AbortSignal): Promise<ImageBuilder | undefined>;
  /** `linux/amd64` */
  readonly platform: string;
};
