import type { Json } from "../canonical.ts";
import { type ComponentKind, componentKind, isVolumeTask } from "./component-kind.ts";
import type { PackageFault, PackagePath, PipelinePackage } from "./package.ts";
import { type DecidedImage, type ImageRefs, PLACEHOLDER, pinImage } from "./pin-image.ts";
import { writtenPath } from "./proto-json.ts";

/** An executor's image that is written anew. */
export type ImagePin = {
  readonly executor: string;
  readonly path: PackagePath;
  readonly from: string;
  readonly to: string;
};

/** Whether an engine runs tasks in the images that their executors name; `containers`: all but Python components that carry their code. */
export type RunsImages = boolean | "containers";

export type PinnedImages = {
  readonly pins: readonly ImagePin[];
  /** Names of the release's images that some executor runs in. */
  readonly used: readonly string[];
  readonly faults: readonly PackageFault[];
};

/** The variable that holds an image while `pipeline.py` is compiled: `trainer` is `TRAINER_IMAGE`. */
export function imageVariable(name: string): string {
  return `${name.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_IMAGE`;
}

/**
 * Which image of which executor becomes which digest, and what is wrong with the rest; init containers too. On an engine that does not run
 * images, nobody misses one that was not built, and a tag may move.
 */
export function pinImages(
  pipeline: PipelinePackage,
  images: ImageRefs,
  engine: { readonly runsImages: RunsImages },
): PinnedImages {
  const sites = Map.groupBy([...containerImages(pipeline), ...initImages(pipeline)], ({ image }) => image);
  const decided = [...sites].map(([image, of]) => {
    const [first] = of;
    const site = { image, executors: of.map(({ executor }) => executor), path: first?.path ?? [0] };
    return {
      of,
      ...decide(
        site,
        images,
        of.some((one) => runs(one, engine.runsImages)),
      ),
    };
  });
  const used = [...new Set(decided.flatMap(({ name }) => name ?? []))];
  const unused = Object.keys(images).filter((name) => !used.includes(name));
  return {
    pins: decided.flatMap(({ of, to }) =>
      of.flatMap(({ executor, path, image }) =>
        to === undefined ? [] : [{ executor, path: writtenPath(pipeline.documents, path), from: image, to }],
      ),
    ),
    used,
    faults: [...decided.flatMap(({ fault }) => fault ?? []), ...unused.map(unusedFault)],
  };
}

function runs({ kind }: ImageSite, runsImages: RunsImages): boolean {
  return runsImages === "containers" ? kind === "container" || kind === "containerized" : runsImages;
}

type ImageSite = {
  readonly image: string;
  readonly executor: string;
  readonly path: PackagePath;
  readonly kind: ComponentKind | "init";
};

function containerImages({ spec }: PipelinePackage): readonly ImageSite[] {
  return Object.entries(spec.deploymentSpec.executors).flatMap(([executor, of]) => {
    const path: PackagePath = [0, "deploymentSpec", "executors", executor, "container", "image"];
    const isPulled = of.container !== undefined && !isVolumeTask(of);
    return isPulled ? [{ image: of.container?.image ?? "", executor, path, kind: componentKind(of) }] : [];
  });
}

function initImages({ platform }: PipelinePackage): readonly ImageSite[] {
  const executors = platform?.platforms.kubernetes?.deploymentSpec.executors ?? {};
  return Object.entries(executors).flatMap(([executor, { initContainers = [] }]) =>
    initContainers.map(({ image = "" }, i) => ({
      image,
      executor,
      kind: "init",
      path: [1, "platforms", "kubernetes", "deploymentSpec", "executors", executor, "initContainers", i, "image"],
    })),
  );
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
  if (Array.isArray(value)) return value.map((one, i) => (i === key ? replaced(one, rest, to) : one));
  const object = value as { readonly [key: string]: Json };
  return { ...object, [key]: replaced(object[key] ?? {}, rest, to) };
}

/** One image and the executors that name it. */
type Site = { readonly image: string; readonly executors: readonly string[]; readonly path: PackagePath };

function decide(site: Site, images: ImageRefs, isRun: boolean): DecidedImage {
  const { image, path } = site;
  const who = site.executors.length === 1 ? `executor ${site.executors[0]}` : `executors ${site.executors.join(", ")}`;
  if (image === "")
    return told(path, {
      level: "error",
      rule: `no image: ${who}`,
      hint: "was the variable that names it unset while the pipeline was compiled? Give the component a base_image, such as image://trainer",
    });
  if (!image.startsWith(PLACEHOLDER) && image.includes("{{$"))
    return told(path, {
      level: "notice",
      rule: `known in the run only, so not pinned: the image of ${who}`,
      saw: image,
    });
  return pinImage(image, images, { path, owner: who, what: `the image of ${who}`, isRun });
}

function unusedFault(name: string): PackageFault {
  return {
    level: "notice",
    path: [0, "deploymentSpec"],
    rule: `no executor of the pipeline runs in the image ${name}`,
    hint: `if one should, write ${PLACEHOLDER}${name} as its base_image`,
  };
}

function told(path: PackagePath, said: Omit<PackageFault, "path">): { readonly fault: PackageFault } {
  return { fault: { path, ...said } };
}
