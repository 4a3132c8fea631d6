import type { VersionRecord } from "../../domain/model-version.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CatalogVersion, ModelCatalog, Published } from "../../ports/model-catalog.ts";
import { proxiedPath, putArtifact } from "./artifacts.ts";
import { connectMlflow, type Mlflow, type MlflowOptions } from "./connection.ts";
import { deploymentTag } from "./deployments.ts";
import { ensureExperiment } from "./experiments.ts";
import { fillRun } from "./fill-run.ts";
import { ensureLoggedModel } from "./logged-models.ts";
import { type Aliases, ensureModel, isReservedAlias, seeModels, setAlias } from "./registered-models.ts";
import { runContents } from "./run-contents.ts";
import { ensureRun } from "./runs.ts";
import { readRun } from "./source-run.ts";
import { decisionTags, identityTags, loggedModelTag, originTags, type Tag } from "./tags.ts";
import { createVersion, findVersion, type MlflowVersion, searchVersions, tagVersion } from "./versions.ts";

export type MlflowCatalogOptions = MlflowOptions & {
  /** The experiment of the runs that show versions. Empty: named as the model is. */
  readonly experiment?: string;
};

/**
 * MLflow 2.x and 3.x by its REST API: a registered model, a version of it with our own number as a tag, a run with metrics, parameters and
 * data, and in 3.x a logged model whose metrics are bound to the data. The version is made last: where it is, everything is.
 */
export function mlflowCatalog(options: MlflowCatalogOptions): ModelCatalog {
  const server = connectMlflow(options);
  const { clock } = options;
  return {
    kind: "mlflow",
    name: "MLflow",
    address: server.base,
    check: () => seeModels(server),
    publish: (version) => publish(server, version, { clock, experiment: options.experiment ?? version.record.model }),
    async recordDeployment(deployment) {
      const { name, version } = deployment;
      const found = await publishedVersion(server, name, version);
      await setTags(server, { name, shown: found, tags: [deploymentTag(deployment)] });
    },
  };
}

async function publishedVersion(server: Mlflow, name: string, version: string): Promise<MlflowVersion> {
  const [found] = await searchVersions(server, name, version);
  if (found !== undefined) return found;
  throw new ReleaseError("NOT_FOUND", {
    rule: "a rollout is told of a version that was published",
    saw: `no version of ${name} for ${version} in MLflow`,
    hint: "run register-model again with `mlflow` set: it publishes a version that is registered already",
  });
}

type Where = { readonly clock: Clock; readonly experiment: string };

async function publish(server: Mlflow, version: CatalogVersion, where: Where): Promise<Published> {
  const { record } = version;
  const { model: name, digest } = record;
  const aliases = await ensureModel(server, name, `${name}, as registered in its store by ml-release-actions.`);
  const found = await findVersion(server, { name, version: record.version, digest });
  const shown = found ?? (await create(server, version, where));
  const decided = await setTags(server, { name, shown, tags: decisionTags(version) });
  const moved = await setAliases(server, { name, number: shown.number, wanted: version.aliases, aliases });
  return {
    state: found === undefined ? "created" : moved || decided ? "completed" : "unchanged",
    ids: {
      model: name,
      version: shown.number,
      ...(shown.runId === undefined ? {} : { run: shown.runId }),
      ...(shown.modelId === undefined ? {} : { loggedModel: shown.modelId }),
    },
    url: `${server.base}/#/models/${encodeURIComponent(name)}/versions/${shown.number}`,
  };
}

async function create(server: Mlflow, version: CatalogVersion, where: Where): Promise<MlflowVersion> {
  const { record } = version;
  const run = (await sourceRun(server, record)) ?? (await showRun(server, version, where));
  const { runId, modelId } = run;
  const tags = [
    ...identityTags(version),
    ...originTags(version),
    ...(modelId === undefined ? [] : [loggedModelTag(modelId)]),
  ];
  const { model: name, digest } = record;
  const wanted = {
    name,
    version: record.version,
    digest,
    ...sourceOf(version, run),
    runId,
    description: describe(version),
    tags,
  };
  return await createVersion(server, wanted, where.clock);
}

/** What a version is of, in MLflow. */
type MadeBy = { readonly runId: string; readonly modelId: string | undefined; readonly artifacts: string };

/** The run of this server that the model was taken from: it says more than any that we could make, and is left as it is. */
async function sourceRun(server: Mlflow, { mlflow }: VersionRecord): Promise<MadeBy | undefined> {
  if (mlflow?.run === undefined || mlflow.server !== server.base) return undefined;
  const { info } = await readRun(server, mlflow.run);
  return { runId: info.run_id, modelId: mlflow.model, artifacts: info.artifact_uri };
}

/** A run that says what the record does, and in 3.x a logged model. */
async function showRun(server: Mlflow, version: CatalogVersion, { experiment: name }: Where): Promise<MadeBy> {
  const { model, version: number } = version.record;
  const contents = runContents(version);
  const experiment = await ensureExperiment(server, name);
  const run = await ensureRun(server, { experiment, model, version: number }, contents);
  const logged = await ensureLoggedModel(server, { experiment, runId: run.id, model, version: number }, contents);
  await fillRun(server, { runId: run.id, logged }, contents);
  const folder = proxiedPath(run.artifacts);
  if (version.card !== undefined && folder !== undefined)
    await putArtifact(server, { folder, name: "MODEL_CARD.md", bytes: Buffer.from(version.card.text) });
  return { runId: run.id, modelId: logged?.id, artifacts: run.artifacts };
}

/** Other machines cannot read a folder of this one, and MLflow takes none: the version then points at what the server keeps of its run. */
function sourceOf(
  { uri }: CatalogVersion,
  { modelId, artifacts }: MadeBy,
): { readonly source: string; readonly modelId: string | undefined } {
  if (!uri.startsWith("file:")) return { source: uri, modelId };
  return { source: modelId === undefined ? artifacts : `models:/${modelId}`, modelId };
}

function describe({ record, uri }: CatalogVersion): string {
  const { model, version, digest, author, code, licence } = record;
  const from = code === undefined ? "" : ` from ${code.repository}@${code.commit.slice(0, 12)}`;
  const terms = licence === undefined ? "" : ` Licence: ${licence}.`;
  return `${model} ${version}, registered by ${author}${from}. Files: ${uri} (${digest}).${terms}`.slice(0, 5_000);
}

type Tagging = { readonly name: string; readonly shown: MlflowVersion; readonly tags: readonly Tag[] };

/** Whether any was another one. */
async function setTags(server: Mlflow, { name, shown, tags }: Tagging): Promise<boolean> {
  const others = tags.filter(({ key, value }) => shown.tags[key] !== value);
  for (const tag of others) await tagVersion(server, { name, number: shown.number }, tag);
  return others.length > 0;
}

/** Whether any was moved. */
async function setAliases(
  server: Mlflow,
  wish: {
    readonly name: string;
    readonly number: string;
    readonly wanted: readonly string[];
    readonly aliases: Aliases;
  },
): Promise<boolean> {
  const { name, number, wanted, aliases } = wish;
  const missing = wanted.filter((alias) => aliases[alias] !== number && !isReservedAlias(alias));
  for (const alias of missing) await setAlias(server, { name, alias, version: number });
  return missing.length > 0;
}
