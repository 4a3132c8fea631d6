import { join, relative } from "node:path";
import { appendObstacles } from "../shared/domain/dockerfile/append.ts";
import { copySources, matchSource } from "../shared/domain/dockerfile/copy.ts";
import { parseDockerfile } from "../shared/domain/dockerfile/parse.ts";
import { planStages, type StagePlan } from "../shared/domain/dockerfile/stages.ts";
import type { Checked, Problem } from "../shared/domain/problem.ts";
import type { Finding } from "../shared/domain/report.ts";
import { isReleaseError, ReleaseError } from "../shared/lib/error.ts";
import { type FoundEntry, insideWorkspace, listContext, readIgnore } from "../shared/lib/image/read-context.ts";
import { readTextFile } from "../shared/lib/read-text.ts";
import type { BuildStep, ImageWish } from "./step.ts";

/** An image whose Dockerfile and context were read and found good; nothing is hashed, built or asked for yet. */
export type PreparedImage = {
  readonly name: string;
  readonly wish: ImageWish;
  readonly plan: StagePlan;
  /** The Dockerfile as people see it: relative to the workspace. */
  readonly file: string;
  readonly context: string;
  /** Of the context what can reach the image: for append what is copied, for an engine everything that no ignore pattern leaves out. */
  readonly found: readonly FoundEntry[];
  /** Other images of the list that must be there first. */
  readonly needs: readonly string[];
  readonly way: "append" | "engine";
  /** What append cannot do in this Dockerfile. */
  readonly obstacles: readonly Problem[];
  readonly findings: readonly Finding[];
};

const MAX_DOCKERFILE_BYTES = 1024 * 1024;

/** Reads and checks all images; every problem of every image is in one error. */
export async function prepareImages(step: BuildStep, platform: string): Promise<readonly PreparedImage[]> {
  const images: PreparedImage[] = [];
  const problems: Problem[] = [];
  for (const [name, wish] of Object.entries(step.inputs.images)) {
    try {
      images.push(await prepareImage(name, wish, { step, platform }));
    } catch (error) {
      if (!isReleaseError(error, "INPUT", "CONFIG", "REFUSED")) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ReleaseError("CONFIG", problems);
  return images;
}

/** `BASE_IMAGE`: the build argument under which an image is handed to those that need it. */
export function imageArgument(name: string): string {
  return `${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_")}_IMAGE`;
}

type Around = { readonly step: BuildStep; readonly platform: string };

async function prepareImage(name: string, wish: ImageWish, { step, platform }: Around): Promise<PreparedImage> {
  const { workspace } = step.job;
  const context = folderInWorkspace(step, `images.${name}.context`, wish.context);
  const path = folderInWorkspace(
    step,
    `images.${name}.dockerfile`,
    join(wish.context, wish.dockerfile ?? "Dockerfile"),
  );
  const file = relative(workspace, path);
  const text = await readTextFile(path, MAX_DOCKERFILE_BYTES);
  if (text === undefined) throw missing(`${name} has no Dockerfile`, file);
  const own = Object.fromEntries(Object.entries(wish.args ?? {}).map(([key, value]) => [key, String(value)]));
  const handed = Object.fromEntries((wish.needs ?? []).map((need) => [imageArgument(need), `image://${need}`]));
  const dockerfile = unwrap(parseDockerfile(text, file));
  const request = { file, target: wish.target, args: { ...handed, ...own }, platform };
  const plan = unwrap(planStages(dockerfile, request));
  const obstacles = appendObstacles(plan, file);
  const way = wayOf(step.inputs.builder, obstacles);
  const listed = listContext(context, readIgnore(context, path));
  const released = plan.sources.flatMap((source) => (source.kind === "release-image" ? [source.name] : []));
  return {
    name,
    wish,
    plan,
    file,
    context,
    found: way === "append" ? copiedFiles(plan, { file, platform, listed }) : listed,
    needs: [...new Set([...(wish.needs ?? []), ...released])],
    way,
    obstacles,
    findings: argumentFindings(name, { plan, own, step }),
  };
}

/** Throws where append was asked for and cannot do it. */
function wayOf(builder: BuildStep["inputs"]["builder"], obstacles: readonly Problem[]): "append" | "engine" {
  if (builder === "auto") return obstacles.length === 0 ? "append" : "engine";
  if (builder !== "append") return "engine";
  if (obstacles.length > 0)
    throw new ReleaseError(
      "CONFIG",
      obstacles.map((obstacle) => ({ ...obstacle, hint: "set builder: auto, and install docker, podman or buildah" })),
    );
  return "append";
}

function folderInWorkspace(step: BuildStep, input: string, path: string): string {
  const { workspace } = step.job;
  const written = join(workspace, step.inputs["working-directory"], path);
  const real = realOrUndefined(workspace, written, input);
  if (real !== undefined) return real;
  throw new ReleaseError("INPUT", {
    rule: "must lie in the workspace, symbolic links resolved",
    where: { input: "images" },
    saw: `${input}: ${path}`,
  });
}

function realOrUndefined(workspace: string, written: string, input: string): string | undefined {
  try {
    return insideWorkspace(workspace, written);
  } catch (error) {
    throw new ReleaseError(
      "INPUT",
      { rule: "does not exist", where: { input: "images" }, saw: `${input}: ${relative(workspace, written)}` },
      error,
    );
  }
}

type Listing = { readonly file: string; readonly platform: string; readonly listed: readonly FoundEntry[] };

function copiedFiles(plan: StagePlan, { file, platform, listed }: Listing): readonly FoundEntry[] {
  const sources = unwrap(copySources(plan, { file, platform }));
  const roots = sources.map(({ pattern, line }) => ({ pattern, line, roots: matchSource(pattern, listed) }));
  const lost = roots.filter(({ roots: found }) => found.length === 0);
  if (lost.length > 0)
    throw new ReleaseError(
      "CONFIG",
      lost.map(({ pattern, line }) => ({
        rule: "COPY finds nothing in the build context",
        where: { file, line },
        saw: pattern,
        hint: "check the path, and that .dockerignore does not leave it out",
      })),
    );
  const all = roots.flatMap(({ roots: found }) => found);
  const isCopied = ({ path }: FoundEntry) =>
    all.some((root) => root.path === "" || path === root.path || (root.isFolder && path.startsWith(`${root.path}/`)));
  return listed.filter(isCopied);
}

type Arguments = { readonly plan: StagePlan; readonly own: Readonly<Record<string, string>>; readonly step: BuildStep };

const SECRET_NAME = /passw|secret|token|credential|api_?key|private_?key/i;

/** Whether a build argument is named like something that must not be in an image. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

function argumentFindings(image: string, { plan, own, step }: Arguments): readonly Finding[] {
  const where = { input: "images" };
  const { commit, tag } = step.release.source;
  return Object.entries(own).flatMap(([name, value]): readonly Finding[] => {
    const argument = `build argument ${name} of ${image}`;
    if (plan.unusedArgs.includes(name))
      return [{ level: "warning", where, message: `${argument} is declared by no ARG` }];
    if (isSecretName(name))
      return [
        {
          level: "warning",
          where,
          message: `${argument} looks like a secret: build arguments can be read from the image`,
        },
      ];
    if (value === commit || (tag !== undefined && value === tag))
      return [
        { level: "warning", where, message: `${argument} changes with every release: the image can never be reused` },
      ];
    return [];
  });
}

function missing(rule: string, file: string): ReleaseError {
  return new ReleaseError("CONFIG", { rule, where: { file }, hint: "check context and dockerfile" });
}

function unwrap<T>(checked: Checked<T>): T {
  if (checked.state === "ok") return checked.value;
  throw new ReleaseError("CONFIG", checked.problems);
}
