import { parseImageRef, repositoryOf } from "../image-ref.ts";
import { nearestName } from "../nearest.ts";
import type { Release } from "../release.ts";
import type { PackageFault, PackagePath } from "./package.ts";

/** The images of the release by name, as references by digest. */
export type ImageRefs = Readonly<Record<string, string>>;

export function imageRefs({ images = {} }: Pick<Release, "images">): ImageRefs {
  return Object.fromEntries(Object.entries(images).map(([name, { ref }]) => [name, ref]));
}

/** How an image of the release is written where its digest is put in: `image://trainer`. */
export const PLACEHOLDER = "image://";

/** Where an image stands. */
export type ImagePlace = {
  readonly path: PackagePath;
  /** As it reads in a sentence: `executor exec-train`. */
  readonly owner: string;
  /** The image itself: `the image of executor exec-train`. */
  readonly what: string;
  /** Whether anything runs in it: else nobody misses one that was not built, and a tag may move. */
  readonly isRun: boolean;
};

/** The digest reference that an image becomes, the name of the built image that it is, and what is to be told. */
export type DecidedImage = { readonly to?: string; readonly name?: string; readonly fault?: PackageFault };

/** What becomes of an image: the digest of `image://NAME`, and of the repository of a built image by tag; the rest stays and is told. */
export function pinImage(image: string, images: ImageRefs, place: ImagePlace): DecidedImage {
  if (image.startsWith(PLACEHOLDER)) return decidePlaceholder(image, images, place);
  const ref = parseImageRef(image);
  if (ref === undefined)
    return told(place, { level: "error", rule: `no valid image: ${place.owner}`, saw: JSON.stringify(image) });
  const name = Object.keys(images).find((one) => sameRepository(images[one] ?? "", image));
  if (name !== undefined) return decideBuilt(image, { name, to: images[name] ?? "" }, place);
  if (ref.digest !== undefined) return {};
  return told(place, {
    level: place.isRun ? "warning" : "notice",
    rule: `named by a tag, which may move: ${place.what}`,
    saw: image,
    hint: "name it by digest, or build it in this release and write image://NAME",
  });
}

function decidePlaceholder(image: string, images: ImageRefs, place: ImagePlace): DecidedImage {
  const name = image.slice(PLACEHOLDER.length);
  const to = images[name];
  if (to !== undefined) return { to, name };
  const known = Object.keys(images);
  const nearest = nearestName(name, known);
  // a pull request that builds no image may train without: what is misspelt is told all the same
  const isMissed = place.isRun || known.length > 0;
  return told(place, {
    level: isMissed ? "error" : "notice",
    rule: `not built in this release: ${place.what}`,
    saw: image,
    allowed: known.length === 0 ? "none: the record has no images" : known.map((one) => PLACEHOLDER + one).join(", "),
    hint: nearest === undefined ? "run build-images before, with that image" : `did you mean ${PLACEHOLDER}${nearest}?`,
  });
}

/** The repository of a built image: by tag it is pinned and told; by another digest it stays, and is told. */
function decideBuilt(
  image: string,
  { name, to }: { readonly name: string; readonly to: string },
  place: ImagePlace,
): DecidedImage {
  if (image === to) return { name };
  const digest = parseImageRef(image)?.digest;
  if (digest === parseImageRef(to)?.digest) return { name, to };
  const said = { level: "warning", saw: image, allowed: to } as const;
  if (digest === undefined) {
    const rule = `the image ${name} of this release is named by a tag, its digest is run: ${place.owner}`;
    return { name, to, ...told(place, { ...said, rule, hint: `write ${PLACEHOLDER}${name}` }) };
  }
  const rule = `another digest of the image ${name} than this release built: ${place.owner}`;
  return told(place, { ...said, rule, hint: `write ${PLACEHOLDER}${name}, unless that is meant` });
}

function sameRepository(one: string, other: string): boolean {
  const [a, b] = [parseImageRef(one), parseImageRef(other)];
  return a !== undefined && b !== undefined && repositoryOf(a) === repositoryOf(b);
}

function told({ path }: ImagePlace, said: Omit<PackageFault, "path">): { readonly fault: PackageFault } {
  return { fault: { path, ...said } };
}
