import { createReadStream } from "node:fs";
import { join } from "node:path";
import { canonicalJson, type Json } from "../../domain/canonical.ts";
import { type Digest, hexOf } from "../../domain/digest.ts";
import { appendChain } from "../../domain/dockerfile/append.ts";
import { declare, matchSource, type Scope, splitCopy } from "../../domain/dockerfile/copy.ts";
import { flagOf, formatInstruction, type Instruction } from "../../domain/dockerfile/parse.ts";
import { globalVariables, type Stage } from "../../domain/dockerfile/stages.ts";
import { expandWord } from "../../domain/dockerfile/words.ts";
import {
  emptyConfig,
  environmentOf,
  type History,
  IMAGE_TIME,
  type ImageConfig,
  type RunConfig,
} from "../../domain/image/config.ts";
import { configure, dropInheritedCmd, joinFolder } from "../../domain/image/configure.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256, sha256Stream } from "../../lib/hash.ts";
import type { PlainLayer } from "../../lib/image/layers.ts";
import { knownLayers, putImage } from "../../lib/image/put-image.ts";
import { type ReadImage, readImage } from "../../lib/image/read-image.ts";
import { verified } from "../../lib/image/verified.ts";
import { type NewTarEntry, writeTar } from "../../lib/tar/write-tar.ts";
import type { BuildRequest, ImageBuilder } from "../../ports/image-builder.ts";
import { archiveLayer, findArchive } from "./add-archive.ts";
import { baseTree } from "./base-tree.ts";
import { type Copy, copyEntries, type LayerEntry } from "./copy-entries.ts";
import { followLinks, parentsOf, type Tree } from "./tree.ts";

/**
 * Makes images by adding layers of files to a base: nothing is run, so no engine is needed, and a base whose files need not be known
 * (`COPY --link`) is not even read. The same inputs give the same bytes on every machine. `cache` is a folder for what was learnt of bases.
 */
export function appendBuilder(cache: string): ImageBuilder {
  return {
    name: "append",
    async build(request) {
      const chain = appendChain(request.plan);
      const base = await readBase(request, chain[0]);
      const before = await readPrevious(request);
      const work: Work = {
        request,
        known: layersByMark(before),
        tree: base !== undefined && looksAtBase(chain) ? await readTree(request, base) : new Map(),
        // Without a look at the base nobody knows whether the folder is there: whoever runs the image makes it.
        makesWorkdir: base === undefined || looksAtBase(chain),
        layers: [],
        history: [],
      };
      let config: RunConfig = base?.config.config ?? {};
      refuseTriggers(config, request, chain[0]);
      for (const stage of chain) config = await runStage(stage, config, work);
      const image: ImageConfig = withLayers(base?.config ?? emptyConfig(request.platform), config, work);
      return putImage({
        store: request.store,
        repository: request.repository,
        config: Buffer.from(canonicalJson(image as Json)),
        layers: [...baseLayers(base), ...work.layers],
        known: knownLayers([before, base].filter((known) => known !== undefined)),
        temp: request.temp,
      });
    },
  };

  function readTree({ store }: BuildRequest, base: ReadImage): Promise<Tree> {
    return baseTree(store, base, join(cache, `${hexOf(base.stored.digest)}.json`));
  }
}

/** `mark` goes into the image's history: the next release knows by it what the layer is of. */
type NewLayer = PlainLayer & { readonly mark?: string };

type Work = {
  readonly request: BuildRequest;
  readonly tree: Tree;
  readonly makesWorkdir: boolean;
  /** Layers of the last release's image by their marks. */
  readonly known: ReadonlyMap<string, Digest>;
  readonly layers: PlainLayer[];
  readonly history: History[];
};

function looksAtBase(chain: readonly Stage[]): boolean {
  return chain.some(({ instructions }) =>
    instructions.some(
      (instruction) => ["COPY", "ADD"].includes(instruction.keyword) && flagOf(instruction, "link") !== "true",
    ),
  );
}

async function readBase(
  { bases, store, platform }: BuildRequest,
  first: Stage | undefined,
): Promise<ReadImage | undefined> {
  if (first?.base.kind !== "source") return undefined;
  const { source } = first.base;
  const written = source.kind === "image" ? source.ref : `image://${source.name}`;
  const base = bases.find((known) => known.written === written);
  if (base === undefined) throw new ReleaseError("INTERNAL", { rule: "a base was not resolved", saw: written });
  return readImage(store, base.repository, { reference: base.digest, platform });
}

async function readPrevious({ previous, store, repository, platform }: BuildRequest): Promise<ReadImage | undefined> {
  return previous === undefined ? undefined : readImage(store, repository, { reference: previous.digest, platform });
}

function refuseTriggers({ OnBuild }: RunConfig, { file }: BuildRequest, first: Stage | undefined): void {
  const triggers = OnBuild ?? [];
  if (triggers.length === 0) return;
  throw new ReleaseError("CONFIG", {
    rule: "the base image has ONBUILD instructions, which append cannot do",
    where: { file, ...(first === undefined ? {} : { line: first.from.line }) },
    saw: triggers.join("; "),
    hint: "install docker, podman or buildah on the runner, or start from another base",
  });
}

async function runStage(stage: Stage, inherited: RunConfig, work: Work): Promise<RunConfig> {
  const { plan, platform, args, file } = work.request;
  const { escapeChar } = plan.dockerfile;
  const globals = globalVariables(plan.globals, { platform, args });
  let config = inherited;
  const scope: Scope = { variables: new Map(environmentOf(config)), globals, args, escapeChar };
  for (const instruction of stage.instructions) {
    if (instruction.keyword === "COPY" || instruction.keyword === "ADD") {
      const layer = await copyLayer(instruction, { config, scope, work });
      addLayer(work, layer, instruction);
      continue;
    }
    const next = configure(instruction, { config, variables: scope.variables, escapeChar });
    if (next === undefined) throw unreadable(instruction, file);
    config = next;
    declare(instruction, scope);
    const made = instruction.keyword === "WORKDIR" && work.makesWorkdir ? makeWorkdir(config, work.tree) : [];
    if (made.length > 0) addLayer(work, await layerOf(made, work), instruction);
    else if (instruction.keyword !== "ARG") work.history.push({ ...historyOf(instruction), empty_layer: true });
  }
  const keywords = stage.instructions.map(({ keyword }) => keyword);
  return dropInheritedCmd(config, keywords);
}

type CopyWork = { readonly config: RunConfig; readonly scope: Scope; readonly work: Work };

async function copyLayer(instruction: Instruction, { config, scope, work }: CopyWork): Promise<NewLayer> {
  const { request, tree } = work;
  const split = splitCopy(instruction, scope.variables, scope.escapeChar);
  if (split === undefined) throw unreadable(instruction, request.file);
  const sources = split.sources.map((pattern) => ({ pattern, roots: matchSource(pattern, request.files) }));
  const archive = instruction.keyword === "ADD" ? await findArchive(sources, instruction, request) : undefined;
  const { line } = instruction;
  if (archive !== undefined) return archiveLayer(archive, { request, tree, destination: split.destination, line });
  const [uid = 0, gid = uid] = (flagOf(instruction, "chown") ?? "0:0").split(":").map(Number);
  const mode = flagOf(instruction, "chmod");
  const copy: Copy = {
    sources,
    destination: joinFolder(config.WorkingDir, split.destination),
    isFolder: /(^|\/)\.?$/.test(split.destination) || sources.flatMap(({ roots }) => roots).length > 1,
    uid,
    gid,
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
    isLinked: flagOf(instruction, "link") === "true",
  };
  refuseLinks(copy, instruction, request);
  return layerOf(copyEntries(copy, request.files, tree), work);
}

/** Docker follows a link that is itself a source; where to, a build context cannot always say. */
function refuseLinks({ sources }: Copy, { line }: Instruction, { files, file }: BuildRequest): void {
  const links = new Set(files.filter(({ type }) => type === "link").map(({ path }) => path));
  const link = sources.flatMap(({ roots }) => roots).find(({ path }) => links.has(path));
  if (link === undefined) return;
  throw new ReleaseError("CONFIG", {
    rule: "a source of COPY must not be a symbolic link",
    where: { file, line },
    saw: link.path,
    hint: "name the file or folder that it points at",
  });
}

function makeWorkdir(config: RunConfig, tree: Tree): readonly LayerEntry[] {
  const path = followLinks(tree, config.WorkingDir ?? "/");
  if (path === "") return [];
  const missing = [...parentsOf(path), path].filter((folder) => tree.get(folder)?.type !== "folder");
  const folder = { type: "folder", mode: 0o755, uid: 0, gid: 0 } as const;
  for (const name of missing) tree.set(name, folder);
  return missing.map((name) => ({ ...folder, path: name }));
}

/** A layer by its entries. One that the last release's image has, by the same entries, is not read to know its digest. */
async function layerOf(entries: readonly LayerEntry[], { request, known }: Work): Promise<NewLayer> {
  const open = () => writeTar(entries.map((entry) => tarEntry(entry, request.context)));
  const mark = `entries ${sha256(canonicalJson(entries as readonly Json[]))}`;
  return { open, mark, diffId: known.get(mark) ?? (await sha256Stream(open())).digest };
}

/** Diff ids of an image's layers by what its history says of their entries. */
function layersByMark(image: ReadImage | undefined): ReadonlyMap<string, Digest> {
  const layers = (image?.config.history ?? []).filter(({ empty_layer }) => empty_layer !== true);
  const diffIds = image?.config.rootfs.diff_ids ?? [];
  // A base may have no history, or one that does not fit: then nobody knows which line is of which layer.
  if (layers.length !== diffIds.length) return new Map();
  return new Map(
    layers.flatMap(({ comment }, i) => {
      const diffId = diffIds[i];
      return typeof comment === "string" && diffId !== undefined ? [[comment, diffId] as const] : [];
    }),
  );
}

function tarEntry(entry: LayerEntry, context: string): NewTarEntry {
  if (entry.type !== "file") return entry;
  const { source, ...rest } = entry;
  const open = () => verified(createReadStream(join(context, source.path)), source.digest);
  return { ...rest, size: source.size, open };
}

/** The base's layers by their diff ids: the store has them, so they are never opened. */
function baseLayers(base: ReadImage | undefined): readonly PlainLayer[] {
  return (base?.config.rootfs.diff_ids ?? []).map((diffId) => ({
    diffId,
    open: () => {
      throw new ReleaseError("INTERNAL", { rule: "a layer of the base was to be packed again", saw: diffId });
    },
  }));
}

function addLayer(work: Work, { mark, ...layer }: NewLayer, instruction: Instruction): void {
  work.layers.push(layer);
  work.history.push({ ...historyOf(instruction), ...(mark === undefined ? {} : { comment: mark }) });
}

function historyOf(instruction: Instruction): History {
  return { created: IMAGE_TIME, created_by: formatInstruction(instruction) };
}

function withLayers(base: ImageConfig, config: RunConfig, { layers, history }: Work): ImageConfig {
  return {
    ...base,
    created: IMAGE_TIME,
    config,
    rootfs: { type: "layers", diff_ids: [...(base.rootfs.diff_ids ?? []), ...layers.map(({ diffId }) => diffId)] },
    history: [...(base.history ?? []), ...history],
  };
}

function unreadable(instruction: Instruction, file: string): ReleaseError {
  return new ReleaseError("CONFIG", {
    rule: `${instruction.keyword} cannot be read`,
    where: { file, line: instruction.line },
    saw: expandWord(instruction.rest, new Map()) === undefined ? `${instruction.rest} (quotes?)` : instruction.rest,
  });
}
