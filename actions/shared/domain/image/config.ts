import * as v from "valibot";
import { DigestSchema } from "../digest.ts";

const Words = v.optional(v.nullable(v.array(v.string())));
const Names = v.optional(v.nullable(v.record(v.string(), v.unknown())));

/** The part of an image's configuration that a Dockerfile sets; everything else is kept as it is. */
export const RunConfigSchema = v.looseObject({
  User: v.optional(v.string()),
  WorkingDir: v.optional(v.string()),
  Env: Words,
  Entrypoint: Words,
  Cmd: Words,
  Shell: Words,
  OnBuild: Words,
  ExposedPorts: Names,
  Volumes: Names,
  Labels: v.optional(v.nullable(v.record(v.string(), v.string()))),
  StopSignal: v.optional(v.string()),
  Healthcheck: v.optional(v.unknown()),
});

export const HistorySchema = v.looseObject({
  created: v.optional(v.string()),
  created_by: v.optional(v.string()),
  empty_layer: v.optional(v.boolean()),
});

export const ImageConfigSchema = v.looseObject({
  architecture: v.string(),
  os: v.string(),
  variant: v.optional(v.string()),
  config: v.optional(v.nullable(RunConfigSchema)),
  rootfs: v.looseObject({ type: v.literal("layers"), diff_ids: v.nullable(v.array(DigestSchema)) }),
  history: v.optional(v.nullable(v.array(HistorySchema))),
});

export type RunConfig = Readonly<v.InferOutput<typeof RunConfigSchema>>;
export type History = Readonly<v.InferOutput<typeof HistorySchema>>;
export type ImageConfig = Readonly<v.InferOutput<typeof ImageConfigSchema>>;

/** The one time in everything that we make ourselves: what does not change makes the same bytes again. */
export const IMAGE_TIME = "1970-01-01T00:00:00Z";

/**
 * A configuration without what an engine writes of the moment and the machine of a build: ids of its containers and parents, the host's
 * name, times. What a container is started by stays. So layers that are the same make an image that is the same.
 */
export function portableConfig(config: ImageConfig): ImageConfig {
  const { container: _c, container_config: _cc, parent: _p, id: _i, ...kept } = config;
  const { Hostname: _h, Image: _im, ...run } = config.config ?? {};
  const history = (config.history ?? []).map(({ comment, ...entry }) => ({
    ...entry,
    ...(typeof comment === "string" && comment !== "" && !comment.startsWith("FROM ") ? { comment } : {}),
    created: IMAGE_TIME,
  }));
  return { ...kept, created: IMAGE_TIME, config: run, history };
}

/** `FROM scratch` on a platform such as `linux/amd64`. */
export function emptyConfig(platform: string): ImageConfig {
  const [os = "", architecture = "", variant] = platform.split("/");
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    created: IMAGE_TIME,
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
    history: [],
  };
}

export function platformOf(config: ImageConfig): string {
  return [config.os, config.architecture, config.variant].filter((part) => part !== undefined).join("/");
}

/** `NAME=value` entries as a map; later ones win, as in a container. */
export function environmentOf(config: RunConfig): ReadonlyMap<string, string> {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
