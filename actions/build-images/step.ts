import type { Step } from "../shared/ports/step.ts";

/** What a user writes of one image. */
export type ImageWish = {
  readonly context: string;
  readonly dockerfile?: string | undefined;
  readonly target?: string | undefined;
  readonly args?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly network?: "default" | "host" | "none" | undefined;
};

export type Wishes = {
  readonly mode: "build" | "plan";
  readonly images: Readonly<Record<string, ImageWish>>;
  readonly tags: readonly string[];
  readonly builder: "auto" | "buildx" | "docker" | "podman" | "buildah" | "append";
  readonly reuse: boolean;
  readonly "max-parallel": number;
  readonly "working-directory": string;
};

export type BuildStep = Step<Wishes>;
