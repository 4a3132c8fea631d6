import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hexOf } from "../../domain/digest.ts";
import { isLoopbackHost, parseRepository } from "../../domain/image-ref.ts";
import { exportLayout } from "../../lib/image/export-layout.ts";
import { knownLayers, putExactly, putImage, type Stored } from "../../lib/image/put-image.ts";
import { type ReadImage, readImage } from "../../lib/image/read-image.ts";
import type { BuildRequest, ImageBuilder, ResolvedBase } from "../../ports/image-builder.ts";
import { describeEngine, type Engine } from "./engine.ts";
import { loadImage } from "./load-image.ts";
import { pinnedDockerfile } from "./pinned-dockerfile.ts";
import { openDockerArchive, openOciArchive } from "./saved-image.ts";
import { stageContext } from "./stage-context.ts";

export type EngineBuilderOptions = {
  readonly engine: Engine;
  /** Images that the engine cannot pull by itself: of the folder, and of a registry whose login only we have. */
  readonly mustBeLoaded: (repository: string) => boolean;
};

/**
 * Builds with docker, buildx, podman or buildah. The engine gets a folder with exactly the files of the content key and a Dockerfile whose
 * images are pinned. What it built is saved, and stored by us: layers that the base or the last release has by their known digests, new
 * layers packed by us, the same way each time, and the configuration without what is of this machine only.
 */
export function engineBuilder(options: EngineBuilderOptions): ImageBuilder {
  return {
    name: describeEngine(options.engine),
    async build(request) {
      const context = join(request.temp, "context");
      const dockerfile = join(request.temp, "Dockerfile");
      await stageContext(request.context, request.files, context);
      const pins = await pinBases(options, request);
      await writeFile(
        dockerfile,
        pinnedDockerfile(request.plan, (written) => pins.names.get(written) ?? written),
      );
      const stored = hasOwnImages(options.engine)
        ? await buildAndSave(options.engine, { request, dockerfile, context, pins })
        : await buildToLayout(options.engine, { request, dockerfile, context, pins });
      await rm(context, { recursive: true, force: true });
      return stored;
    },
  };
}

type Pins = {
  /** What stands in the Dockerfile, and the name that the engine is given instead. */
  readonly names: ReadonlyMap<string, string>;
  readonly args: readonly string[];
};

type Build = {
  readonly request: BuildRequest;
  readonly dockerfile: string;
  readonly context: string;
  readonly pins: Pins;
};

/** Whether what is loaded into the engine can be built on. */
function hasOwnImages({ kind, driver }: Engine): boolean {
  return kind !== "buildx" || driver === "docker";
}

async function pinBases({ engine, mustBeLoaded }: EngineBuilderOptions, request: BuildRequest): Promise<Pins> {
  const names = new Map<string, string>();
  const args: string[] = [];
  for (const base of request.bases) {
    if (!mustBeLoaded(base.repository)) {
      names.set(base.written, `${base.repository}@${base.digest}`);
      continue;
    }
    const loaded = hasOwnImages(engine) ? await load(engine, request, base) : await layOut(request, base);
    names.set(base.written, loaded.name);
    args.push(...loaded.args);
  }
  return { names, args };
}

async function load(engine: Engine, { store, platform, temp }: BuildRequest, base: ResolvedBase) {
  const { name } = await loadImage(engine, { store, repository: base.repository, digest: base.digest, platform, temp });
  return { name, args: [] };
}

async function layOut({ store, platform, temp }: BuildRequest, { repository, digest }: ResolvedBase) {
  const folder = join(temp, `base-${hexOf(digest)}`);
  const name = `base-${hexOf(digest, 16)}`;
  const { manifestDigest } = await exportLayout(store, { repository, digest, platform, folder });
  return { name, args: ["--build-context", `${name}=oci-layout://${folder}@${manifestDigest}`] };
}

async function buildAndSave(engine: Engine, build: Build): Promise<Stored> {
  const { request } = build;
  const idFile = join(request.temp, "image-id");
  const archive = join(request.temp, "image.tar");
  const output = engine.kind === "buildx" ? ["--load"] : [];
  await runBuild(engine, build, [...output, "--iidfile", idFile]);
  const id = (await readFile(idFile, "utf8")).trim();
  await engine.run(saveArgs(engine, id, archive));
  const saved = await openDockerArchive(archive);
  const bases = await Promise.all(request.bases.map((base) => readBase(request, base)));
  const before = await readPrevious(request);
  const stored = await putImage({
    store: request.store,
    repository: request.repository,
    ...saved,
    known: knownLayers([...(before === undefined ? [] : [before]), ...bases]),
    temp: request.temp,
  });
  await rm(archive, { force: true });
  return stored;
}

async function buildToLayout(engine: Engine, build: Build): Promise<Stored> {
  const { request } = build;
  const archive = join(request.temp, "image.tar");
  await runBuild(engine, build, ["--output", `type=oci,dest=${archive},oci-mediatypes=true`]);
  const stored = await putExactly(request, await openOciArchive(archive));
  await rm(archive, { force: true });
  return stored;
}

async function runBuild(engine: Engine, { request, dockerfile, context, pins }: Build, output: readonly string[]) {
  await mkdir(request.temp, { recursive: true });
  const buildArgs = Object.entries(request.args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  const network = request.network === "default" ? [] : ["--network", request.network];
  const args = [
    ...(engine.kind === "buildx" ? ["buildx", "build"] : ["build"]),
    ...flagsOf(engine, request),
    ...network,
    ...buildArgs,
    ...pins.args,
    "--file",
    dockerfile,
    ...output,
    context,
  ];
  await engine.run(args, { onLine: (line) => request.log.fenced(line) });
}

function flagsOf({ kind }: Engine, { platform, bases, network }: BuildRequest): readonly string[] {
  switch (kind) {
    case "buildx":
      // An attestation would make an index of the image, which is never the same again.
      return [
        ...["--platform", platform, "--provenance=false", "--sbom=false"],
        ...(network === "host" ? ["--allow", "network.host"] : []),
      ];
    case "docker":
      return ["--force-rm"];
    case "podman":
    case "buildah": {
      const isPlain = bases.some(({ repository }) => isLoopbackHost(parseRepository(repository)?.host ?? ""));
      // Docker's format: the other one has no HEALTHCHECK and no SHELL. One time in everything: the same inputs, the same bytes.
      return ["--format", "docker", "--timestamp", "0", "--layers", ...(isPlain ? ["--tls-verify=false"] : [])];
    }
  }
}

function saveArgs({ kind }: Engine, id: string, file: string): readonly string[] {
  if (kind === "buildah") return ["push", "--quiet", id, `docker-archive:${file}`];
  if (kind === "podman") return ["save", "--quiet", "--format", "docker-archive", "--output", file, id];
  return ["save", "--output", file, id];
}

function readBase({ store, platform }: BuildRequest, { repository, digest }: ResolvedBase): Promise<ReadImage> {
  return readImage(store, repository, { reference: digest, platform });
}

async function readPrevious({ previous, store, repository, platform }: BuildRequest): Promise<ReadImage | undefined> {
  return previous === undefined ? undefined : readImage(store, repository, { reference: previous.digest, platform });
}
