import { type Act, MODEL_SCHEMA, type VersionRecord } from "../../domain/model-version.ts";
import type { Problem } from "../../domain/problem.ts";
import type { Publication } from "../../domain/publication.ts";
import type { Log } from "../../ports/log.ts";
import type { CatalogDeployment, CatalogVersion, ModelCatalog, Published } from "../../ports/model-catalog.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { isReleaseError } from "../error.ts";
import { listAliases } from "./aliases.ts";
import { readBeside } from "./beside.ts";
import { appendOnce } from "./log.ts";
import { findState } from "./states.ts";

export type Publishing = {
  readonly catalogs: readonly ModelCatalog[];
  readonly record: VersionRecord;
  readonly act: Act;
  readonly log: Pick<Log, "info">;
  readonly signal: AbortSignal;
  /** The store is gone with the job: nobody could load what a catalog shows. */
  readonly rehearsal: boolean;
  /** What a rollout came to, which is told after the version. */
  readonly deployment?: CatalogDeployment;
};

/**
 * Shows a version that is in the store in each catalog, with the aliases that point at it now. What a catalog calls it goes to the model's
 * log, once. A catalog that cannot be told is an answer, no exception: the version stays what it is, and the next attempt tells it.
 */
export async function publishVersion(store: ModelStore, publishing: Publishing): Promise<readonly Publication[]> {
  const { catalogs, signal } = publishing;
  if (catalogs.length === 0) return [];
  if (publishing.rehearsal) return catalogs.map((catalog) => ({ ...placeOf(catalog), state: "rehearsed" }));
  let version: CatalogVersion;
  try {
    version = await catalogVersion(store, publishing.record);
  } catch (error) {
    return allUntold(publishing, error);
  }
  const publications: Publication[] = [];
  for (const catalog of catalogs) {
    signal.throwIfAborted();
    publications.push(await publishTo(catalog, { ...publishing, store, version }));
  }
  return publications;
}

/** What becomes of catalogs that an error keeps us from telling at all. Throws it again where it ends the step. */
export function allUntold(
  { catalogs, signal }: Pick<Publishing, "catalogs" | "signal">,
  error: unknown,
): readonly Publication[] {
  const problems = whyUntold(error, signal);
  return catalogs.map((catalog) => ({ ...placeOf(catalog), state: "failed", problems }));
}

type Task = Publishing & { readonly store: ModelStore; readonly version: CatalogVersion };

async function publishTo(
  catalog: ModelCatalog,
  { store, version, record, act, log, signal, deployment }: Task,
): Promise<Publication> {
  const { kind, name, address } = placeOf(catalog);
  try {
    const published = await catalog.publish(version);
    await appendOnce(store, record.model, {
      event: {
        schema: MODEL_SCHEMA,
        event: "published",
        version: record.version,
        digest: record.digest,
        catalog: { kind, address, ids: published.ids },
        act,
      },
      after: record.logAfter,
    });
    if (deployment !== undefined) await catalog.recordDeployment(deployment);
    log.info(sayPublished({ name, version: record.version }, published));
    return { kind, name, address, ...published };
  } catch (error) {
    return { kind, name, address, state: "failed", problems: whyUntold(error, signal) };
  }
}

function sayPublished(
  { name, version }: { readonly name: string; readonly version: string },
  { state, ids }: Published,
): string {
  const named = Object.entries(ids).map(([what, id]) => `${what} ${id}`);
  const deed = { created: "Shown by", completed: "Completed in", unchanged: "Unchanged in" }[state];
  return `${deed} ${name}: ${version} (${named.join(", ")}).`;
}

async function catalogVersion(store: ModelStore, record: VersionRecord): Promise<CatalogVersion> {
  const { model: name, version: number, digest } = record;
  const [aliases, decided] = await Promise.all([
    listAliases(store, name),
    findState(store, { name, version: number, digest }),
  ]);
  const card = record.card && (await readBeside(store, record.card));
  return {
    record,
    uri: store.address(record.folder),
    ...(card === undefined || record.card === undefined
      ? {}
      : { card: { text: new TextDecoder().decode(card), uri: store.address(record.card.key) } }),
    aliases: aliases.filter(({ version }) => version === number).map(({ alias }) => alias),
    ...(decided === undefined ? {} : { decided }),
  };
}

/** Asks each catalog whether it could be told, for a plan. */
export async function askCatalogs(
  catalogs: readonly ModelCatalog[],
  signal: AbortSignal,
): Promise<readonly Publication[]> {
  return Promise.all(
    catalogs.map(async (catalog): Promise<Publication> => {
      try {
        await catalog.check();
        return { ...placeOf(catalog), state: "foreseen" };
      } catch (error) {
        return { ...placeOf(catalog), state: "failed", problems: whyUntold(error, signal) };
      }
    }),
  );
}

/** Throws again what ends the step: a signal, and a bug of ours. */
function whyUntold(error: unknown, signal: AbortSignal): readonly Problem[] {
  if (signal.aborted || !isReleaseError(error) || error.code === "INTERNAL") throw error;
  return error.problems;
}

function placeOf({ kind, name, address }: ModelCatalog): Pick<ModelCatalog, "kind" | "name" | "address"> {
  return { kind, name, address };
}
