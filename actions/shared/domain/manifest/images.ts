import { isJsonObject, type Json } from "../canonical.ts";
import type { PackageFault } from "../pipeline/package.ts";
import { type DecidedImage, type ImageRefs, PLACEHOLDER, pinImage } from "../pipeline/pin-image.ts";
import { type KubeObject, type Path, textAt, withValue } from "./object.ts";

const CONTAINERS = ["containers", "initContainers", "ephemeralContainers"];

/** A place where an image stands. */
export type ImageSite = { readonly path: Path; readonly image: string };

export type PinnedObject = {
  readonly object: KubeObject;
  /** Names of the release's images that it runs in. */
  readonly used: readonly string[];
  readonly faults: readonly PackageFault[];
};

/** Every image of a container, wherever a pod template stands; the kind's own places; and every scalar that is `image://NAME`. */
export function imageSites(object: KubeObject, own: readonly Path[]): readonly ImageSite[] {
  const named = own.flatMap((path) => {
    const image = textAt(object, path);
    return image === undefined ? [] : [{ path, image }];
  });
  const seen = new Set(named.map(({ path }) => path.join("/")));
  return [...named, ...sitesIn(object, []).filter(({ path }) => !seen.has(path.join("/")))];
}

/** Puts the digests in: for `image://NAME`, and for the repository of a built image by tag. The rest is told. */
export function pinObject(object: KubeObject, own: readonly Path[], images: ImageRefs): PinnedObject {
  const decided = imageSites(object, own).map((site) => ({ site, ...decide(site, images) }));
  const used = [...new Set(decided.flatMap(({ name }) => name ?? []))];
  const unused = Object.keys(images).filter((name) => !used.includes(name));
  return {
    object: decided.reduce<Json>(
      (now, { site, to }) => (to === undefined ? now : withValue(now, site.path, to)),
      object,
    ) as KubeObject,
    used,
    faults: [...decided.flatMap(({ fault }) => fault ?? []), ...unused.map(unusedFault)],
  };
}

function sitesIn(value: Json | undefined, path: Path): readonly ImageSite[] {
  if (typeof value === "string")
    return value.startsWith(PLACEHOLDER) || isContainerImage(path) ? [{ path, image: value }] : [];
  if (Array.isArray(value)) return value.flatMap((one, i) => sitesIn(one, [...path, i]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => sitesIn(one, [...path, key]));
}

function isContainerImage(path: Path): boolean {
  return path.at(-1) === "image" && typeof path.at(-2) === "number" && CONTAINERS.includes(String(path.at(-3)));
}

function decide({ path, image }: ImageSite, images: ImageRefs): DecidedImage {
  const where = path.join(".");
  return pinImage(image, images, { path: [0, ...path], owner: where, what: where, isRun: true });
}

function unusedFault(name: string): PackageFault {
  return {
    level: "notice",
    path: [0],
    rule: `no container of the manifest runs in the image ${name}`,
    hint: `if one should, write image: ${PLACEHOLDER}${name}`,
  };
}
