import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ReleaseError } from "../../lib/error.ts";
import { type ExportedImage, engineName, exportImage } from "../../lib/image/export-image.ts";
import { readImage } from "../../lib/image/read-image.ts";
import type { ImageStore } from "../../ports/image-store.ts";
import type { Engine } from "./engine.ts";

export type LoadRequest = {
  readonly store: ImageStore;
  readonly repository: string;
  readonly digest: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** A folder that the archive is put into for a moment. */
  readonly temp: string;
};

/**
 * Brings an image from a store into an engine, which then has it under a name and under its id. An image that is there already is not
 * sent again. The id is compared with the configuration's digest: what runs is what was stored.
 */
export async function loadImage(engine: Engine, request: LoadRequest): Promise<ExportedImage> {
  const { store, repository, digest, platform } = request;
  const { manifest } = await readImage(store, repository, { reference: digest, platform });
  const name = engineName(repository, digest);
  const id = manifest.config.digest;
  if ((await idOf(engine, name)) === id) return { id, name };
  const file = join(request.temp, `${digest.replace(":", "-")}.tar`);
  try {
    await exportImage(store, { repository, digest, platform, file });
    await engine.run(engine.kind === "buildah" ? ["pull", `docker-archive:${file}`] : ["load", "--input", file]);
  } finally {
    await rm(file, { force: true });
  }
  const saw = await idOf(engine, name);
  if (saw === id) return { id, name };
  throw new ReleaseError("INTEGRITY", {
    rule: `${engine.kind} must have the image that was stored`,
    where: { file: name },
    saw: saw ?? "no such image",
    allowed: id,
  });
}

/** The id of an image by its name in the engine. Unknown names are exit code 1 of docker, 125 of the others. */
async function idOf(engine: Engine, name: string): Promise<string | undefined> {
  const args =
    engine.kind === "buildah"
      ? ["inspect", "--type", "image", "--format", "{{.FromImageID}}", name]
      : ["image", "inspect", "--format", "{{.Id}}", name];
  const { code, stdout } = await engine.run(args, { okCodes: [0, 1, 125] });
  const id = stdout.trim();
  if (code !== 0 || id === "") return undefined;
  return id.startsWith("sha256:") ? id : `sha256:${id}`;
}
