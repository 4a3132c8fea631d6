import type { Json } from "../canonical.ts";
import { parseImageRef, repositoryOf } from "../image-ref.ts";
import { nearestName } from "../nearest.ts";
import type { PackageFault, PackagePath, PipelinePackage } from "./package.ts";

/** The images of the release by name, as references by digest. */
export type ImageRefs = Readonly<Record<string, string>>;

/** An executor's image that is written anew. */
export type ImagePin = {
  readonly executor: string;
  readonly path: PackagePath;
  readonly from: string;
  readonly to: string;
};

export type PinnedImages = {
  readonly pins: readonly ImagePin[];
  /** Names of the release's images that some executor runs in. */
  readonly used: readonly string[];
  readonly faults: readonly PackageFault[];
};

const PLACEHOLDER = "image://";

/** The variable that holds an image while `pipeline.py` is compiled: `trainer` is `TRAINER_IMAGE`. */
export function imageVariable(name: string): string {
  return `${name.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_IMAGE`;
}

/** Which image of which executor becomes which digest, and what is wrong with the rest. */
export function pinImages({ spec }: PipelinePackage, images: ImageRefs): PinnedImages {
  const decided = Object.entries(spec.deploymentSpec.executors).flatMap(([executor, { container }]) => {
    if (container === undefined) return [];
    const path: PackagePath = [0, "deploymentSpec", "executors", executor, "container", "image"];
    return [decide({ executor, path, image: container.image ?? "" }, images)];
  });
  const used = [...new Set(decided.flatMap((one) => (one.image === undefined ? [] : [one.image])))];
  const unused = Object.keys(images).filter((name) => !used.includes(name));
  return {
    pins: decided.flatMap((one) => (one.pin === undefined ? [] : [one.pin])),
    used,
    faults: [...decided.flatMap((one) => one.faults), ...unused.map(unusedFault)],
  };
}

/** The package's documents with the images pinned. */
export function applyPins(documents: readonly Json[], pins: readonly ImagePin[]): readonly Json[] {
  return pins.reduce<readonly Json[]>(
    (now, pin) =>
      now.map((document, i) => (i === pin.path[0] ? replaced(document, pin.path.slice(1), pin.to) : document)),
    documents,
  );
}

function replaced(value: Json, path: readonly (string | number)[], to: string): Json {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const object = value as { readonly [key: string]: Json };
  return { ...object, [key]: replaced(object[key] ?? {}, rest, to) };
}

type Site = { readonly executor: string; readonly path: PackagePath; readonly image: string };
type Decided = { readonly pin?: ImagePin; readonly image?: string; readonly faults: readonly PackageFault[] };

function decide(site: Site, images: ImageRefs): Decided {
  const { executor, path, image } = site;
  if (image === "")
    return fault(path, {
      level: "error",
      rule: `executor ${executor} has no image`,
      hint: "was the variable that names it unset while the pipeline was compiled? Give the component a base_image, such as image://trainer",
    });
  if (image.startsWith(PLACEHOLDER)) return decidePlaceholder(site, images);
  if (image.includes("{{$"))
    return fault(path, {
      level: "notice",
      rule: `the image of executor ${executor} is known in the run only, so it is not pinned`,
      saw: image,
    });
  const ref = parseImageRef(image);
  if (ref === undefined)
    return fault(path, { level: "error", rule: `executor ${executor} must have a valid image`, saw: image });
  const name = Object.keys(images).find((one) => sameRepository(images[one] ?? "", image));
  if (name !== undefined) return decideBuilt(site, name, images[name] ?? "");
  if (ref.digest !== undefined) return { faults: [] };
  return fault(path, {
    level: "warning",
    rule: `the image of executor ${executor} is named by a tag, which may move`,
    saw: image,
    hint: "name it by digest, or build it in this release and write image://NAME",
  });
}

function decidePlaceholder({ executor, path, image }: Site, images: ImageRefs): Decided {
  const name = image.slice(PLACEHOLDER.length);
  const to = images[name];
  if (to !== undefined) return { pin: { executor, path, from: image, to }, image: name, faults: [] };
  const known = Object.keys(images);
  const nearest = nearestName(name, known);
  return fault(path, {
    level: "error",
    rule: `executor ${executor} runs in an image that this release did not build`,
    saw: image,
    allowed:
      known.length === 0 ? "none: the release record has no images" : known.map((one) => PLACEHOLDER + one).join(", "),
    hint: nearest === undefined ? "run build-images before, with that image" : `did you mean ${PLACEHOLDER}${nearest}?`,
  });
}

/** The repository of a built image: by tag it is pinned and told; by another digest it stays, and is told. */
function decideBuilt({ executor, path, image }: Site, name: string, to: string): Decided {
  if (image === to) return { image: name, faults: [] };
  const digest = parseImageRef(image)?.digest;
  if (digest === parseImageRef(to)?.digest)
    return { pin: { executor, path, from: image, to }, image: name, faults: [] };
  const said = { level: "warning", path, saw: image, allowed: to } as const;
  if (digest === undefined)
    return {
      pin: { executor, path, from: image, to },
      image: name,
      faults: [
        {
          ...said,
          rule: `executor ${executor} names the image ${name} by a tag; the digest of this release is run`,
          hint: `write ${PLACEHOLDER}${name}`,
        },
      ],
    };
  return {
    faults: [
      {
        ...said,
        rule: `executor ${executor} runs in another digest of the image ${name} than this release built`,
        hint: `write ${PLACEHOLDER}${name}, unless that is meant`,
      },
    ],
  };
}

function sameRepository(one: string, other: string): boolean {
  const [a, b] = [parseImageRef(one), parseImageRef(other)];
  return a !== undefined && b !== undefined && repositoryOf(a) === repositoryOf(b);
}

function unusedFault(name: string): PackageFault {
  return {
    level: "notice",
    path: [0, "deploymentSpec"],
    rule: `no executor of the pipeline runs in the image ${name}`,
    hint: `if one should, write ${PLACEHOLDER}${name} as its base_image`,
  };
}

function fault(path: PackagePath, said: Omit<PackageFault, "path">): Decided {
  return { faults: [{ path, ...said }] };
}
