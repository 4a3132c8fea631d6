import * as v from "valibot";
import { schemeOf } from "../../domain/model-place.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type ArtifactFolder, proxiedFolder, runFolder } from "./artifact-folder.ts";
import type { Mlflow } from "./connection.ts";
import { parseSourceAddress, type SourceAddress } from "./source-address.ts";
import {
  readAlias,
  readDownloadUri,
  readModel,
  readRun,
  readVersion,
  type SourceModel,
  type SourceRun,
  type SourceVersion,
} from "./source-run.ts";

/** A model that MLflow knows, and where its files lie. */
export type LocatedModel = {
  readonly files: /** The server hands them on. */
    | { readonly at: "server"; readonly folder: ArtifactFolder; readonly path: string }
    /** They are better read from where they lie. */
    | { readonly at: "bucket"; readonly uri: string };
  readonly run: SourceRun | undefined;
  readonly model: SourceModel | undefined;
  readonly version: SourceVersion | undefined;
};

/** Follows an address of MLflow to the files: an alias to its version, a version to its run or logged model. */
export async function locateModel(server: Mlflow, text: string): Promise<LocatedModel> {
  const address = parseSourceAddress(text);
  if (address.state === "bad") throw new ReleaseError("INPUT", address.problems);
  return await follow(server, address.value, text);
}

async function follow(server: Mlflow, address: SourceAddress, text: string): Promise<LocatedModel> {
  switch (address.of) {
    case "run":
      return await ofRun(server, address);
    case "model":
      return await ofModel(server, address);
    case "version":
      return await ofVersion(server, await readVersion(server, address.name, address.version), text);
    case "alias":
      return await ofVersion(server, await readAlias(server, address.name, address.alias), text);
  }
}

async function ofModel(
  server: Mlflow,
  { modelId, path }: Pick<SourceAddress & { of: "model" }, "modelId" | "path">,
): Promise<LocatedModel> {
  const model = await readModel(server, modelId);
  const { artifact_uri: uri, source_run_id: runId } = model.info;
  const run = runId === "" ? undefined : await readRun(server, runId);
  return { files: filesAt(server, { root: uri, path, run }), run, model, version: undefined };
}

async function ofVersion(server: Mlflow, version: SourceVersion, text: string): Promise<LocatedModel> {
  const uri = await readDownloadUri(server, version);
  const source = parseSourceAddress(version.source);
  if (source.state === "ok" && (source.value.of === "run" || source.value.of === "model"))
    return { ...(await follow(server, source.value, text)), version };
  const run = version.run_id === "" ? undefined : await readRun(server, version.run_id);
  return { files: filesAt(server, inRun(uri, run)), run, model: undefined, version };
}

async function ofRun(
  server: Mlflow,
  { runId, path }: { readonly runId: string; readonly path: string },
): Promise<LocatedModel> {
  const run = await readRun(server, runId);
  if (run.info.status !== "FINISHED")
    throw new ReleaseError("REFUSED", {
      rule: "a model is registered from a run that succeeded",
      saw: `run ${runId} of MLflow: ${run.info.status}`,
      hint: "end the run (`mlflow.end_run()`), or name another one",
    });
  const ids = run.outputs?.model_outputs.map(({ model_id }) => model_id) ?? [];
  const models = await Promise.all([...new Set(ids)].map((id) => readModel(server, id)));
  const found = path === "" ? onlyModel(run, models) : path;
  const model = models.find(({ info }) => info.model_id === found || info.name === found);
  const kept = { files: filesAt(server, { root: run.info.artifact_uri, path: found, run }), run, version: undefined };
  // MLflow 3 keeps a model beside its run: the name that it was logged with leads there, unless the run has a folder of that name
  if (model === undefined || (path !== "" && (await hasFiles(kept.files)))) return { ...kept, model: undefined };
  return { files: filesAt(server, { root: model.info.artifact_uri, path: "", run }), run, model, version: undefined };
}

async function hasFiles(files: LocatedModel["files"]): Promise<boolean> {
  return files.at === "server" && (await files.folder.list(files.path)).length > 0;
}

const HistorySchema = v.pipe(v.string(), v.parseJson(), v.array(v.looseObject({ artifact_path: v.string() })));

/** The id of the only logged model (3.x), or the path of the only one that the run's own tag tells (2.x). */
function onlyModel(run: SourceRun, models: readonly SourceModel[]): string {
  const history = v.safeParse(
    HistorySchema,
    run.data.tags.find(({ key }) => key === "mlflow.log-model.history")?.value,
  );
  const paths = history.success ? history.output.map(({ artifact_path }) => artifact_path) : [];
  const names = models.length > 0 ? models.map(({ info }) => info.model_id) : [...new Set(paths)];
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const seen = models.length > 0 ? models.map(({ info }) => `${info.name} (${info.model_id})`) : names;
  throw new ReleaseError("INPUT", {
    rule: "the address of a run names the model in it, unless it logged exactly one",
    where: { input: "model" },
    saw: seen.length === 0 ? "a run that logged no model" : seen.join(", "),
    allowed: `runs:/${run.info.run_id}/PATH, the path as in the run's artifacts`,
  });
}

type Place = { readonly root: string; readonly path: string; readonly run: SourceRun | undefined };

/** By the root of the run's artifacts where it lies among them: that is what the server can be asked for. */
function inRun(uri: string, run: SourceRun | undefined): Place {
  const root = run?.info.artifact_uri.replace(/\/+$/, "") ?? "";
  const isInside = root !== "" && (uri === root || uri.startsWith(`${root}/`));
  return isInside ? { root, path: uri.slice(root.length + 1), run } : { root: uri, path: "", run };
}

/** A bucket is read directly; the server's own store, and whatever else only the server can read, through the server. */
function filesAt(server: Mlflow, { root, path, run }: Place): LocatedModel["files"] {
  const scheme = schemeOf(root);
  if (scheme === "s3" || scheme === "gs") return { at: "bucket", uri: joined(root, path) };
  const proxied = proxiedFolder(server, root);
  if (proxied !== undefined) return { at: "server", folder: proxied, path };
  if (run !== undefined && root === run.info.artifact_uri.replace(/\/+$/, ""))
    return { at: "server", folder: runFolder(server, run.info.run_id, root), path };
  throw new ReleaseError("REFUSED", {
    rule: "the files of a model must lie where they can be read: in a bucket, or behind the MLflow server",
    saw: joined(root, path),
    allowed: "s3://…, gs://…, mlflow-artifacts:/…, or the artifacts of a run",
    hint: "fetch it in a step before, and set `model` to its path",
  });
}

function joined(root: string, path: string): string {
  return path === "" ? root : `${root.replace(/\/+$/, "")}/${path}`;
}
