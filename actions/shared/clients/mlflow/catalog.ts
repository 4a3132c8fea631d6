import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CatalogVersion, ModelCatalog, Published } from "../../ports/model-catalog.ts";
import { proxiedPath, putArtifact } from "./artifacts.ts";
import { connectMlflow, type Mlflow, type MlflowOptions } from "./connection.ts";
import { deploymentTag } from "./deployments.ts";
import { ensureExperiment } from "./experiments.ts";
import { fillRun } from "./fill-run.ts";
import { ensureLoggedModel, type LoggedModel } from "./logged-models.ts";
import { type Aliases, ensureModel, isReservedAlias, seeModels, setAlias } from "./registered-models.ts";
import { type RunContents, runContents } from "./run-contents.ts";
import { ensureRun, type MlflowRun } from "./runs.ts";
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

async function create(
  server: Mlflow,
  version: CatalogVersion,
  { clock, experiment: name }: Where,
): Promise<MlflowVersion> {
  const { record, card } = version;
  const { model, version: number } = record;
  const contents = runContents(version);
  const experiment = await ensureExperiment(server, name);
  const run = await ensureRun(server, { experiment, model, version: number }, contents);
  const logged = await ensureLoggedModel(server, { experiment, runId: run.id, model, version: number }, contents);
  await fillRun(server, { runId: run.id, logged }, contents);
  const folder = proxiedPath(run.artifacts);
  if (card !== undefined && folder !== undefined)
    await putArtifact(server, { folder, name: "MODEL_CARD.md", bytes: Buffer.from(card.text) });
  const tags = [
    ...identityTags(version),
    ...originTags(version),
    ...(logged === undefined ? [] : [loggedModelTag(logged.id)]),
  ];
  return await createVersion(
    server,
    {
      name: model,
      version: number,
      digest: record.digest,
      ...sourceOf(version, { run, logged }),
      runId: run.id,
      description: describe(version, contents),
      tags,
    },
    clock,
  );
}

/** Other machines cannot read a folder of this one, and MLflow takes none: the version then points at what the server keeps of its run. */
function sourceOf(
  { uri }: CatalogVersion,
  { run, logged }: { readonly run: MlflowRun; readonly logged: LoggedModel | undefined },
): { readonly source: string; readonly modelId: string | undefined } {
  if (!uri.startsWith("file:")) return { source: uri, modelId: logged?.id };
  return logged === undefined
    ? { source: run.artifacts, modelId: undefined }
    : { source: `models:/${logged.id}`, modelId: logged.id };
}

function describe({ record, uri }: CatalogVersion, { name }: RunContents): string {
  const { digest, author, code, licence } = record;
  const from = code === undefined ? "" : ` from ${code.repository}@${code.commit.slice(0, 12)}`;
  const terms = licence === undefined ? "" : ` Licence: ${licence}.`;
  return `${name}, registered by ${author}${from}. Files: ${uri} (${digest}).${terms}`.slice(0, 5_000);
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
