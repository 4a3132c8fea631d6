import type { Json } from "../canonical.ts";
import { parseImageRef, repositoryOf } from "../image-ref.ts";
import { nearestName } from "../nearest.ts";
import type { ImageRefs } from "../pipeline/images.ts";
import type { PackageFault } from "../pipeline/package.ts";
import { isRecord, type KubeObject, type Path, textAt, withValue } from "./object.ts";

const PLACEHOLDER = "image://";
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
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => sitesIn(one, [...path, key]));
}

function isContainerImage(path: Path): boolean {
  return path.at(-1) === "image" && typeof path.at(-2) === "number" && CONTAINERS.includes(String(path.at(-3)));
}

type Decided = { readonly to?: string; readonly name?: string; readonly fault?: PackageFault };

function decide(site: ImageSite, images: ImageRefs): Decided {
  const { image } = site;
  const where = site.path.join(".");
  if (image.startsWith(PLACEHOLDER)) return decidePlaceholder(site, images);
  const ref = parseImageRef(image);
  if (ref === undefined)
    return told(site, { level: "error", rule: `no valid image: ${where}`, saw: JSON.stringify(image) });
  const name = Object.keys(images).find((one) => sameRepository(images[one] ?? "", image));
  if (name !== undefined) return decideBuilt(site, name, images[name] ?? "");
  if (ref.digest !== undefined) return {};
  return told(site, {
    level: "warning",
    rule: `named by a tag, which may move: ${where}`,
    saw: image,
    hint: "name it by digest, or build it in this release and write image://NAME",
  });
}

function decidePlaceholder(site: ImageSite, images: ImageRefs): Decided {
  const name = site.image.slice(PLACEHOLDER.length);
  const to = images[name];
  if (to !== undefined) return { to, name };
  const known = Object.keys(images);
  const nearest = nearestName(name, known);
  return told(site, {
    level: "error",
    rule: `not built in this release: ${site.path.join(".")}`,
    saw: site.image,
    allowed: known.length === 0 ? "none: the record has no images" : known.map((one) => PLACEHOLDER + one).join(", "),
    hint: nearest === undefined ? "run build-images before, with that image" : `did you mean ${PLACEHOLDER}${nearest}?`,
  });
}

/** The repository of a built image: by tag it is pinned and told; by another digest it stays, and is told. */
function decideBuilt(site: ImageSite, name: string, to: string): Decided {
  if (site.image === to) return { name };
  const digest = parseImageRef(site.image)?.digest;
  if (digest === parseImageRef(to)?.digest) return { name, to };
  const said = { level: "warning", saw: site.image, allowed: to } as const;
  const where = site.path.join(".");
  if (digest === undefined) {
    const rule = `the image ${name} of this release is named by a tag, its digest is run: ${where}`;
    return { name, to, ...told(site, { ...said, rule, hint: `write ${PLACEHOLDER}${name}` }) };
  }
  const rule = `another digest of the image ${name} than this release built: ${where}`;
  return told(site, { ...said, rule, hint: `write ${PLACEHOLDER}${name}, unless that is meant` });
}

function sameRepository(one: string, other: string): boolean {
  const [a, b] = [parseImageRef(one), parseImageRef(other)];
  return a !== undefined && b !== undefined && repositoryOf(a) === repositoryOf(b);
}

function unusedFault(name: string): PackageFault {
  return {
    level: "notice",
    path: [0],
    rule: `no container of the manifest runs in the image ${name}`,
    hint: `if one should, write image: ${PLACEHOLDER}${name}`,
  };
}

function told({ path }: ImageSite, said: Omit<PackageFault, "path">): { readonly fault: PackageFault } {
  return { fault: { path: [0, ...path], ...said } };
}
