import { access } from "node:fs/promises";
import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { findVersion } from "../../lib/model-registry/versions.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import type { ContainerEngine } from "../container-engine.ts";
import { type How, readHow } from "./version-folder.ts";

/** How the version of this release is to be served, as its inputs say. */
export type LocalHow = {
  readonly version: string;
  readonly as: "auto" | "container" | "process";
  readonly image: How["image"];
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** The folder that the command runs in, copied so that the next checkout does not change what serves. */
  readonly context: string | undefined;
};

export type PlannedHow =
  | { readonly state: "ok"; readonly how: How }
  | { readonly state: "bad"; readonly problems: readonly Problem[] };

export type Planning = {
  readonly folder: string;
  readonly store: ModelStore;
  readonly how: LocalHow | undefined;
  readonly imageName: string;
  readonly findEngine: () => Promise<ContainerEngine | undefined>;
};

/** This release's version as its inputs say, an earlier one as it was served then, else by the image that it was registered with. */
export async function planHow(
  { folder, store, how, imageName, findEngine }: Planning,
  model: ServedModel,
): Promise<PlannedHow> {
  if (how?.version === model.version) return decideHow(how, how.as === "process" ? undefined : await findEngine());
  const kept = await readHow(folder, model.version);
  if (kept !== undefined && (kept.as === "process" || (await findEngine()) !== undefined))
    return { state: "ok", how: kept };
  const record = await findVersion(store, model.name, model.version);
  const image = record?.images?.find((one) => one.name === imageName);
  if (image !== undefined && (await findEngine()) !== undefined)
    return { state: "ok", how: { as: "container", image: { ref: image.ref, digest: image.digest } } };
  return {
    state: "bad",
    problems: [
      {
        rule: `${model.name} ${model.version} cannot be started here: it was never served on this machine, and there is ${image === undefined ? "no serving image in its record" : "no container engine for its image"}`,
        hint: "install docker or podman, or keep ML_RELEASE_HOME on a machine that stays",
      },
    ],
  };
}

/** The way to serve that was asked for, where this machine can go it. */
export async function decideHow(how: LocalHow, engine: ContainerEngine | undefined): Promise<PlannedHow> {
  const wantsContainer =
    how.as === "container" || (how.as === "auto" && engine !== undefined && how.image !== undefined);
  if (wantsContainer) {
    const problems = [
      ...(how.image === undefined
        ? [
            {
              rule: "the release has no image of this name",
              where: { input: "image" },
              hint: "run build-images before, or set `serve`",
            },
          ]
        : []),
      ...(engine === undefined
        ? [
            {
              rule: "no container engine answers",
              where: { input: "serve-as" },
              hint: "install docker or podman, or set serve-as: process",
            },
          ]
        : []),
    ];
    if (problems.length > 0 || how.image === undefined) return { state: "bad", problems };
    return { state: "ok", how: { as: "container", image: how.image, env: { ...how.env } } };
  }
  if (how.command === undefined)
    return {
      state: "bad",
      problems: [
        {
          rule: `nothing can serve the model: ${engine === undefined ? "no container engine answers" : "the release has no serving image"}, and no command is given`,
          where: { input: "serve" },
          hint: "install docker or podman, or set `serve` to the server's command and `serve-context` to its folder",
        },
      ],
    };
  if (how.context !== undefined) await access(how.context);
  return { state: "ok", how: { as: "process", command: [...how.command], env: { ...how.env } } };
}
