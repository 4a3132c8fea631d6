import { posix } from "node:path";
import { isIgnoredInModel, sortFiles } from "../../domain/signing-manifest.ts";
import { artifactFile, type OpenArtifact } from "../../lib/artifact-file.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { HttpRequest } from "../../lib/http.ts";
import { MAX_FILES, tooManyFiles } from "../../lib/model-files.ts";
import { checkModelPath } from "../../lib/model-path.ts";
import type { SourceFile, TrackedFacts } from "../../ports/source-file.ts";
import type { ArtifactEntry, ArtifactFolder } from "./artifact-folder.ts";
import { connectMlflow, type MlflowOptions, SERVICE } from "./connection.ts";
import { type LocatedModel, locateModel } from "./locate-model.ts";
import { trackedFacts } from "./tracked-facts.ts";

export type MlflowSourceOptions = MlflowOptions & {
  /** As `send`; the body is read as it comes. */
  readonly stream: (wanted: HttpRequest) => Promise<{
    readonly status: number;
    readonly headers: Headers;
    readonly body: AsyncIterable<Uint8Array>;
  }>;
};

/** A model of MLflow: its files, or the bucket that they lie in, and what is known of its training. */
export type MlflowModel = {
  readonly files:
    | { readonly at: "here"; readonly list: readonly SourceFile[] }
    | { readonly at: "bucket"; readonly uri: string };
  readonly facts: TrackedFacts;
};

/** Finds a model by `runs:/…` or `models:/…`. Throws `NOT_FOUND` where there is none, `REFUSED` for what is no model. */
export async function mlflowModel(options: MlflowSourceOptions, address: string): Promise<MlflowModel> {
  const server = connectMlflow(options);
  const { files, run, model, version } = await locateModel(server, address);
  return {
    files: files.at === "bucket" ? files : { at: "here", list: await filesOf(options, files) },
    facts: {
      ...trackedFacts(run, model),
      mlflow: {
        server: server.base,
        address,
        ...(run === undefined ? {} : { run: run.info.run_id }),
        ...(model === undefined ? {} : { model: model.info.model_id }),
        ...(version === undefined ? {} : { version: `${version.name}/${version.version}` }),
      },
    },
  };
}

async function filesOf(
  options: MlflowSourceOptions,
  { folder, path }: Extract<LocatedModel["files"], { at: "server" }>,
): Promise<readonly SourceFile[]> {
  const below = await filesBelow(folder, path);
  const files = below.length > 0 ? below : await fileAt(folder, path);
  if (files.length > 0) return sortFiles(files).map((file) => sourceFile(options, folder, file));
  throw new ReleaseError("NOT_FOUND", {
    rule: "the model must exist",
    where: { file: addressOf(folder, path) },
    saw: `nothing at ${options.base}`,
    hint: "check the address, and that the training run logged it",
  });
}

/** A file: by its path in the model, and by that in its folder. */
type Found = { readonly path: string; readonly at: string; readonly size: number };

async function filesBelow(folder: ArtifactFolder, root: string): Promise<readonly Found[]> {
  const files: Found[] = [];
  const folders = [root];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await folder.list(next)) {
      const path = checkModelPath(pathIn(folder, root, entry), addressOf(folder, entry.path));
      if (isIgnoredInModel(path)) continue;
      if (entry.isFolder) folders.push(entry.path);
      else files.push({ path, at: entry.path, size: entry.size });
      if (files.length + folders.length > MAX_FILES) throw tooManyFiles(addressOf(folder, root));
    }
  }
  return files;
}

/** The server tells where an entry lies: what is not below the folder that was asked for would be taken from elsewhere. */
function pathIn(folder: ArtifactFolder, root: string, { path }: ArtifactEntry): string {
  const start = root === "" ? "" : `${root}/`;
  if (path.startsWith(start)) return path.slice(start.length);
  throw new ReleaseError("PROTOCOL", {
    rule: `${SERVICE} must list what lies in the folder that it is asked for`,
    where: { file: addressOf(folder, root) },
    saw: JSON.stringify(path.slice(0, 200)),
  });
}

/** Where the address is that of one file. */
async function fileAt(folder: ArtifactFolder, path: string): Promise<readonly Found[]> {
  if (path === "") return [];
  const parent = posix.dirname(path);
  const beside = await folder.list(parent === "." ? "" : parent);
  const file = beside.find((entry) => entry.path === path && !entry.isFolder);
  return file === undefined ? [] : [{ path: checkModelPath(posix.basename(path), path), at: path, size: file.size }];
}

function sourceFile(options: MlflowSourceOptions, folder: ArtifactFolder, { path, at, size }: Found): SourceFile {
  return artifactFile({ path, size, source: addressOf(folder, at), service: SERVICE }, opener(options, folder, at));
}

function opener(
  { base, stream, clock, signal }: MlflowSourceOptions,
  folder: ArtifactFolder,
  at: string,
): OpenArtifact {
  const { path, query = {} } = folder.fileAt(at);
  const url = new URL(`${base}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return async (from, own) => {
    const ends = own ?? signal;
    const { status, headers, body } = await stream({
      service: SERVICE,
      url,
      clock,
      // as it is: what is compressed on the way has no ranges
      headers: { accept: "*/*", "accept-encoding": "identity", ...(from === 0 ? {} : { range: `bytes=${from}-` }) },
      okStatus: [200, 206],
      ...(ends === undefined ? {} : { signal: ends }),
      hints: { AUTH: "the account needs the permission READ on the experiment" },
    });
    return { from: status === 206 ? from : 0, etag: headers.get("etag") ?? undefined, body };
  };
}

function addressOf({ address }: ArtifactFolder, path: string): string {
  return path === "" ? address : `${address.replace(/\/+$/, "")}/${path}`;
}
