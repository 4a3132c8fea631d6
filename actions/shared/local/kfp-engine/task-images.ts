import { isDigest } from "../../domain/digest.ts";
import { componentKind } from "../../domain/pipeline/component-kind.ts";
import type { TaskSite } from "../../domain/pipeline/tasks.ts";
import type { ContainerEngine } from "../container-engine.ts";

/** What runs images on this machine, and those that this release built. */
export type TaskContainers = {
  readonly engine: Pick<ContainerEngine, "name" | "load">;
  /** Variables by which the engine's program finds it: DOCKER_HOST, … */
  readonly env: Readonly<Record<string, string>>;
  /** References by digest. A Python component whose image is one of them runs in it, where it holds the KFP SDK; others as a process. */
  readonly built: readonly string[];
  /** A folder for archives of images. */
  readonly temp: string;
};

/** References of the executors whose tasks run in containers, or may. */
export function wantedImages(sites: readonly TaskSite[], built: readonly string[]): readonly string[] {
  const wanted = sites.flatMap(({ executor }) => {
    const image = executor.container?.image;
    if (image === undefined) return [];
    return componentKind(executor) !== "lightweight" || built.includes(image) ? [image] : [];
  });
  return [...new Set(wanted)];
}

/** What driver.py is told of containers; undefined where no task needs one. Brings every image into the engine first. */
export async function containerRequest(
  sites: readonly TaskSite[],
  { engine, env, built, temp }: TaskContainers,
  passed: readonly string[],
) {
  const wanted = wantedImages(sites, built);
  if (wanted.length === 0) return undefined;
  const images: Record<string, string> = {};
  // one after the other: each may be large, and they share layers
  for (const ref of wanted) {
    const digest = ref.slice(ref.lastIndexOf("@") + 1);
    images[ref] = await engine.load(isDigest(digest) ? { ref, digest } : { ref }, temp);
  }
  const found = Object.entries(env).filter(([name]) => FINDS_ENGINE.test(name));
  return { program: engine.name, env: Object.fromEntries(found), pass: passed, images };
}

const FINDS_ENGINE = /^(?:DOCKER_|CONTAINERS?_|BUILDAH_|XDG_RUNTIME_DIR$|TMPDIR$|HOME$|PATH$)/;
